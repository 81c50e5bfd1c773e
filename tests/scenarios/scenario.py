"""Reading a scenario: a task, what happens to its job, and what has to follow.

```yaml
rule: one sentence that this scenario proves
flow:                                   # as in a workflow file; `action` is the action's body and input schema
  build: {}
  test: {depends_on: [build], when: "{{ build.output.ok }}", timeout: 30, action: {spec: {}, input: {}}}
events:
  - event: job created                  # also: build starts | completes | fails | times out | is cancelled | is lost |
    then: [run build 1]                 #       retries | wakes | loses patience | is approved | is rejected | receives,
                                        #       child of build completes | fails | is cancelled, timer of build,
                                        #       timer of job, job begins late, cancel
  - event: build completes
    output: {ok: true}                  # also error, exit_code, log_lines, attempt, worker, by, at (seconds)
    then: [build is completed, run test 1]
    says: []                            # the `_server` lines, checked where given
                                        # a request that is not granted: [refused, "the sentence"]
finally: {job: completed, output: {}, reason: null, steps: {test: {error: null}}, ran: {test: {}}, hooks: [{}]}
```
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from shared.engine.create import new_job
from shared.engine.flow import Action, Backoff, Flow, Hook, Loop, Retry, StepSpec
from shared.engine.job import Job

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Scenario:
    """A scenario file as written."""

    rule: str
    flow: Mapping[str, Mapping[str, Any]]
    events: list[Mapping[str, Any]]
    finally_: Mapping[str, Any]
    input: Mapping[str, Any] = field(default_factory=dict)
    source: str = "api"
    timeout: float | None = None
    on_success: list[Mapping[str, Any]] = field(default_factory=list)
    on_error: list[Mapping[str, Any]] = field(default_factory=list)
    on_cancel: list[Mapping[str, Any]] = field(default_factory=list)
    on_suspended: list[Mapping[str, Any]] = field(default_factory=list)
    retry: Mapping[str, Any] | None = None
    max_parallel_steps: int | None = None
    links: Mapping[str, Any] = field(default_factory=dict)
    starts_after: float | None = None

    def job(self) -> Job:
        """The job before its first event."""
        flow = Flow(
            steps={name: _step(name, written or {}) for name, written in self.flow.items()},
            timeout=_duration(self.timeout),
            on_success=tuple(_hook(**written) for written in self.on_success),
            on_error=tuple(_hook(**written) for written in self.on_error),
            on_cancel=tuple(_hook(**written) for written in self.on_cancel),
            on_suspended=tuple(_hook(**written) for written in self.on_suspended),
            retry=_retry(self.retry),
            max_parallel_steps=self.max_parallel_steps,
        )
        starts_after = _duration(self.starts_after)
        return new_job(
            id="job-1",
            workspace="demo",
            task="scenario",
            revision="r1",
            flow=flow,
            input=self.input,
            raw_input=self.input,
            source_type=self.source,
            source_id="ada",
            created_at=BEGIN,
            starts_at=None if starts_after is None else BEGIN + starts_after,
            **self.links,
        )


def read_scenario(path: Path) -> Scenario:
    """A scenario file; an unknown key is an error."""
    written = YAML(typ="safe").load(path)
    return Scenario(finally_=written.pop("finally"), **written)


def _step(name: str, written: Mapping[str, Any]) -> StepSpec:
    rest = dict(written)
    action = _action(name, **rest.pop("action", {}))
    depends_on = tuple(rest.pop("depends_on", ()))
    timeout, retry, loop = _duration(rest.pop("timeout", None)), _retry(rest.pop("retry", None)), _loop(rest)
    return StepSpec(name, action, depends_on, timeout=timeout, retry=retry, loop=loop, **rest)


def _retry(written: Mapping[str, Any] | None) -> Retry | None:
    if written is None:
        return None
    rest = dict(written)
    delay, max_delay = timedelta(seconds=rest.pop("delay", 30)), _duration(rest.pop("max_delay", None))
    backoff = Backoff(rest.pop("backoff", "fixed"))
    return Retry(delay=delay, max_delay=max_delay, backoff=backoff, **rest)


def _loop(rest: dict[str, Any]) -> Loop | None:
    """Takes what belongs to the loop out of the step."""
    if "for_each" not in rest:
        return None
    items = rest.pop("for_each")
    at_once = rest.pop("max_parallel", None)
    return Loop(items if isinstance(items, str) else tuple(items), rest.pop("sequential", False), at_once)


def _action(step: str, *, spec: Mapping[str, Any] | None = None, type: str = "script", **rest: Any) -> Action:  # noqa: A002
    return Action(name=f"do-{step}", type=type, route="any" if type == "script" else "", spec=spec or {}, **rest)


def _hook(*, action: str, **rest: Any) -> Hook:
    return Hook(Action(name=action, type="script", route="any"), **rest)


def _duration(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
