"""What the launcher says when it can't do what was asked."""


class StackRefused(Exception):  # noqa: N818 - the broken fact, as the error family is named
    """One sentence for the user: what is in the way, and what to do about it."""
