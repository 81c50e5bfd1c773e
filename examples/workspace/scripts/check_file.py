"""Checks the weather file before anything is computed from it.

Input: INPUT_FILE. Output: {"days", "first", "last", "years"}.
"""

import os
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from step import give
from weather import KINDS, BadFile, Day, find_file, read_days

WARMEST, COLDEST, WETTEST = 60.0, -60.0, 500.0  # beyond these (degrees Celsius, mm a day) it is a mistake, not weather


def find_gaps(days: list[Day]) -> Iterator[str]:
    """Each place where the next day does not follow."""
    for before, after in zip(days, days[1:]):
        if after.date - before.date != timedelta(days=1):
            yield f"after {before.date} comes {after.date}"


def find_impossible(days: list[Day]) -> Iterator[str]:
    """Each day whose values can't be."""
    for day in days:
        if not COLDEST <= day.temp_min <= day.temp_max <= WARMEST:
            yield f"{day.date}: temperatures from {day.temp_min} to {day.temp_max}"
        if not 0 <= day.precipitation <= WETTEST or day.wind < 0:
            yield f"{day.date}: precipitation {day.precipitation}, wind {day.wind}"
        if day.weather not in KINDS:
            yield f"{day.date}: unknown weather '{day.weather}'"


def main() -> None:
    """Read, check, tell."""
    name = os.environ["INPUT_FILE"]
    days = read_days(find_file(name, Path.cwd()))
    print(f"{name}: {len(days)} days")
    if not days:
        raise BadFile("the file has no days")
    troubles = [*find_gaps(days), *find_impossible(days)]
    for trouble in troubles[:20]:
        print(trouble, file=sys.stderr)
    if troubles:
        raise BadFile(f"{len(troubles)} things are wrong")
    years = sorted({day.date.year for day in days})
    print(f"from {days[0].date} to {days[-1].date} without a gap, {len(years)} years")
    print(f"kinds of weather: {', '.join(kind for kind in KINDS if any(day.weather == kind for day in days))}")
    give({"days": len(days), "first": str(days[0].date), "last": str(days[-1].date), "years": years})


if __name__ == "__main__":
    try:
        main()
    except BadFile as error:
        sys.exit(f"{error}")
