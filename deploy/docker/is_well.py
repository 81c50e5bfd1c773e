"""Asks the service of this container whether it is well: exit code 0 if so, 1 if not."""

import os
import sys
from urllib.error import URLError
from urllib.request import urlopen

NAMES = (
    "HEADRACE_API_PORT",
    "HEADRACE_SCHEDULER_PROBE_PORT",
    "HEADRACE_DISPATCHER_PROBE_PORT",
    "HEADRACE_WORKER_PROBE_PORT",
)

port = next((os.environ[name] for name in NAMES if name in os.environ), "8080")
try:
    with urlopen(f"http://127.0.0.1:{int(port)}/healthz", timeout=2):
        pass
except (URLError, OSError) as error:
    sys.exit(f"not well: {error}")
