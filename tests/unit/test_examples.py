"""The example workspace: free of problems, and its scripts do what they say."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from shared.definition.compile import compile_flow
from shared.definition.load import load_folder

WORKSPACE = Path(__file__).parents[2] / "examples" / "workspace"
DATA = "data/seattle-weather.csv"
YEARS = (2012, 2013, 2014, 2015)
SECONDS = 60


def run(script: str, inputs: dict[str, Any], folder: Path, workspace: Path = WORKSPACE) -> tuple[int, list[str], Any]:
    """Run a script as a worker does: its exit code, its log lines, its output."""
    file = folder / "input.json"
    file.write_text(json.dumps(inputs))
    environment = {"PATH": os.environ["PATH"], "HEADRACE_INPUT": str(file), "PYTHONDONTWRITEBYTECODE": "1"}
    for name, value in inputs.items():
        environment[f"INPUT_{name.upper()}"] = value if isinstance(value, str) else json.dumps(value)
    ended = subprocess.run(
        [sys.executable, str(WORKSPACE / "scripts" / script)],
        cwd=workspace,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    lines = ended.stdout.splitlines() + ended.stderr.splitlines()
    outputs = [json.loads(line.removeprefix("OUTPUT:")) for line in lines if line.startswith("OUTPUT:")]
    return ended.returncode, lines, outputs[-1] if outputs else None


def summarize(year: int, folder: Path) -> dict[str, Any]:
    """A year's summary."""
    code, _, output = run("summarize_year.py", {"file": DATA, "year": year, "wet_day_mm": 1}, folder)
    assert code == 0
    summary: dict[str, Any] = output
    return summary


def test_the_workspace_has_no_problems_and_every_task_compiles() -> None:
    loaded = load_folder(WORKSPACE)
    assert [str(problem) for problem in loaded.problems] == []
    tasks = loaded.definition.tasks
    assert {"hello-world", "weather-report", "fail-in-chain", "fail-and-go-on"} < set(tasks)
    assert all(compile_flow(loaded.definition, name).steps for name in tasks)
    assert loaded.definition.triggers["hello-every-10min"].model_dump()["cron"] == "0 */10 * * * *"


def test_the_weather_report_runs_its_years_side_by_side() -> None:
    flow = compile_flow(load_folder(WORKSPACE).definition, "weather-report")
    years = [f"year-{year}" for year in YEARS]
    assert [flow.steps[year].depends_on for year in years] == [("check-file",)] * 4
    assert flow.steps["report"].depends_on == tuple(years)


def test_the_file_is_whole(tmp_path: Path) -> None:
    code, lines, output = run("check_file.py", {"file": DATA}, tmp_path)
    assert code == 0
    assert output == {"days": 1461, "first": "2012-01-01", "last": "2015-12-31", "years": list(YEARS)}
    assert lines[0] == f"{DATA}: 1461 days"


HEAD = "date,precipitation,temp_max,temp_min,wind,weather\n"
BAD_FILES = [
    ("", "line 1: the columns are []"),
    ("a,b\n", "line 1: the columns are ['a', 'b']"),
    (HEAD, "the file has no days"),
    (HEAD + "2012/01/01,0.0,12.8,5.0,4.7,sun\n2012/01/03,0.0,12.8,5.0,4.7,sun\n", "after 2012-01-01 comes 2012-01-03"),
    (HEAD + "2012/01/01,much,12.8,5.0,4.7,sun\n", "line 2: could not convert string to float: 'much'"),
    (HEAD + "2012/13/01,0.0,12.8,5.0,4.7,sun\n", "line 2: time data '2012/13/01' does not match format '%Y/%m/%d'"),
    (HEAD + "2012/01/01,0.0,5.0,12.8,4.7,sun\n", "2012-01-01: temperatures from 12.8 to 5.0"),
    (HEAD + "2012/01/01,-1,12.8,5.0,4.7,sun\n", "2012-01-01: precipitation -1.0, wind 4.7"),
    (HEAD + "2012/01/01,0.0,12.8,5.0,4.7,frogs\n", "2012-01-01: unknown weather 'frogs'"),
]


@pytest.mark.parametrize(("content", "told"), BAD_FILES)
def test_a_bad_file_is_refused_with_its_place(content: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text(content)
    code, lines, output = run("check_file.py", {"file": "bad.csv"}, tmp_path, tmp_path)
    assert (code, output) == (1, None)
    assert any(line.startswith(told) for line in lines)


@pytest.mark.parametrize("name", ["../../pyproject.toml", "/etc/passwd", "data/nothing.csv", "data"])
def test_a_path_outside_of_the_workspace_is_refused(name: str, tmp_path: Path) -> None:
    code, lines, _ = run("check_file.py", {"file": name}, tmp_path)
    assert code == 1
    assert "outside of the workspace" in lines[-1] or "there is no file" in lines[-1]


@pytest.mark.parametrize("year", YEARS)
def test_a_year_s_summary_agrees_with_the_file(year: int, tmp_path: Path) -> None:
    with (WORKSPACE / DATA).open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["date"].startswith(str(year))]
    summary = summarize(year, tmp_path)
    assert summary["days"] == len(rows)
    assert summary["highest"] == max(float(row["temp_max"]) for row in rows)
    assert summary["lowest"] == min(float(row["temp_min"]) for row in rows)
    assert summary["precipitation"] == pytest.approx(sum(float(row["precipitation"]) for row in rows), abs=0.1)
    assert summary["wet_days"] == sum(float(row["precipitation"]) >= 1 for row in rows)
    assert sum(summary["kinds"].values()) == len(rows)
    middles = [(float(row["temp_max"]) + float(row["temp_min"])) / 2 for row in rows]
    assert summary["mean"] == pytest.approx(sum(middles) / len(rows), abs=0.01)
    assert len(summary["months"]) == 12


def test_a_year_that_the_file_does_not_have_fails(tmp_path: Path) -> None:
    code, lines, _ = run("summarize_year.py", {"file": DATA, "year": 1999, "wet_day_mm": 1}, tmp_path)
    assert (code, lines[-1]) == (1, "the file has no day of 1999")


def test_the_report_joins_the_years_in_markdown_and_svg(tmp_path: Path) -> None:
    years = {f"year_{year}": summarize(year, tmp_path) for year in YEARS}
    inputs = {"title": "Rain & <shine>", "days": "1461", **years}
    code, lines, output = run("write_report.py", inputs, tmp_path)
    assert code == 0
    assert "joining 2012, 2013, 2014, 2015: 1461 days" in lines
    assert "| 2014 | 12.8 | 35.6 (2014-08-11) | -6.0 (2014-02-06) | 1233 | 123 |" in output["markdown"]
    assert "- Warmest year: **2015** with a mean of 13.1 °C." in output["markdown"]
    assert output["years"] == list(YEARS)
    picture = ET.fromstring(output["svg"])  # noqa: S314 - our own text
    texts = [one.text for one in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert "Rain & <shine>" in texts
    assert len(picture.findall("{http://www.w3.org/2000/svg}polyline")) == len(YEARS)
