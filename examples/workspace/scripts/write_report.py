"""Joins the summaries of the years in one report.

Inputs, from the HEADRACE_INPUT file: `title`, `days`, and a summary of a year under each other name.
Output: {"markdown", "svg", "years"}.
"""

from typing import Any

from draw_chart import draw_chart
from step import give, read_inputs
from weather import KINDS

Year = dict[str, Any]


def write_markdown(title: str, years: list[Year]) -> str:
    """The report as Markdown: a table, what stands out, the kinds of weather."""
    return "\n".join([f"# {title}", "", *write_table(years), "", *write_findings(years), "", *write_kinds(years), ""])


def write_table(years: list[Year]) -> list[str]:
    """Temperatures and precipitation, one line a year."""
    head = ["| year | mean °C | highest °C | lowest °C | precipitation mm | wet days |", "|---|---:|---:|---:|---:|---:|"]
    return head + [
        f"| {one['year']} | {one['mean']:.1f} | {one['highest']:.1f} ({one['highest_on']}) "
        f"| {one['lowest']:.1f} ({one['lowest_on']}) | {one['precipitation']:.0f} | {one['wet_days']} |"
        for one in years
    ]


def write_findings(years: list[Year]) -> list[str]:
    """The years that stand out."""
    warmest = max(years, key=lambda one: one["mean"])
    wettest = max(years, key=lambda one: one["precipitation"])
    driest = min(years, key=lambda one: one["precipitation"])
    return [
        f"- Warmest year: **{warmest['year']}** with a mean of {warmest['mean']:.1f} °C.",
        f"- Wettest year: **{wettest['year']}** with {wettest['precipitation']:.0f} mm; "
        f"driest: **{driest['year']}** with {driest['precipitation']:.0f} mm.",
    ]


def write_kinds(years: list[Year]) -> list[str]:
    """How many days were of which kind."""
    head = [f"| year | {' | '.join(KINDS)} |", "|---|" + "---:|" * len(KINDS)]
    return head + [f"| {one['year']} | {' | '.join(str(one['kinds'][kind]) for kind in KINDS)} |" for one in years]


def main() -> None:
    """Join, write, draw, tell."""
    inputs = read_inputs()
    years = [value for value in inputs.values() if isinstance(value, dict) and "year" in value]
    years.sort(key=lambda one: one["year"])
    print(f"joining {', '.join(str(one['year']) for one in years)}: {sum(one['days'] for one in years)} days")
    if int(inputs["days"]) != sum(one["days"] for one in years):
        print(f"note: the file has {inputs['days']} days; days of other years are not in the report")
    markdown = write_markdown(str(inputs["title"]), years)
    print(f"wrote {len(markdown.splitlines())} lines of Markdown")
    svg = draw_chart(str(inputs["title"]), years)
    print(f"drew a chart of {len(svg)} characters")
    give({"markdown": markdown, "svg": svg, "years": [one["year"] for one in years]})


if __name__ == "__main__":
    main()
