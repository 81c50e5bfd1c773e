"""How much work one template may do."""

from collections.abc import Mapping
from typing import Any

from jinja2.runtime import Context

OUTPUT_CHARACTERS = 1024 * 1024
"""Longest text that a template may make, in characters."""

SOURCE_CHARACTERS = 256 * 1024
"""Longest template; longer text without any template mark passes unread."""

WORK = 16 * 1024 * 1024
"""Units that one rendering may spend: a character or item that is touched costs 1, a round of a loop `ROUND`."""

ROUND = 64
"""A round of a loop costs as much as this many characters: 262,144 rounds a rendering."""

NUMBER_BITS = 1024
"""Largest whole number that arithmetic may make."""

BUDGET_KEY = "the budget"
"""Where the budget lies in a template's context: no identifier, so no template can name it."""


class TooMuch(Exception):  # noqa: N818 - the broken fact
    """A template does more than it may."""


class Budget:
    """What is left for one rendering."""

    def __init__(self, units: int = WORK) -> None:
        self._left = units

    def spend(self, units: int) -> None:
        """Take units.

        Raises:
            TooMuch: none are left.
        """
        self._left -= units
        if self._left < 0:
            raise TooMuch("the template does too much work")


def budget_of(context: Context) -> Budget:
    """The budget of the rendering that is under way; a fresh one outside of any."""
    found = context.parent.get(BUDGET_KEY)
    return found if isinstance(found, Budget) else Budget()


def size_of(value: Any) -> int:
    """Characters or items on the first level; 1 for what has no length."""
    return len(value) if isinstance(value, (str, list, tuple, Mapping)) else 1


def check_length(characters: int) -> None:
    """Refuse a text before it is made.

    Raises:
        TooMuch: it would be longer than `OUTPUT_CHARACTERS`.
    """
    if characters > OUTPUT_CHARACTERS:
        raise TooMuch(f"the text would be longer than {OUTPUT_CHARACTERS} characters")
