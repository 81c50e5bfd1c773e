"""The launcher's command line: `python -m deploy.local up | down | status | logs | demo`."""

import argparse
import errno
import json
import os
import signal
import sys
from collections.abc import Sequence

from deploy.local import lock
from deploy.local.bring_up import bring_up
from deploy.local.demo import run_demo
from deploy.local.plan import Plan, read_plan
from deploy.local.refused import StackRefused
from deploy.local.take_down import take_down
from deploy.local.tell import follow_logs, list_processes

INTERRUPTED = 130  # what shells answer after Ctrl-C


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command; 0 when it was done, 1 with a sentence on stderr when it can't be."""
    asked = _parser().parse_args(arguments)
    try:
        return _carry_out(asked, read_plan(os.environ))
    except StackRefused as error:
        return _refuse(str(error))
    except OSError as error:
        if error.errno == errno.ENOSPC:
            return _refuse(f"the disk is full: {error.filename or 'a file of the stack'} can't be written.")
        return _refuse(f"{error.strerror or error}: {error.filename or 'no file'}.")
    except KeyboardInterrupt:
        return INTERRUPTED


def _carry_out(asked: argparse.Namespace, plan: Plan) -> int:
    match asked.command:
        case "up":
            with lock.hold(plan.home):
                stack = bring_up(plan, os.environ)
            print(f"Headrace is up: {stack.api_url}")
        case "down":
            with lock.hold(plan.home):
                did_run = take_down(plan)
            print("Headrace is down." if did_run else "Headrace was not up.")
        case "status":
            print(json.dumps(list_processes(plan), indent=1))
        case "logs":
            follow_logs(plan, asked.names, is_following=not asked.no_follow)
        case _:
            return run_demo(plan, os.environ)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description="The stack on one machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start everything, return when it is well")
    commands.add_parser("down", help="stop everything, leave the data")
    commands.add_parser("status", help="list the processes as JSON")
    logs = commands.add_parser("logs", help="show the processes' logs")
    logs.add_argument("names", nargs="*", help="processes, as `status` names them; all when none is given")
    logs.add_argument("--no-follow", action="store_true", help="print the last lines and end")
    commands.add_parser("demo", help="run the example pipeline on a stack of its own, or on the one that is up")
    return parser


def _refuse(sentence: str) -> int:
    print(f"headrace: {sentence}", file=sys.stderr)
    return 1


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _interrupt)
    sys.exit(main())
