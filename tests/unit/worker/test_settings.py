"""What a worker can be told."""

import pytest

from services.worker.settings import WorkerSettings
from shared.runtime.settings import SettingsRefused


def test_tags_are_a_sorted_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_WORKER_TAGS", '["gpu", "eu", "gpu"]')
    assert WorkerSettings.load().worker_tags == ("eu", "gpu")


@pytest.mark.parametrize(
    ("name", "value"), [("TAGS", '["a+b"]'), ("TAGS", '[""]'), ("SLOTS", "0"), ("HOLD_SECONDS", "1800")]
)
def test_what_makes_no_sense_stops_the_start(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"HEADRACE_WORKER_{name}", value)
    with pytest.raises(SettingsRefused, match=f"HEADRACE_WORKER_{name}"):
        WorkerSettings.load()
