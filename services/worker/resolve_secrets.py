"""Where the values of secrets come from."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from services.worker.runners.runner import CannotRun

ENVIRONMENT = "ref+env://"
FILE = "ref+file://"
LARGEST_BYTES = 1024 * 1024
VALS_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class SecretSources:
    """What the operator lets workflows read.

    Variables of the worker's own environment that begin with `env_prefix`; files below `folder` (None: none); with
    `has_vals` whatever else the `vals` program on the worker's path can find.
    """

    env_prefix: str = "SECRET_"
    folder: Path | None = None
    has_vals: bool = False
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    def resolve(self, ref: str) -> str:
        """The value behind `ref+env://NAME`, `ref+file://PATH` or what `vals` knows; may take long, so not on the loop.

        Raises:
            CannotRun: it is not to be had; the sentence tells the reference, never a value.
        """
        if ref.startswith(ENVIRONMENT):
            return self._from_environment(ref.removeprefix(ENVIRONMENT))
        if ref.startswith(FILE):
            return self._from_file(ref.removeprefix(FILE))
        if not ref.startswith("ref+"):
            raise CannotRun(f"{ref!r} is no reference to a secret")
        return self._from_vals(ref)

    def _from_environment(self, name: str) -> str:
        if not name.startswith(self.env_prefix):
            raise CannotRun(
                f"The secret {name!r} is not one of this worker's: names begin with {self.env_prefix!r} "
                "(HEADRACE_WORKER_SECRET_ENV_PREFIX)"
            )
        value = self.environ.get(name)
        if value is None:
            raise CannotRun(f"The secret {name!r} is not set on this worker")
        return value

    def _from_file(self, name: str) -> str:
        if self.folder is None:
            raise CannotRun("Secrets in files are not allowed on this worker (HEADRACE_WORKER_SECRET_DIR)")
        folder = self.folder.resolve()
        try:
            path = (folder / name).resolve()
            if not path.is_relative_to(folder):
                raise CannotRun(f"The secret file {name!r} lies outside of the worker's folder of secrets")
            if not path.is_file() or path.stat().st_size > LARGEST_BYTES:
                raise CannotRun(f"The secret file {name!r} is no file of up to {LARGEST_BYTES} bytes on this worker")
            return path.read_text("utf-8").removesuffix("\n")
        except (OSError, ValueError) as error:
            raise CannotRun(f"The secret file {name!r} can't be read: {type(error).__name__}") from None

    def _from_vals(self, ref: str) -> str:
        if not self.has_vals:
            raise CannotRun(f"The secret {ref!r} needs vals, which is not allowed on this worker")
        try:
            done = subprocess.run(  # noqa: S603 - no shell; the reference is one argument and begins with `ref+`
                ["vals", "get", ref],  # noqa: S607 - on the operator's path on purpose
                capture_output=True,
                timeout=VALS_SECONDS,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except FileNotFoundError:
            raise CannotRun(f"The secret {ref!r} needs vals, which is not installed on this worker") from None
        except subprocess.TimeoutExpired:
            raise CannotRun(f"vals did not find the secret {ref!r} within {VALS_SECONDS:g} s") from None
        value = done.stdout.decode("utf-8", "replace").removesuffix("\n")
        if done.returncode or not value:
            raise CannotRun(f"vals did not find the secret {ref!r} (exit code {done.returncode})")
        return value
