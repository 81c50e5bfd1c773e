"""How long the broker adapter waits for what."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Timings:
    """Deadlines and delays of one process's connections."""

    deadline: timedelta = timedelta(seconds=10)  # for each answer of the broker
    patience: timedelta = timedelta(seconds=60)  # for a broker that is not there yet at start
    heartbeat: timedelta = timedelta(seconds=4)  # whole seconds; three missed and 3 s more, so 15 s, are a death
    farewell: timedelta = timedelta(seconds=5)  # for a connection to close in order, then it is cut
    first_delay: timedelta = timedelta(milliseconds=100)  # before the second attempt to connect
    longest_delay: timedelta = timedelta(seconds=2)  # a broker that is back is noticed this soon

    def delays(self) -> Iterator[timedelta]:
        """The waits between attempts, without end: 0.1, 0.2, 0.4, 0.8, 1.6, 2, 2 s and so on."""
        delay = self.first_delay
        while True:
            yield delay
            delay = min(delay * 2, self.longest_delay)
