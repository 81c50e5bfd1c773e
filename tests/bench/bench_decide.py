"""What an event costs the engine as a flow grows: `python -m tests.bench.bench_decide`."""

from collections.abc import Iterator
from time import process_time

from shared.engine.decide import decide
from shared.engine.events import Event, JobCreated, StepFinished, StepStarted
from shared.engine.flow import StepSpec
from shared.engine.states import Outcome
from tests.support.jobs import Verbatim, after, at, job_of, step

ROUNDS = 7
EVENTS = 2000
SIZES = (10, 100, 1000)


def chain(size: int) -> list[StepSpec]:
    """One step after the other."""
    return [step(f"s{index}", *([f"s{index - 1}"] if index else [])) for index in range(size)]


def fan(size: int) -> list[StepSpec]:
    """One step, many beside each other, one that joins them."""
    wide = [f"s{index}" for index in range(1, size - 1)]
    return [step("s0"), *(step(name, "s0") for name in wide), step("join", *wide)]


def events(specs: list[StepSpec]) -> Iterator[Event]:
    """Every step starts and completes, in the author's order."""
    for spec in specs:
        yield StepStarted(at(1), spec.name, 1, "w1")
        yield StepFinished(at(2), spec.name, 1, "w1", Outcome.COMPLETED, output={"n": 1})


def measure(specs: list[StepSpec]) -> float:
    """Microseconds of CPU per event, the best of the rounds."""
    return min(_round(specs) for _ in range(ROUNDS))


def _round(specs: list[StepSpec]) -> float:
    renderer, told, spent = Verbatim(), 0, 0.0
    while told < EVENTS:
        job = after(job_of(*specs), JobCreated(at(0)))
        happened = list(events(specs))
        begin = process_time()
        for event in happened:
            job = decide(job, event, renderer).job
        spent += process_time() - begin
        told += len(happened)
    return spent / told * 1e6


def main() -> None:
    """Print a table: microseconds per event by shape and number of steps, and the growth."""
    print(f"{'':8}" + "".join(f"{size:>8} steps" for size in SIZES) + "    growth")
    for shape in (chain, fan):
        costs = [measure(shape(size)) for size in SIZES]
        print(f"{shape.__name__:8}" + "".join(f"{cost:11.1f} µs" for cost in costs) + f"{costs[-1] / costs[0]:9.2f}x")


if __name__ == "__main__":
    main()
