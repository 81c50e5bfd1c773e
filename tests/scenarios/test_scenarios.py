"""Every rule of the engine, told as a scenario file of its own."""

from pathlib import Path

import pytest

from shared.engine.job import Job
from tests.scenarios.rehearsal import Rehearsal
from tests.scenarios.scenario import Scenario, read_scenario

FILES = sorted(Path(__file__).parent.glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_happens_is_what_the_scenario_tells(path: Path) -> None:
    scenario = read_scenario(path)
    rehearsal = Rehearsal(scenario)
    for number, written in enumerate(scenario.events, start=1):
        trace, lines = rehearsal.play(written)
        place = f"event {number}, {written['event']}: {scenario.rule}"
        assert trace == written["then"], place
        assert lines == written.get("says", lines), place
    check_end(scenario, rehearsal)


def test_there_is_a_scenario_for_every_rule() -> None:
    rules = [read_scenario(path).rule for path in FILES]
    assert len(set(rules)) == len(rules) >= 40


def check_end(scenario: Scenario, rehearsal: Rehearsal) -> None:
    expected = dict(scenario.finally_)
    job = rehearsal.job
    assert job.status == expected.pop("job"), scenario.rule
    for name, fields in expected.pop("steps", {}).items():
        assert {field: plain(getattr(job.steps[name], field)) for field in fields} == fields, name
    for name, body in expected.pop("ran", {}).items():
        assert rehearsal.ran(name) == body, name
    if "hooks" in expected:
        assert rehearsal.hooks() == expected.pop("hooks")
    assert rest_of(job, expected) == expected


def plain(value: object) -> object:
    """Tuples as YAML writes them."""
    return list(value) if isinstance(value, tuple) else value


def rest_of(job: Job, expected: dict[str, object]) -> dict[str, object]:
    """What else the scenario wants to see of the job: `output`, `reason`."""
    return {name: plain(getattr(job, name)) for name in expected}
