"""Writes what a hostile or odd step could write; INPUT_HOW says what."""

import os
import subprocess
import sys

how = os.environ["INPUT_HOW"]
out = sys.stdout.buffer
if how == "binary":
    out.write(bytes(range(256)) * 4 + b"\nlast line without end")
elif how == "long line":
    out.write(b"x" * 10_000_000 + b"\nafter the long line\n")
elif how.endswith(" lines"):
    for number in range(int(how.split()[0])):
        out.write(b"line %d\n" % number)
elif how == "children":
    subprocess.Popen(["sleep", "300"])  # keeps our stdout open
    subprocess.Popen(["sleep", "300"], start_new_session=True)
    out.write(b"left two children behind\n")
elif how == "separators":
    out.write("one\u2028still one\x85still\x0bone\x1b[31m\r\n".encode())
elif how != "nothing":
    sys.exit(f"how should I speak: {how}")
