"""The safety net under the relay: commands that stayed in an outbox are sent again."""

from datetime import timedelta

import structlog

from shared.engine.owed import is_owed
from shared.errors import HeadraceError, Unavailable
from shared.orchestration.carry_out import ABOUT_JOBS, Owed
from shared.orchestration.orchestrator import Orchestrator
from shared.storage.ports import JobStore
from shared.storage.records import StoredJob
from shared.telemetry.metrics import COMMANDS_RESENT

log = structlog.get_logger()

STANDING = timedelta(seconds=30)  # a process that lives clears an outbox within seconds
MOST_JOBS = 200  # in one sweep; the rest is found by the next


async def resend_owed(
    jobs: JobStore, orchestrator: Orchestrator, *, older_than: timedelta = STANDING, limit: int = MOST_JOBS
) -> int:
    """Carry out what stands in outboxes for too long, clear it, and answer how many commands that were.

    A job whose commands can't be sent is told and left for the next sweep; the others go on.

    Raises:
        Unavailable: broker or database is down.
    Repeats: receivers drop what they know; two sweeps at once send twice.
    """
    count = 0
    for stored in await jobs.find_owing(older_than, limit):
        try:
            done = await _carry_out(stored, orchestrator)
        except Unavailable:
            raise
        except (HeadraceError, ValueError) as error:
            log.error("outbox.broken", job_id=stored.job.id, error=repr(error))  # noqa: TRY400 - told in one line
            continue
        resent = {one.command.id for one in done}
        overtaken = {command.id for command in stored.outbox if not is_owed(stored.job, command)}
        await jobs.clear_outbox({stored.job.id: sorted(resent | overtaken)})
        COMMANDS_RESENT.inc(len(resent))
        count += len(resent)
    if count:
        log.warning("outbox.resent", commands=count)
    return count


async def _carry_out(stored: StoredJob, orchestrator: Orchestrator) -> list[Owed]:
    owed = [Owed(stored.job, command, is_repeat=True) for command in stored.outbox if is_owed(stored.job, command)]
    about_jobs = [one for one in owed if isinstance(one.command, ABOUT_JOBS)]
    done = await orchestrator.carry_out.send([one for one in owed if not isinstance(one.command, ABOUT_JOBS)])
    for one in about_jobs:
        await orchestrator.act(one)
    return [*done, *about_jobs]
