"""What a job was asked to do: its snapshot of the task, never looked up again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

Json = Any
"""None, bool, int, float, str, list or dict of the same."""


@dataclass(frozen=True, slots=True)
class Action:
    """What a step does.

    `spec` is the body as written, templates unrendered (script, source, language, interpreter, args, env, …).
    `input` is the declared schema `{field: {"type": …, "default": …, "required": …}}`; defaults and auto-fill come
    from it. `connections` is `{connection type of a field: {name: values, or None of one of another type}}`, secrets
    sealed.
    """

    name: str
    type: str
    route: str
    runner: str = "local"
    spec: Mapping[str, Json] = field(default_factory=dict)
    input: Mapping[str, Json] = field(default_factory=dict)
    connections: Mapping[str, Json] = field(default_factory=dict)


class Backoff(StrEnum):
    """How the delay before a retry grows."""

    NONE = "none"
    FIXED = "fixed"
    EXPONENTIAL = "exponential"


@dataclass(frozen=True, slots=True)
class Retry:
    """What happens after a failure: `max_attempts` runs after the first one, each after a delay.

    Delay n is `delay` (fixed), `delay * 2 ** (n - 1)` (exponential) or nothing (none), at most `max_delay`; with jitter
    25 % more or less, by a hash of what is retried. Base 2 s, cap 60 s: 2, 4, 8, 16, 32, 60, 60.
    """

    max_attempts: int = 3
    delay: timedelta = timedelta(seconds=30)
    backoff: Backoff = Backoff.FIXED
    max_delay: timedelta | None = None
    has_jitter: bool = False


@dataclass(frozen=True, slots=True)
class Loop:
    """Run the step once for each item: a list as written, or a template of one. `max_parallel`: None is all at once."""

    items: str | tuple[Json, ...]
    is_sequential: bool = False
    max_parallel: int | None = None


@dataclass(frozen=True, slots=True)
class StepSpec:
    """One node of the flow, templates unrendered."""

    name: str
    action: Action
    depends_on: tuple[str, ...] = ()
    input: Mapping[str, Json] = field(default_factory=dict)
    when: str | None = None
    continue_on_failure: bool = False
    timeout: timedelta | None = None
    title: str | None = None
    description: str | None = None
    retry: Retry | None = None
    loop: Loop | None = None


@dataclass(frozen=True, slots=True)
class Hook:
    """An action that runs as a job of its own when a job ends; `input` templates see `hook`.

    An action of type `task` has `spec["task"]`: the hook then is a job of that task.
    """

    action: Action
    input: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Flow:
    """A task's steps in the author's order, free of cycles, every dependency present.

    `dependents` is `{step: steps that depend on it}`. `variables` is `{name in templates: step}`: a hyphen reads as
    `_`, a step really called so comes first.
    """

    steps: Mapping[str, StepSpec]
    timeout: timedelta | None = None
    on_success: tuple[Hook, ...] = ()
    on_error: tuple[Hook, ...] = ()
    on_cancel: tuple[Hook, ...] = ()
    on_suspended: tuple[Hook, ...] = ()
    retry: Retry | None = None
    max_parallel_steps: int | None = None
    dependents: Mapping[str, tuple[str, ...]] = field(init=False, compare=False, repr=False)
    variables: Mapping[str, str] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        found: dict[str, list[str]] = {name: [] for name in self.steps}
        for spec in self.steps.values():
            for dependency in dict.fromkeys(spec.depends_on):
                found[dependency].append(spec.name)
        object.__setattr__(self, "dependents", {name: tuple(names) for name, names in found.items()})
        variables = {name.replace("-", "_"): name for name in self.steps} | {name: name for name in self.steps}
        object.__setattr__(self, "variables", variables)
