"""Ids that follow from what they name."""

from datetime import timedelta
from uuid import UUID

from shared.engine.identity import command_id, derive_id
from tests.support.jobs import BEGIN


def test_a_derived_id_is_a_uuid_of_version_7_that_carries_its_time() -> None:
    derived = UUID(derive_id(BEGIN + timedelta(milliseconds=5), "job-1", "on_error", 0))
    assert derived.version == 7
    assert derived.variant == "specified in RFC 4122"
    assert derived.int >> 80 == int(BEGIN.timestamp()) * 1000 + 5


def test_the_same_parts_give_the_same_id_and_others_another() -> None:
    assert derive_id(BEGIN, "a", 1) == derive_id(BEGIN, "a", 1)
    assert len({derive_id(BEGIN, *parts) for parts in (("a", 1), ("a", 2), ("a1",), ("a", 1, ""))}) == 4


def test_a_command_is_named_after_job_step_attempt_and_kind() -> None:
    assert command_id("job-1", "build", 2, "run") == "job-1/build/2/run"
    assert command_id("job-1", None, 0, "job_timeout") == "job-1//0/job_timeout"
