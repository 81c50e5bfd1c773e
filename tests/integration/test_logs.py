"""Logs on a real broker and a real database: every way of reading shows every line once and in order."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from shared.broker.rabbit import RabbitBroker
from shared.storage.records import LogChunk
from tests.integration.api_instance import YAML, ApiInstance, serving
from tests.support.eventually import eventually
from tests.unit.api.logbook import chunk, numbered, texts
from tests.unit.api.seed import finish_step, seed_workspace

NORMAL = 1000


@pytest.fixture
async def apis(rabbitmq_url: str, mongo_url: str, database_name: str) -> AsyncIterator[tuple[ApiInstance, ApiInstance]]:
    """Two api instances that share the store queue."""
    async with serving(rabbitmq_url, mongo_url, database_name) as one:
        await seed_workspace(one.parts.storage, text=YAML)
        async with serving(rabbitmq_url, mongo_url, database_name) as two:
            yield one, two


async def test_viewers_before_amid_and_after_see_the_same_log(apis: tuple[ApiInstance, ApiInstance]) -> None:
    one, two = apis
    job_id = await one.execute("two")
    chunks = [chunk("first", first, 10, job_id=job_id) for first in range(0, 300, 10)]
    chunks += [chunk("second", first, 7, job_id=job_id) for first in range(0, 350, 7)]
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        early = [tasks.create_task(api.watch(job_id)) for api in apis]
        await one.has_viewers(job_id, 1)
        await two.has_viewers(job_id, 1)
        await one.say(_shuffled(chunks[:40]))
        amid = [tasks.create_task(api.watch(job_id)) for api in apis]
        await one.say(_shuffled(chunks[20:]))
        await finish_step(one.parts.orchestrator, job_id, "first", log_lines=300)
        await finish_step(two.parts.orchestrator, job_id, "second", log_lines=350)
    late = [await api.watch(job_id) for api in apis]
    for frames, code in [*(task.result() for task in (*early, *amid)), *late]:
        shown = "".join(frames)
        assert code == NORMAL
        assert texts(shown, "first") == numbered(300)
        assert texts(shown, "second") == numbered(350)
    assert [len(frames) for frames, _ in late] == [1, 1]
    await one.has_viewers(job_id, 0)
    await two.has_viewers(job_id, 0)


@pytest.mark.timeout(300)
async def test_a_hundred_thousand_lines_are_the_same_by_stream_by_job_and_by_step(
    apis: tuple[ApiInstance, ApiInstance],
) -> None:
    one, two = apis
    job_id = await one.execute("one")
    async with asyncio.timeout(240), asyncio.TaskGroup() as tasks:
        streams = [tasks.create_task(api.watch(job_id)) for api in (one, two, two)]
        await one.has_viewers(job_id, 1)
        for start in range(0, 100_000, 10_000):
            await one.say([chunk("speak", first, 500, job_id=job_id) for first in range(start, start + 10_000, 500)])
        await finish_step(one.parts.orchestrator, job_id, "speak", log_lines=100_000)
    expected = numbered(100_000)
    assert texts(await two.log(job_id), "speak") == expected
    assert texts(await one.log(job_id, "speak"), "speak") == expected
    for stream in streams:
        frames, code = stream.result()
        assert (code, texts("".join(frames), "speak") == expected) == (NORMAL, True)


async def test_a_step_log_has_no_lines_of_other_steps(apis: tuple[ApiInstance, ApiInstance]) -> None:
    one, two = apis
    job_id = await one.execute("two")
    await one.say([chunk("first", 0, 3, job_id=job_id), chunk("second", 0, 2, job_id=job_id)])
    await finish_step(one.parts.orchestrator, job_id, "first", log_lines=3)
    await finish_step(one.parts.orchestrator, job_id, "second", log_lines=2)
    log = await two.log(job_id, "first")
    assert [json.loads(line)["step"] for line in log.splitlines()] == ["first"] * 3
    missing = await one.http.get(f"/api/jobs/{job_id}/steps/third/logs")
    assert (missing.status_code, "'third'" in missing.json()["error"]) == (404, True)


async def test_without_backfill_the_stream_begins_with_new_lines(apis: tuple[ApiInstance, ApiInstance]) -> None:
    one, two = apis
    job_id = await one.execute("one")
    await one.say([chunk("speak", 0, 5, job_id=job_id)])
    await eventually(lambda: _has_lines(one, job_id, 5))
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        stream = tasks.create_task(two.watch(job_id, "?skip_backfill=true"))
        await two.has_viewers(job_id, 1)
        await one.say([chunk("speak", 5, 2, job_id=job_id)])
        await finish_step(one.parts.orchestrator, job_id, "speak", log_lines=7)
    frames, code = stream.result()
    assert (code, texts("".join(frames), "speak")) == (NORMAL, ["line 5", "line 6"])


@pytest.mark.parametrize(
    ("job_id", "query", "status", "told"),
    [
        ("01890000-0000-7000-8000-000000000000", "", 404, "Job not found"),
        ("not-a-uuid", "", 400, "Invalid job ID"),
        ("01890000-0000-7000-8000-000000000000", "?skip_backfill=maybe", 400, "skip_backfill"),
    ],
)
async def test_a_stream_that_can_not_be_is_refused_before_the_upgrade(
    apis: tuple[ApiInstance, ApiInstance], job_id: str, query: str, status: int, told: str
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await apis[0].watch(job_id, query)
    assert refused.value.response.status_code == status
    assert told in json.loads(refused.value.response.body)["error"]


async def test_a_page_of_another_site_can_not_listen(apis: tuple[ApiInstance, ApiInstance]) -> None:
    one, _ = apis
    job_id = await one.execute("one")
    with pytest.raises(InvalidStatus) as refused:
        async with connect(one.stream_url(job_id), origin=Origin("https://theirs.example")):
            pass
    assert refused.value.response.status_code == 403


async def test_a_client_that_leaves_is_forgotten(apis: tuple[ApiInstance, ApiInstance]) -> None:
    one, _ = apis
    job_id = await one.execute("one")
    async with connect(one.stream_url(job_id)):
        await one.has_viewers(job_id, 1)
    await one.has_viewers(job_id, 0)


async def test_a_slow_client_gets_every_line_and_holds_up_no_one(apis: tuple[ApiInstance, ApiInstance]) -> None:
    one, _ = apis
    job_id = await one.execute("one")
    lines = 60_000
    async with (
        asyncio.timeout(100),
        asyncio.TaskGroup() as tasks,
        connect(one.stream_url(job_id), max_queue=1, compression=None) as slow,
    ):
        await one.has_viewers(job_id, 1)
        quick = tasks.create_task(one.watch(job_id))
        await eventually(lambda: len(one.parts.viewers) == 2)
        await one.say([chunk("speak", first, 500, job_id=job_id) for first in range(0, lines, 500)])
        await finish_step(one.parts.orchestrator, job_id, "speak", log_lines=lines)
        frames, code = await quick
        assert (code, len(texts("".join(frames), "speak"))) == (NORMAL, lines)
        shown = "".join([str(frame) async for frame in slow])
        assert slow.close_code == NORMAL
    assert texts(shown, "speak") == numbered(lines)


async def test_a_stream_survives_the_loss_of_the_broker(apis: tuple[ApiInstance, ApiInstance]) -> None:
    one, two = apis
    job_id = await one.execute("one")
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        stream = tasks.create_task(one.watch(job_id))
        await one.has_viewers(job_id, 1)
        await two.say([chunk("speak", 0, 10, job_id=job_id)])
        assert isinstance(one.parts.broker, RabbitBroker)
        one.parts.broker._inbound.cut()
        await two.say([chunk("speak", 10, 10, job_id=job_id)])
        await eventually(lambda: one.parts.broker.is_ready, within=timedelta(seconds=20))
        await two.say([chunk("speak", 20, 10, job_id=job_id)])
        await finish_step(two.parts.orchestrator, job_id, "speak", log_lines=30)
    frames, code = stream.result()
    assert (code, texts("".join(frames), "speak")) == (NORMAL, numbered(30))


async def _has_lines(api: ApiInstance, job_id: str, count: int) -> bool:
    return sum((await api.parts.storage.logs.count_lines(job_id)).values()) >= count


def _shuffled(items: list[LogChunk]) -> list[LogChunk]:
    """In another order, some twice."""
    chance = random.Random(7)  # noqa: S311 - the same order in every run
    mixed = items + chance.sample(items, len(items) // 4)
    chance.shuffle(mixed)
    return mixed
