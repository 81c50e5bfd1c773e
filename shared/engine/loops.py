"""Loops: a placeholder stands for its instances `name[0]`, `name[1]`, …, which run in its place.

The placeholder counts its instances, so that the end of one costs the same in a loop of ten and of a thousand; only
the end of the last one looks at all of them.
"""

import json

from shared.engine.admission import launch
from shared.engine.decision import RenderFailed
from shared.engine.draft import Draft
from shared.engine.flow import Json, Loop
from shared.engine.job import Step
from shared.engine.states import StepStatus
from shared.engine.transitions import StepMove
from shared.engine.visibility import Visible, seen_by_condition

MOST_ITEMS = 1000
"""Instances that one job document holds for a loop; each is some 300 bytes beside its input and output."""
_NO_LOOP = Loop(())
_WRONG = (StepStatus.FAILED, StepStatus.CANCELLED)


def expand(draft: Draft, name: str) -> None:
    """Give a pending placeholder its instances, and launch as many as may run at once."""
    items = _find_items(draft, name)
    if isinstance(items, str):
        draft.fail_step(name, items)
        return
    if not items:
        draft.skip_step(name, "there is nothing to loop over")
        return
    total, attempt = len(items), draft.steps[name].attempt + 1
    about = {"loop_total": total, "loop_open": total, "loop_next": 0}
    draft.move_step(name, StepMove.EXPANDED, attempt=attempt, started_at=draft.at, **about)
    draft.begin_job()
    for index, item in enumerate(items):
        _add_instance(draft, name, index, item)
    _go_on(draft, name)


def end_instance(draft: Draft, name: str) -> None:
    """Count an instance that has ended: another may start, or the loop is over."""
    source = draft.steps[name].loop_source or ""
    open_ = draft.steps[source].loop_open - 1
    draft.change_step(source, loop_open=open_)
    if draft.steps[source].status is not StepStatus.RUNNING:
        return  # cancelled as a whole
    if _is_stopped_by(draft, source, name):
        _skip_rest(draft, source, name)
    else:
        _go_on(draft, source)
    if not open_:
        _end(draft, source)


def _loop(draft: Draft, source: str) -> Loop:
    return draft.flow.steps[source].loop or _NO_LOOP


def _find_items(draft: Draft, source: str) -> tuple[Json, ...] | str:
    """The items, or why there are none."""
    items: Json = _loop(draft, source).items
    if isinstance(items, str):
        try:
            items = draft.renderer.render(items, Visible(draft, draft.job.input, seen_by_condition))
            items = json.loads(items) if isinstance(items, str) else items
        except RenderFailed as failure:
            return f"for_each error: {failure.message}"
        except ValueError:
            return f"for_each must give a JSON list, not {items[:100]!r}"
    if not isinstance(items, list | tuple):
        return f"for_each must give a list, not {type(items).__name__}"
    if len(items) > MOST_ITEMS:
        return f"for_each has {len(items)} items, more than {MOST_ITEMS}"
    return tuple(items)


def _add_instance(draft: Draft, source: str, index: int, item: Json) -> None:
    """If the placeholder ran before, the attempts of its former instances are counted on."""
    name = f"{source}[{index}]"
    before = draft.steps.get(name, Step())
    draft.add_step(
        name,
        Step(
            attempt=before.attempt,
            log_lines=before.log_lines,
            loop_source=source,
            loop_index=index,
            loop_total=draft.steps[source].loop_total,
            loop_item=item,
        ),
    )


def _go_on(draft: Draft, source: str) -> None:
    """Launch instances, in order, as long as there may be more of them at once."""
    step = draft.steps[source]
    total, ended = step.loop_total or 0, (step.loop_total or 0) - step.loop_open
    upto = min(total, ended + _most_at_once(draft, source))
    for index in range(step.loop_next, upto):
        launch(draft, f"{source}[{index}]")
    draft.change_step(source, loop_next=max(step.loop_next, upto))


def _most_at_once(draft: Draft, source: str) -> int:
    """More than the job lets run at once would only wait elsewhere."""
    loop = _loop(draft, source)
    limits = (draft.flow.max_parallel_steps, loop.max_parallel, 1 if loop.is_sequential else None)
    return min((limit for limit in limits if limit is not None), default=MOST_ITEMS)


def _is_stopped_by(draft: Draft, source: str, name: str) -> bool:
    if not _loop(draft, source).is_sequential:
        return False
    is_tolerant, status = draft.flow.steps[source].continue_on_failure, draft.steps[name].status
    return status is StepStatus.CANCELLED or (status is StepStatus.FAILED and not is_tolerant)


def _skip_rest(draft: Draft, source: str, cause: str) -> None:
    first, total = draft.steps[source].loop_next, draft.steps[source].loop_total or 0
    for index in range(first, total):
        draft.move_step(f"{source}[{index}]", StepMove.PASSED_OVER, skip_cause=cause)
    draft.change_step(source, loop_next=total)
    if first < total:
        draft.say(f"[orchestration] Loop '{source}' stops after '{cause}'; {total - first} of its items are skipped")


def _end(draft: Draft, source: str) -> None:
    """A cancelled instance counts always, a failed one unless the loop goes on despite failures."""
    instances = [draft.steps[f"{source}[{index}]"] for index in range(draft.steps[source].loop_total or 0)]
    wrong = [index for index, each in enumerate(instances) if each.status in _WRONG]
    error = f"for_each loop failed: instances {wrong} failed"
    output = [each.output if each.status is StepStatus.COMPLETED else None for each in instances]
    if any(each.status is StepStatus.CANCELLED for each in instances):
        draft.move_step(source, StepMove.CANCELLED, error=f"{error} or were cancelled")
    elif wrong and not draft.flow.steps[source].continue_on_failure:
        draft.fail_step(source, error)
    else:
        draft.move_step(source, StepMove.SUCCEEDED, output=output)
