"""Summarizes one year of the weather file.

Inputs: INPUT_FILE, INPUT_YEAR, INPUT_WET_DAY_MM. Output: one year's numbers, see `summarize`.
"""

import os
import sys
from collections import Counter
from pathlib import Path
from statistics import fmean
from typing import Any

from step import give
from weather import KINDS, BadFile, Day, find_file, read_days

MONTHS = range(1, 13)


def middle(day: Day) -> float:
    """A day's mean temperature, as meteorologists estimate it from the extremes."""
    return (day.temp_max + day.temp_min) / 2


def summarize(year: int, days: list[Day], wet_day_mm: float) -> dict[str, Any]:
    """The numbers of a year: temperatures in degrees Celsius, precipitation in mm, days by kind of weather.

    `months` has each month's mean temperature and precipitation, January first.
    """
    warmest = max(days, key=lambda day: day.temp_max)
    coldest = min(days, key=lambda day: day.temp_min)
    kinds = Counter(day.weather for day in days)
    return {
        "year": year,
        "days": len(days),
        "mean": round(fmean(middle(day) for day in days), 2),
        "highest": warmest.temp_max,
        "highest_on": str(warmest.date),
        "lowest": coldest.temp_min,
        "lowest_on": str(coldest.date),
        "precipitation": round(sum(day.precipitation for day in days), 1),
        "wet_days": sum(day.precipitation >= wet_day_mm for day in days),
        "kinds": {kind: kinds[kind] for kind in KINDS},
        "months": [summarize_month([day for day in days if day.date.month == month]) for month in MONTHS],
    }


def summarize_month(days: list[Day]) -> dict[str, float | None]:
    """A month's mean temperature (None without days) and precipitation."""
    mean = round(fmean(middle(day) for day in days), 2) if days else None
    return {"mean": mean, "precipitation": round(sum(day.precipitation for day in days), 1)}


def main() -> None:
    """Read the year's days, summarize them, tell."""
    year = int(os.environ["INPUT_YEAR"])
    all_days = read_days(find_file(os.environ["INPUT_FILE"], Path.cwd()))
    days = [day for day in all_days if day.date.year == year]
    if not days:
        raise BadFile(f"the file has no day of {year}")
    print(f"{year}: {len(days)} days")
    summary = summarize(year, days, float(os.environ["INPUT_WET_DAY_MM"]))
    print(f"{year}: mean {summary['mean']} °C, from {summary['lowest']} to {summary['highest']} °C")
    print(f"{year}: {summary['precipitation']} mm on {summary['wet_days']} wet days")
    give(summary)


if __name__ == "__main__":
    try:
        main()
    except BadFile as error:
        sys.exit(f"{error}")
