"""What can go wrong, sorted by what the caller must do about it."""

from typing import Any, ClassVar


class HeadraceError(Exception):
    """Something in Headrace went wrong.

    The docstring of a subclass is its default message. Keyword arguments become attributes in `context` and are logged.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str | None = None, **context: Any) -> None:
        self.message = message or (type(self).__doc__ or "").partition("\n")[0].strip()
        self.context = context
        super().__init__(self.message)


class Rejected(HeadraceError):  # noqa: N818 - named after the broken fact, as the whole family is
    """The caller asked for something that can't be."""

    code = "rejected"


class InvalidInput(Rejected):
    """The input does not fit.

    `problems` names each field: `[{"loc": "input.name", "msg": "required"}]`.
    """

    code = "invalid_input"

    def __init__(
        self, message: str | None = None, *, problems: list[dict[str, str]] | None = None, **context: Any
    ) -> None:
        self.problems = problems or []
        super().__init__(message, **context)


class NotFound(Rejected):
    """There is no such thing."""

    code = "not_found"


class Conflict(Rejected):
    """The thing is in a state that does not allow this."""

    code = "conflict"


class TooSoon(Rejected):
    """The same was asked for a moment ago; `retry_after_seconds` in `context` says how long to wait."""

    code = "too_soon"


class Contended(HeadraceError):  # noqa: N818
    """Somebody was faster: load and decide again."""

    code = "contended"


class StaleVersion(Contended):
    """Somebody saved the job after it was read."""

    code = "stale_version"


class Unavailable(HeadraceError):  # noqa: N818
    """A part of the world is down: try again later."""

    code = "unavailable"


class StoreUnavailable(Unavailable):
    """The database did not answer; whether the write was kept is unknown."""

    code = "store_unavailable"


class BrokerUnavailable(Unavailable):
    """The broker did not confirm; whether the message was kept is unknown."""

    code = "broker_unavailable"


class Unroutable(Unavailable):
    """The broker has no queue for the message."""

    code = "unroutable"


class Poison(HeadraceError):  # noqa: N818
    """A message that will never work."""

    code = "poison"


class Broken(HeadraceError):  # noqa: N818
    """A defect in Headrace."""

    code = "broken"
