"""Messages to bytes and back."""

from pydantic import TypeAdapter, ValidationError

from shared.errors import Poison
from shared.messages.wire import AnyMessage, Message

_ANY: TypeAdapter[AnyMessage] = TypeAdapter(AnyMessage)


def encode(message: Message) -> bytes:
    """The message as JSON."""
    return message.model_dump_json().encode()


def decode(body: bytes) -> AnyMessage:
    """The message in `body`; unknown fields are passed over.

    Raises:
        Poison: not JSON, an unknown type or version, a missing or wrong field.
    """
    try:
        return _ANY.validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "body"
        raise Poison(f"{place}: {first['msg']}") from error
