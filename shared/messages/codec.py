"""Messages to bytes and back."""

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from shared.errors import Poison, Rejected
from shared.messages.wire import AnyMessage, Message

_ANY: TypeAdapter[AnyMessage] = TypeAdapter(AnyMessage)


def encode(message: Message) -> bytes:
    """The message as JSON.

    Raises:
        Rejected: a value in it has no JSON, such as half a character.
    """
    try:
        return message.model_dump_json().encode()
    except PydanticSerializationError as error:
        raise Rejected(f"message {message.id} can't be written as JSON: {error}") from error


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
