"""The kinds of action: what each is written with, who carries it out, whether this release does."""

from dataclasses import dataclass

from shared.definition.models import ActionBody


@dataclass(frozen=True, slots=True)
class ActionType:
    """`needs`: exactly one key of each group. `keys`: what else has a place. `spec`: what the step is run with.

    `ability` is what a worker has to have; "" where the engine itself carries it out. `feature` is None where every
    release runs it.
    """

    needs: tuple[frozenset[str], ...]
    keys: frozenset[str]
    spec: tuple[str, ...]
    ability: str = ""
    feature: str | None = None


def _keys(*names: str) -> frozenset[str]:
    return frozenset(names)


ACTION_TYPES = {
    "script": ActionType(
        (_keys("script", "source"),),
        _keys(
            *("runner", "language", "dependencies", "interpreter", "args", "env", "tags", "memory"),
            *("image", "workdir", "resources"),
        ),
        (
            *("script", "source", "language", "interpreter", "args", "env", "dependencies", "memory"),
            *("image", "workdir", "resources"),
        ),
        "script",
    ),
    "docker": ActionType(
        (_keys("image"),),
        _keys("cmd", "command", "entrypoint", "workdir", "resources", "env", "tags"),
        ("image", "cmd", "command", "entrypoint", "workdir", "resources", "env"),
        "docker",
        "containers",
    ),
    "http": ActionType(
        (_keys("url"),),
        _keys("method", "headers", "body", "tags"),
        ("method", "url", "headers", "body", "timeout"),
        "http",
        "http",
    ),
    "function": ActionType(
        (_keys("call"),),
        _keys("env", "tags", "dependencies", "memory"),
        ("call", "env", "dependencies", "memory"),
        "function",
        "function",
    ),
    "task": ActionType((_keys("task"),), _keys(), ("task",)),
    "approval": ActionType((_keys("message"),), _keys("approvers"), ("message", "approvers"), feature="approval"),
    "sleep": ActionType((_keys("duration", "until"),), _keys(), ("duration", "until"), feature="sleep"),
    "wait_for_event": ActionType((_keys("event_key"),), _keys(), ("event_key",), feature="wait_for_event"),
}
BODY_KEYS = frozenset(ActionBody.model_fields) - {"output"}

LATER_TYPES = {"pod": "Kubernetes actions", "agent": "agent actions"}
"""Action types of other systems that this release does not run, and what they are."""
