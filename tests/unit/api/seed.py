"""A workspace like the one on the contract's page, and what a worker would report."""

from datetime import UTC, datetime

from shared.definition.load import check_text
from shared.engine.events import StepFinished, StepStarted
from shared.engine.states import Outcome
from shared.orchestration.orchestrator import Orchestrator
from shared.storage.ports import Storage
from shared.storage.records import RevisionRecord, WorkspaceRecord

REVISION = "abc123def456"
WORKER_ID = "01920f6e-0000-7abc-9def-0123456789ab"
YAML = b"""
actions:
  greet:
    type: script
    script: echo "Hello {{ input.name }}"
    input:
      name: { type: string }
tasks:
  hello-world:
    input:
      name: { type: string, default: World }
    flow:
      say-hello:
        action: greet
        input: { name: "{{ input.name }}" }
  count:
    folder: numbers
    name: Count things
    input:
      many: { type: integer, required: true }
    flow:
      b: { type: script, script: "true", depends_on: [a] }
      a: { type: script, script: "true" }
  broken:
    flow:
      one: { action: nowhere }
triggers:
  nightly:
    type: scheduler
    cron: "0 0 2 * * *"
    task: hello-world
  asleep:
    type: scheduler
    cron: "0 4 * * *"
    task: count
    enabled: false
    input: { many: 1 }
"""


async def seed_workspace(storage: Storage, name: str = "default", text: bytes = YAML) -> None:
    """Keep the workspace as the scheduler would."""
    definition, problems = check_text(text, "default.yaml")
    kept = tuple(problem.to_json() for problem in problems)
    record = RevisionRecord(name, REVISION, definition.model_dump(mode="json"), kept)
    await storage.workspaces.put_revision(record, b"")
    await storage.workspaces.set_current(WorkspaceRecord(name, REVISION))


async def finish_step(
    orchestrator: Orchestrator, job_id: str, step: str, *, output: object = None, log_lines: int = 0
) -> None:
    """Report the step's first attempt as a worker does."""
    now = datetime.now(UTC)
    started = StepStarted(at=now, step=step, attempt=1, worker_id=WORKER_ID)
    finished = StepFinished(
        at=now,
        step=step,
        attempt=1,
        worker_id=WORKER_ID,
        outcome=Outcome.COMPLETED,
        output=output,
        log_lines=log_lines,
    )
    await orchestrator.apply({job_id: [started, finished]})
