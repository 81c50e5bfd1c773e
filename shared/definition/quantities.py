"""How much processor and memory a container asks for, as people write it."""

import re

_CPU = re.compile(r"([0-9]+(?:\.[0-9]+)?)(m?)", re.ASCII)
_MEMORY = re.compile(r"([0-9]+(?:\.[0-9]+)?)([A-Za-z]*)", re.ASCII)
_THOUSANDTH = 0.001
_UNITS = {
    "": 1,
    **{unit: 1024**power for power, units in enumerate((("k", "Ki"), ("m", "Mi"), ("g", "Gi")), 1) for unit in units},
    **{unit: 1000**power for power, unit in enumerate(("K", "M", "G"), 1)},
}
"""Bytes of each: `Mi` and Docker's `m` are binary, Kubernetes' `M` is decimal."""


def parse_cpu(written: str | float) -> float:
    """Processors: `2`, `0.5`, `500m`.

    Raises:
        ValueError: it is none of those, or zero.
    """
    found = _CPU.fullmatch(str(written).strip())
    cpus = float(found[1]) * (_THOUSANDTH if found[2] else 1) if found else 0
    if cpus <= 0:
        raise ValueError(f"'{written}' is no number of processors; write `2`, `0.5` or `500m`")
    return cpus


def parse_memory(written: str | float) -> int:
    """Bytes: `256Mi`, `1Gi`, `512m`, `1g`, `300M`, or a number of bytes.

    Raises:
        ValueError: it is none of those, or zero.
    """
    found = _MEMORY.fullmatch(str(written).strip())
    unit = _UNITS.get(found[2]) if found else None
    size = int(float(found[1]) * unit) if found and unit else 0
    if size <= 0:
        raise ValueError(f"'{written}' is no amount of memory; write `256Mi`, `1Gi` or a number of bytes")
    return size
