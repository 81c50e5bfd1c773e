"""Measures how fast secrets are masked in a log: `python -m tests.bench.measure_redaction`."""

import secrets
import time

from services.worker.redact import Redactor, StreamRedactor

READ_BYTES = 256 * 1024
LINE = b"2026-01-01 12:00:00 INFO worker: took step 17 of the nightly job, 42 rows, no trouble at all\n"


def measure(count: int, *, hits: int) -> float:
    """MB/s with so many secrets, and one of them in so many of 1,000 lines."""
    values = [secrets.token_urlsafe(24) for _ in range(count)]
    hit = LINE.replace(b"nightly", values[0].encode() if values else b"nightly")
    lines = [hit if number < hits else LINE for number in range(1000)]
    data = b"".join(lines) * 200
    screen = StreamRedactor(Redactor(values))
    began = time.perf_counter()
    for start in range(0, len(data), READ_BYTES):
        screen.feed(data[start : start + READ_BYTES])
    return len(data) / (time.perf_counter() - began) / 1e6


def main() -> None:
    """Print the table."""
    for count in (0, 1, 5, 20, 100):
        told = ", ".join(f"{measure(count, hits=hits):8.0f} MB/s with {hits} in 1,000 lines" for hits in (0, 1, 100))
        print(f"{count:4} secrets: {told}")


if __name__ == "__main__":
    main()
