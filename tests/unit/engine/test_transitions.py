"""The tables of states: complete, closed, and as documented."""

import pytest

from shared.engine.states import JobStatus, StepStatus
from shared.engine.transitions import (
    JOB_MOVES,
    JOB_TRANSITIONS,
    STEP_MOVES,
    STEP_TRANSITIONS,
    JobMove,
    StepMove,
    next_job,
    next_step,
)
from shared.errors import Broken
from tests.unit.engine.state_tables import PAGE, describe


def test_every_state_and_every_move_is_in_the_tables() -> None:
    assert set(STEP_TRANSITIONS) == set(StepStatus)
    assert set(JOB_TRANSITIONS) == set(JobStatus)
    assert set(STEP_MOVES) == set(StepMove)
    assert set(JOB_MOVES) == set(JobMove)


@pytest.mark.parametrize("status", [each for each in StepStatus if each.is_terminal])
@pytest.mark.parametrize("move", [each for each in StepMove if each is not StepMove.REOPENED])
def test_a_step_that_has_ended_can_not_be_moved(status: StepStatus, move: StepMove) -> None:
    with pytest.raises(Broken, match=f"a {status} step can't be {move}"):
        next_step(status, move)


@pytest.mark.parametrize("status", [each for each in JobStatus if each.is_terminal])
@pytest.mark.parametrize("move", [each for each in JobMove if each is not JobMove.REOPENED])
def test_a_job_that_has_ended_can_not_be_moved(status: JobStatus, move: JobMove) -> None:
    with pytest.raises(Broken, match=f"a {status} job can't be {move}"):
        next_job(status, move)


def test_a_pending_step_can_not_be_started_by_a_worker() -> None:
    with pytest.raises(Broken):
        next_step(StepStatus.PENDING, StepMove.STARTED)


def test_the_page_about_states_is_what_the_tables_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == describe(), "run python -m tests.unit.engine.state_tables"
