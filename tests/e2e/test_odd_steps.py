"""Stories of steps that print what no one expects: the job ends right and its log is whole."""

import pytest

from services.cli.client import ApiClient
from tests.e2e.test_main_job import by_name, stored, streamed

ENDS_WITHIN = 90.0


async def speak(api: ApiClient, how: str) -> tuple[str, list[str]]:
    """Run the speaker; its step's status and its log lines, which are equal by stream and by REST."""
    job_id = await api.execute("stories", "speaker", {"how": how})
    live = [line["line"] for line in await streamed(api, job_id) if line["step"] == "speak"]
    job = await api.wait_for_end(job_id, within_seconds=ENDS_WITHIN)
    kept = [line["line"] for line in await stored(api, job_id, "speak")]
    assert live == kept
    return by_name(job)["speak"]["status"], kept


async def test_binary_output_is_kept_as_replaced_text(api: ApiClient) -> None:
    status, lines = await speak(api, "binary")
    assert status == "completed"
    assert lines[-1] == "last line without end"
    assert "\ufffd" in "".join(lines)


async def test_a_line_of_ten_megabytes_is_split_and_whole(api: ApiClient) -> None:
    status, lines = await speak(api, "long line")
    assert status == "completed"
    assert lines[-1] == "after the long line"
    assert sum(line.count("x") for line in lines[:-1]) == 10_000_000


async def test_a_step_that_prints_nothing_has_an_empty_log(api: ApiClient) -> None:
    assert await speak(api, "nothing") == ("completed", [])


async def test_children_that_are_left_behind_do_not_hold_the_step(api: ApiClient) -> None:
    assert await speak(api, "children") == ("completed", ["left two children behind"])


async def test_odd_separators_do_not_break_a_line(api: ApiClient) -> None:
    assert await speak(api, "separators") == ("completed", ["one\u2028still one\x85still\x0bone\x1b[31m"])


@pytest.mark.timeout(300)
async def test_a_million_lines_arrive_in_order(api: ApiClient) -> None:
    status, lines = await speak(api, "1000000 lines")
    assert status == "completed"
    assert len(lines) == 1_000_000
    assert lines[::99_999][:3] == ["line 0", "line 99999", "line 199998"]
    assert lines == [f"line {number}" for number in range(1_000_000)]
