"""Reading a scenario: a task, what happens to its job, and what has to follow.

```yaml
rule: one sentence that this scenario proves
flow:                                   # as in a workflow file; `action` is the action's body and input schema
  build: {}
  test: {depends_on: [build], when: "{{ build.output.ok }}", timeout: 30, action: {spec: {}, input: {}}}
events:
  - event: job created                  # also: build starts | completes | fails | times out | is cancelled | is lost,
    then: [run build 1]                 #       timer of build, timer of job, cancel
  - event: build completes
    output: {ok: true}                  # also error, exit_code, log_lines, attempt, worker, by, at (seconds)
    then: [build is completed, run test 1]
    says: []                            # the `_server` lines, checked where given
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
from shared.engine.flow import Action, Flow, Hook, StepSpec
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

    def job(self) -> Job:
        """The job before its first event."""
        flow = Flow(
            steps={name: _step(name, written or {}) for name, written in self.flow.items()},
            timeout=_duration(self.timeout),
            on_success=tuple(_hook(**written) for written in self.on_success),
            on_error=tuple(_hook(**written) for written in self.on_error),
        )
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
        )


def read_scenario(path: Path) -> Scenario:
    """A scenario file; an unknown key is an error."""
    written = YAML(typ="safe").load(path)
    return Scenario(finally_=written.pop("finally"), **written)


def _step(name: str, written: Mapping[str, Any]) -> StepSpec:
    rest = dict(written)
    action = _action(name, **rest.pop("action", {}))
    depends_on = tuple(rest.pop("depends_on", ()))
    return StepSpec(name, action, depends_on, timeout=_duration(rest.pop("timeout", None)), **rest)


def _action(step: str, *, spec: Mapping[str, Any] | None = None, **rest: Any) -> Action:
    return Action(name=f"do-{step}", type="script", route="any", spec=spec or {}, **rest)


def _hook(*, action: str, **rest: Any) -> Hook:
    return Hook(Action(name=action, type="script", route="any"), **rest)


def _duration(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
