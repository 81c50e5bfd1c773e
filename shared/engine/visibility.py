"""Which steps a template may see, looked up only when it asks."""

from collections.abc import Callable, Iterator, Mapping

from shared.engine.draft import Draft
from shared.engine.flow import Json
from shared.engine.job import Step
from shared.engine.states import StepStatus

Sight = Callable[[Step], "dict[str, Json] | None"]
"""What is seen of a step; None hides it."""


class Visible(Mapping[str, Json]):
    """The variables of a template: `input`, `each` in a loop, and each step in sight by its name with `_` for `-`.

    A step called `input` can't be seen, nor one called `each` from inside a loop.
    """

    __slots__ = ("_draft", "_own", "_sight")

    def __init__(
        self, draft: Draft, input_: Mapping[str, Json], sight: Sight, each: Mapping[str, Json] | None = None
    ) -> None:
        self._draft = draft
        self._own = {"input": input_} if each is None else {"input": input_, "each": each}
        self._sight = sight

    def __getitem__(self, name: str) -> Json:
        if name in self._own:
            return self._own[name]
        seen = self._sight(self._draft.steps[self._draft.flow.variables[name]])
        if seen is None:
            raise KeyError(name)
        return seen

    def __iter__(self) -> Iterator[str]:
        yield from self._own
        yield from (name for name in self._draft.flow.variables if name not in self._own and name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def each_of(step: Step) -> dict[str, Json] | None:
    """What an instance of a loop sees as `each`; None for any other step."""
    if step.loop_source is None:
        return None
    return {"item": step.loop_item, "index": step.loop_index, "total": step.loop_total}


def seen_by_worker(step: Step) -> dict[str, Json] | None:
    """For a step's input and its action's body: completed steps only."""
    return {"output": step.output} if step.status is StepStatus.COMPLETED else None


def seen_by_condition(step: Step) -> dict[str, Json] | None:
    """For `when`: every step that has ended; a failed or cancelled one shows its error."""
    if step.status in (StepStatus.COMPLETED, StepStatus.SKIPPED):
        return {"output": step.output}
    if step.status.is_terminal:
        return {"output": None, "error": step.error}
    return None
