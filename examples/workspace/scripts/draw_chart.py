"""Draws the years as an SVG chart: the months' mean temperatures as lines, the years' rain as bars."""

from typing import Any
from xml.sax.saxutils import escape

Year = dict[str, Any]

WIDTH, HEIGHT = 860, 380
TOP, BOTTOM = 60, 330  # both panels
LINES_LEFT, LINES_RIGHT = 50, 540
BARS_LEFT, BARS_RIGHT = 620, 830
COLORS = ["#1b6ca8", "#d1495b", "#3c8d53", "#b7791f", "#6b4c9a", "#4a5568"]
LETTERS = "JFMAMJJASOND"
GRID = "#d9dee3"


def draw_chart(title: str, years: list[Year]) -> str:
    """The whole picture; text is escaped."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        text(20, 28, title, size=18),
        text(LINES_LEFT, 50, "mean temperature by month, °C"),
        text(BARS_LEFT, 50, "precipitation by year, mm"),
        *draw_lines(years),
        *draw_bars(years),
        "</svg>",
    ]
    return "\n".join(parts)


def draw_lines(years: list[Year]) -> list[str]:
    """One line a year over the twelve months."""
    means = [month["mean"] for one in years for month in one["months"] if month["mean"] is not None]
    low, high = 5 * int(min(means) // 5), 5 * int(max(means) // 5 + 1)
    parts = []
    for degrees in range(low, high + 1, 5):
        y = scale(degrees, low, high)
        parts.append(f'<line x1="{LINES_LEFT}" y1="{y}" x2="{LINES_RIGHT}" y2="{y}" stroke="{GRID}"/>')
        parts.append(text(LINES_LEFT - 8, y + 4, str(degrees), anchor="end"))
    parts += [text(month_x(month), BOTTOM + 18, letter, anchor="middle") for month, letter in enumerate(LETTERS)]
    for index, one in enumerate(years):
        points = " ".join(
            f"{month_x(month)},{scale(value['mean'], low, high)}"
            for month, value in enumerate(one["months"])
            if value["mean"] is not None
        )
        color = COLORS[index % len(COLORS)]
        parts.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/>')
        parts.append(text(LINES_LEFT + 60 * index, HEIGHT - 10, str(one["year"]), color=color))
    return parts


def draw_bars(years: list[Year]) -> list[str]:
    """One bar a year, from zero."""
    most = max(one["precipitation"] for one in years) or 1
    slot = (BARS_RIGHT - BARS_LEFT) / len(years)
    parts = [f'<line x1="{BARS_LEFT}" y1="{BOTTOM}" x2="{BARS_RIGHT}" y2="{BOTTOM}" stroke="{GRID}"/>']
    for index, one in enumerate(years):
        left, top = round(BARS_LEFT + slot * (index + 0.15), 1), scale(one["precipitation"], 0, most * 1.1)
        width, color = round(slot * 0.7, 1), COLORS[index % len(COLORS)]
        parts.append(f'<rect x="{left}" y="{top}" width="{width}" height="{round(BOTTOM - top, 1)}" fill="{color}"/>')
        parts.append(text(left + width / 2, top - 6, f"{one['precipitation']:.0f}", anchor="middle"))
        parts.append(text(left + width / 2, BOTTOM + 18, str(one["year"]), anchor="middle"))
    return parts


def month_x(month: int) -> float:
    """Where a month (0 to 11) lies."""
    return round(LINES_LEFT + 15 + month * (LINES_RIGHT - LINES_LEFT - 30) / 11, 1)


def scale(value: float, low: float, high: float) -> float:
    """Where a value lies between the panel's bottom (`low`) and top (`high`)."""
    return round(BOTTOM - (value - low) / (high - low) * (BOTTOM - TOP), 1)


def text(x: float, y: float, words: str, *, anchor: str = "start", size: int = 12, color: str = "#1f2933") -> str:
    """A piece of text."""
    where = f'x="{round(x, 1)}" y="{round(y, 1)}" text-anchor="{anchor}"'
    return f'<text {where} font-size="{size}" fill="{color}">{escape(words)}</text>'
