"""What checking a large workspace costs: `python -m tests.bench.bench_validate`."""

import sys
from time import process_time

from shared.definition.load import check_texts

FILES = 500
ROUNDS = 3
BOUND_SECONDS = 3.0

FILE = """\
# Nightly import number {n}: fetch, check side by side, join, tell.
actions:
  fetch-{n}:
    description: Fetches the file of a day.
    type: script
    language: python
    source: scripts/fetch.py
    args: ["--day", "{{{{ input.day }}}}"]
    env: {{ LEVEL: "{{{{ input.level }}}}", MODE: fast }}
    input:
      day: {{ type: date, required: true, description: The day. }}
      level: {{ type: string, default: info, options: [debug, info, warning] }}
  check-{n}:
    type: script
    script: |
      set -eu
      echo "checking $INPUT_PART"
      echo "OUTPUT: {{\\"rows\\": 5}}"
    input:
      part: {{ type: string, required: true }}

tasks:
  import-{n}:
    description: Imports a day.
    timeout: 2h
    input:
      day: {{ type: date, default: 2026-01-31, order: 1 }}
      level: {{ type: string, default: info, options: [debug, info, warning], order: 2 }}
    flow:
      fetch:
        action: fetch-{n}
        input: {{ day: "{{{{ input.day }}}}" }}
        timeout: 10m
      check-left:
        action: check-{n}
        depends_on: [fetch]
        input: {{ part: "{{{{ fetch.output.left }}}}" }}
      check-right:
        action: check-{n}
        depends_on: [fetch]
        input: {{ part: "{{{{ fetch.output.right }}}}" }}
        when: "{{{{ fetch.output.right != '' }}}}"
      join:
        type: script
        script: echo "$INPUT_ROWS"
        depends_on: [check-left, check-right]
        continue_on_failure: true
        input: {{ rows: "{{{{ check_left.output.rows }}}}" }}
    on_error:
      - action: check-{n}
        input: {{ part: "{{{{ hook.error_message }}}}" }}

triggers:
  nightly-{n}:
    type: scheduler
    cron: "0 30 2 * * *"
    timezone: Europe/Berlin
    task: import-{n}
    input: {{ level: debug }}
"""


def workspace(files: int = FILES) -> dict[str, bytes]:
    """As many files, each with two actions, a task of four steps and a trigger."""
    return {f"import-{n}.yaml": FILE.format(n=n).encode() for n in range(files)}


def measure(files: int = FILES) -> float:
    """Seconds of CPU for all of them, the best of the rounds."""
    return min(_round(workspace(files)) for _ in range(ROUNDS))


def _round(texts: dict[str, bytes]) -> float:
    begin = process_time()
    definition, problems = check_texts(texts)
    spent = process_time() - begin
    if problems or len(definition.tasks) != len(texts):
        raise SystemExit(f"the files have problems: {problems[:3]}")
    return spent


def main() -> None:
    """Print the seconds; exit code 1 above the bound."""
    spent = measure()
    print(f"{FILES} workflow files checked in {spent:.2f} s (bound {BOUND_SECONDS:g} s)")
    sys.exit(0 if spent <= BOUND_SECONDS else 1)


if __name__ == "__main__":
    main()
