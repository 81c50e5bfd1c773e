"""Which release this is."""

from importlib.metadata import PackageNotFoundError, version


def _find() -> str:
    try:
        return version("headrace")
    except PackageNotFoundError:  # run from a source tree that was not installed
        return "0.1.0"


VERSION = _find()
