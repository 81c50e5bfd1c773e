"""The program that calls functions: a fresh interpreter that waits for a workspace, then for calls.

It runs in the steps' Python, not the worker's: only the standard library is imported. JSON lines go over a socket,
`host.py <descriptor>`: `{"workspace": path}` first, then `{"call", "input", "env"}`, each answered by `{"output"}` or
`{"error"}`, both with `"leaks"`: what the call left behind. Whatever is printed goes to stdout and stderr as usual.
"""

import asyncio
import contextlib
import importlib
import inspect
import json
import os
import socket
import sys
import threading
import traceback
from typing import Any

MARK = "HEADRACE_PROCESS_MARK"
LONGEST_ERROR = 4000


def main() -> None:
    """Serve until the worker hangs up."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    channel.set_inheritable(False)
    sys.path.pop(0)  # this file's own folder
    with channel.makefile("rwb") as lines:
        first = lines.readline()
        if not first:
            return
        workspace = json.loads(first)["workspace"]
        os.chdir(workspace)
        sys.path.insert(0, workspace)
        mark = os.environ.get(MARK, "")
        for line in lines:
            answer = serve(json.loads(line), workspace, mark)
            with contextlib.suppress(Exception):
                sys.stdout.flush()
            with contextlib.suppress(Exception):
                sys.stderr.flush()
            lines.write(json.dumps(answer).encode() + b"\n")
            lines.flush()


def serve(request: Any, workspace: str, mark: str) -> Any:
    """Call the function once."""
    os.environ.clear()
    os.environ.update(request["env"], **{MARK: mark})
    threads = set(threading.enumerate())
    try:
        answer = {"output": call(request["call"], request["input"])}
        json.dumps(answer, allow_nan=False)
    except SystemExit as end:
        answer = {"error": f"SystemExit: the function ended with sys.exit({end.code!r})"}
    except BaseException as error:  # noqa: BLE001 - whatever a user's function raises is its result
        show(error)
        answer = {"error": "".join(traceback.format_exception_only(type(error), error)).strip()[-LONGEST_ERROR:]}
    return {**answer, "leaks": find_leaks(threads, workspace)}


def call(name: str, inputs: Any) -> Any:
    """`package.module:function` with the inputs as keyword arguments; a coroutine is run to its end."""
    module, _, function = name.partition(":")
    result = getattr(importlib.import_module(module), function)(**inputs)
    return asyncio.run(result) if inspect.iscoroutine(result) else result


def show(error: BaseException) -> None:
    """The traceback on stderr, from the function on."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename != __file__ and not frame.filename.startswith("<frozen importlib")
    ]
    lines = ["Traceback (most recent call last):\n", *traceback.format_list(frames)]
    sys.stderr.write("".join(lines + traceback.format_exception_only(type(error), error)))


def find_leaks(threads: Any, workspace: str) -> str:
    """What would be there for the next call; empty if nothing is."""
    leaks = [thread.name for thread in threading.enumerate() if thread not in threads]
    if os.getcwd() != workspace:  # noqa: PTH109 - as it was set
        leaks.append("working directory")
    if sys.path[:1] != [workspace]:
        leaks.append("sys.path")
    for thread in os.listdir("/proc/self/task"):  # noqa: PTH208 - names only
        with contextlib.suppress(OSError), open(f"/proc/self/task/{thread}/children") as listed:  # noqa: PTH123 - as above
            leaks += [f"process {pid}" for pid in listed.read().split()]
    return ", ".join(leaks)


if __name__ == "__main__":
    main()
