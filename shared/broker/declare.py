"""Makes the broker have what the topology says."""

from collections.abc import Iterable
from typing import Any

from aio_pika.exceptions import ChannelNotFoundEntity, ChannelPreconditionFailed
from aiormq.channel import Channel as Amqp

from shared.broker.topology import Exchange, Queue, QueueKind
from shared.errors import Broken


async def declare_exchange(channel: Amqp, exchange: Exchange) -> None:
    """Declare a durable exchange.

    Raises:
        Broken: it exists with another type; the channel is closed then.
    """
    try:
        await channel.exchange_declare(exchange.name, exchange_type=exchange.kind, durable=True)
    except ChannelPreconditionFailed as error:
        raise _differs("exchange", exchange.name, error) from error


async def declare_queue(channel: Amqp, queue: Queue, keys: Iterable[str] | None = None) -> str:
    """Declare a queue with the exchanges it hangs on, bind it to `keys` (its own unless told), and answer its name.

    Raises:
        Broken: it exists with other arguments; the channel is closed then.
    """
    for exchange in filter(None, (queue.bound_to, queue.dead_letter_to)):
        await declare_exchange(channel, exchange)
    is_exclusive = queue.kind is QueueKind.EXCLUSIVE
    try:
        declared = await channel.queue_declare(
            queue.name, durable=not is_exclusive, exclusive=is_exclusive, arguments=_arguments(queue)
        )
    except ChannelPreconditionFailed as error:
        raise _differs("queue", queue.name, error) from error
    name = declared.queue or queue.name
    for key in queue.keys if keys is None else keys:
        await channel.queue_bind(name, queue.bound_to.name, key)
    return name


async def count_messages(channel: Amqp, queue: Queue) -> int:
    """How many messages wait in a queue; 0 if there is none of that name, the channel is closed then."""
    try:
        declared = await channel.queue_declare(queue.name, passive=True)
    except ChannelNotFoundEntity:
        return 0
    return declared.message_count or 0


def _arguments(queue: Queue) -> dict[str, Any]:
    """The type always stands there, so that a virtual host's own default changes nothing."""
    arguments: dict[str, Any] = {"x-queue-type": "classic" if queue.kind is QueueKind.EXCLUSIVE else "quorum"}
    if queue.dead_letter_to is not None:
        arguments["x-dead-letter-exchange"] = queue.dead_letter_to.name
    if queue.max_length is not None:
        arguments["x-max-length"] = queue.max_length
    return arguments


def _differs(kind: str, name: str, error: ChannelPreconditionFailed) -> Broken:
    told = str(error.args[0]) if error.args else repr(error)
    return Broken(f"the broker's {kind} {name} differs from what this version declares: {told}", **{kind: name})
