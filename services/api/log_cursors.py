"""How far a log is known and shown, and when it is whole."""

from dataclasses import dataclass

from services.api.live_feed import StreamKey
from services.api.log_lines import SERVER_STEP
from shared.engine.job import Job


@dataclass(slots=True)
class Cursor:
    """One attempt's place: lines before `next` were shown, lines before `target` are known to exist."""

    next: int = 0
    target: int = 0
    _missing_since: float | None = None
    _due_at: float = 0.0
    _delay: float = 0.0

    @property
    def is_behind(self) -> bool:
        """Whether a line that exists was not shown."""
        return self.next < self.target

    def expect(self, end: int) -> None:
        """Lines before `end` exist."""
        self.target = max(self.target, end)

    def advance(self, end: int) -> None:
        """Lines before `end` were shown, or given up."""
        self.next = end
        self.target = max(self.target, end)
        self._missing_since = None
        self._due_at = self._delay = 0.0

    def is_due(self, now: float) -> bool:
        """Whether to look into the store now."""
        return self.is_behind and now >= self._due_at

    def due_in(self, now: float) -> float:
        """Seconds until the next look."""
        return max(0.0, self._due_at - now)

    def missing_for(self, now: float) -> float:
        """Seconds since the store was first asked for the next line in vain; starts the count."""
        if self._missing_since is None:
            self._missing_since = now
        return now - self._missing_since

    def wait(self, now: float, first: float, longest: float) -> None:
        """Look again after `first` seconds, then double, at most `longest`."""
        self._delay = min(self._delay * 2, longest) if self._delay else first
        self._due_at = now + self._delay


def has_ended(job: Job) -> bool:
    """Whether nothing will be logged any more: a cancelled job may still have steps that are being killed."""
    return job.status.is_terminal and job.open_steps == 0


def expected_ends(job: Job, *, step: str | None = None) -> dict[StreamKey, int]:
    """How many lines each attempt is known to have, of the job or of one step; lost attempts are missing."""
    ends = {
        (name, int(attempt)): count
        for name, found in job.steps.items()
        for attempt, count in found.log_lines.items()
        if count
    }
    if job.server_lines:
        ends[SERVER_STEP, 0] = job.server_lines
    return ends if step is None else {key: end for key, end in ends.items() if key[0] == step}


def has_unknown_ends(job: Job) -> bool:
    """Whether an attempt began and nobody said how many lines it wrote: its worker was lost."""
    return any(
        str(attempt) not in step.log_lines for step in job.steps.values() for attempt in range(1, step.attempt + 1)
    )
