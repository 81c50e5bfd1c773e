"""The weather file: its columns, its rows, and how they are read."""

import csv
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

COLUMNS = ["date", "precipitation", "temp_max", "temp_min", "wind", "weather"]
KINDS = ["sun", "fog", "drizzle", "rain", "snow"]


class BadFile(Exception):
    """The file is not what it should be; the text says where."""


@dataclass(frozen=True)
class Day:
    """One day: precipitation in mm, temperatures in degrees Celsius, wind in m/s."""

    date: date
    precipitation: float
    temp_max: float
    temp_min: float
    wind: float
    weather: str


def find_file(name: str, workspace: Path) -> Path:
    """The file `name` inside the workspace.

    Raises:
        BadFile: it lies elsewhere or does not exist.
    """
    path = (workspace / name).resolve()
    if not path.is_relative_to(workspace.resolve()):
        raise BadFile(f"{name} lies outside of the workspace")
    if not path.is_file():
        raise BadFile(f"there is no file {name}")
    return path


def read_days(path: Path) -> list[Day]:
    """All days, in the file's order.

    Raises:
        BadFile: wrong columns, or a value that is no date or number.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        columns = next(rows, [])
        if columns != COLUMNS:
            raise BadFile(f"line 1: the columns are {columns}, not {COLUMNS}")
        return [_read_day(row, number) for number, row in enumerate(rows, start=2)]


def _read_day(row: list[str], number: int) -> Day:
    try:
        day, precipitation, temp_max, temp_min, wind, weather = row
        return Day(
            datetime.strptime(day, "%Y/%m/%d").date(),
            float(precipitation),
            float(temp_max),
            float(temp_min),
            float(wind),
            weather,
        )
    except ValueError as error:
        raise BadFile(f"line {number}: {error}") from error
