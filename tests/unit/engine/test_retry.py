"""The arithmetic of delays."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.engine.flow import Backoff, Retry
from shared.engine.retry import delay_before


def series(count: int, **policy: object) -> list[float]:
    """The first delays, in seconds."""
    written = {name: timedelta(seconds=value) if isinstance(value, int) else value for name, value in policy.items()}
    retry = Retry(**written)  # type: ignore[arg-type]
    return [delay_before(retry, number, "seed").total_seconds() for number in range(1, count + 1)]


@pytest.mark.parametrize(
    ("policy", "seconds"),
    [
        ({"delay": 2, "max_delay": 60, "backoff": Backoff.EXPONENTIAL}, [2, 4, 8, 16, 32, 60, 60]),
        ({"delay": 1, "backoff": Backoff.EXPONENTIAL}, [1, 2, 4, 8, 16, 32, 64, 64, 64]),
        ({"delay": 30, "backoff": Backoff.FIXED}, [30, 30, 30]),
        ({"delay": 30, "max_delay": 20, "backoff": Backoff.FIXED}, [20, 20]),
        ({"delay": 30, "backoff": Backoff.NONE}, [0, 0]),
    ],
)
def test_delays_follow_the_worked_series(policy: dict[str, object], seconds: list[float]) -> None:
    assert series(len(seconds), **policy) == seconds


@given(st.text(), st.integers(1, 10))
def test_jitter_moves_a_delay_by_a_quarter_at_most_and_always_by_the_same(seed: str, number: int) -> None:
    retry = Retry(delay=timedelta(seconds=8), has_jitter=True)
    delay = delay_before(retry, number, seed)
    assert timedelta(seconds=6) <= delay <= timedelta(seconds=10)
    assert delay_before(retry, number, seed) == delay


def test_jitter_spreads() -> None:
    retry = Retry(has_jitter=True)
    assert len({delay_before(retry, 1, f"job-{number}") for number in range(50)}) == 50


def test_a_retry_of_any_number_has_a_finite_delay() -> None:
    retry = Retry(delay=timedelta(hours=1), max_delay=timedelta(days=1), backoff=Backoff.EXPONENTIAL)
    assert delay_before(retry, 10_000, "seed") == timedelta(days=1)
