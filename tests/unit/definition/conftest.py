"""What the definition's tests share."""

import pytest

from shared.definition import supported


@pytest.fixture
def whole_language(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every part of the language is taken."""
    monkeypatch.setattr(supported, "OPEN", frozenset(supported.FEATURES))


@pytest.fixture
def first_language(monkeypatch: pytest.MonkeyPatch) -> None:
    """No part is taken but those that every release knows."""
    monkeypatch.setattr(supported, "OPEN", frozenset())
