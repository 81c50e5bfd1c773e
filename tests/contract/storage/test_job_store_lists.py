"""What every job store answers about many jobs."""

from datetime import timedelta

import pytest

from shared.engine.job import Job, Step
from shared.engine.states import JobStatus, StepStatus
from shared.storage.ports import Storage
from shared.storage.records import JobFilter, JobSummary, RunningStep, StepRow, StoredJob
from tests.support.storages import NOON, a_job, a_save, put_job, read_job, running

MINUTE = timedelta(minutes=1)


async def put_many(storage: Storage) -> list[Job]:
    """Twelve jobs, a minute apart, oldest first."""
    jobs = [
        a_job(
            number,
            after=MINUTE * number,
            workspace=f"ws-{number % 2}",
            task=f"task-{number % 3}",
            status=(JobStatus.RUNNING, JobStatus.COMPLETED)[number % 4 == 0],
            source_type=("api", "trigger")[number % 6 == 0],
        )
        for number in range(12)
    ]
    assert all(await storage.jobs.insert([StoredJob(job) for job in jobs]))
    return jobs


async def test_a_page_has_the_newest_jobs_first(storage: Storage) -> None:
    jobs = await put_many(storage)
    rows, count = await storage.jobs.list_jobs(JobFilter(), limit=5, offset=0)
    assert [row.id for row in rows] == [job.id for job in jobs[:-6:-1]]
    assert count == 12


async def test_pages_follow_each_other_without_gaps(storage: Storage) -> None:
    jobs = await put_many(storage)
    pages = [await storage.jobs.list_jobs(JobFilter(), limit=5, offset=offset) for offset in (0, 5, 10, 15)]
    assert [row.id for rows, _ in pages for row in rows] == [job.id for job in reversed(jobs)]


async def test_jobs_of_the_same_moment_have_one_order(storage: Storage) -> None:
    ids = {job.id for job in [(await put_job(storage, a_job(number))).job for number in range(7)]}
    pages = [await storage.jobs.list_jobs(JobFilter(), limit=2, offset=offset) for offset in (0, 2, 4, 6)]
    assert [row.id for rows, _ in pages for row in rows] == sorted(ids, reverse=True)


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (JobFilter(workspace="ws-1"), [11, 9, 7, 5, 3, 1]),
        (JobFilter(task="task-2"), [11, 8, 5, 2]),
        (JobFilter(status=JobStatus.COMPLETED), [8, 4, 0]),
        (JobFilter(status=JobStatus.RUNNING, workspace="ws-0"), [10, 6, 2]),
        (JobFilter(source_type="trigger"), [6, 0]),
        (JobFilter(workspace="ws-0", task="task-2"), [8, 2]),
        (JobFilter("ws-0", "task-0", JobStatus.COMPLETED, "trigger"), [0]),
        (JobFilter(task="no such task"), []),
        (JobFilter(workspace="status:running"), []),
    ],
)
async def test_a_filter_leaves_what_fits_all_of_it(storage: Storage, wanted: JobFilter, numbers: list[int]) -> None:
    jobs = await put_many(storage)
    rows, count = await storage.jobs.list_jobs(wanted, limit=100, offset=0)
    assert [row.id for row in rows] == [jobs[number].id for number in numbers]
    assert count == len(numbers)


async def test_a_page_of_none_still_counts(storage: Storage) -> None:
    await put_many(storage)
    assert await storage.jobs.list_jobs(JobFilter(task="task-1"), limit=0, offset=0) == ([], 4)


async def test_a_row_tells_the_job(storage: Storage) -> None:
    job = a_job(status=JobStatus.FAILED, reason="boom", source_id="cron", started_at=NOON, finished_at=NOON + MINUTE)
    await put_job(storage, job)
    (row,), _ = await storage.jobs.list_jobs(JobFilter(), limit=1, offset=0)
    assert row == JobSummary(
        job.id, "demo", "work", JobStatus.FAILED, "boom", "api", "cron", "r1", NOON, NOON, NOON + MINUTE
    )


async def test_a_saved_status_moves_the_job_to_another_list(storage: Storage) -> None:
    job = (await put_job(storage, a_job())).job
    await storage.jobs.save([a_save(job, status=JobStatus.CANCELLED)])
    assert await storage.jobs.list_jobs(JobFilter(status=JobStatus.PENDING), limit=9, offset=0) == ([], 0)
    rows, count = await storage.jobs.list_jobs(JobFilter(status=JobStatus.CANCELLED), limit=9, offset=0)
    assert ([row.id for row in rows], count) == ([job.id], 1)


async def test_jobs_are_counted_by_status(storage: Storage) -> None:
    assert await storage.jobs.count_by_status() == {}
    await put_many(storage)
    assert await storage.jobs.count_by_status() == {"running": 9, "completed": 3}


async def test_what_runs_on_a_worker_is_found(storage: Storage) -> None:
    job = (await put_job(storage, a_job(1, "one", "t.w$o", "three"))).job
    steps = {**running(job, "t.w$o", "w1", attempt=3), "three": Step(StepStatus.COMPLETED, 1, worker_id="w1")}
    save = a_save(job, steps=steps)
    await storage.jobs.save([save])
    assert await storage.jobs.find_running_on("w1") == [RunningStep(job.id, "t.w$o", 3)]
    assert await storage.jobs.find_running_on("w2") == []
    await storage.jobs.save([a_save(save.job, steps={**steps, "t.w$o": Step(StepStatus.FAILED, 3, worker_id="w1")})])
    assert await storage.jobs.find_running_on("w1") == []


async def test_a_step_that_went_to_another_worker_is_found_there_alone(storage: Storage) -> None:
    job = (await put_job(storage, a_job())).job
    first = a_save(job, steps=running(job, "one", "w1"))
    await storage.jobs.save([first])
    await storage.jobs.save([a_save(first.job, steps=running(job, "one", "w2", attempt=2))])
    assert await storage.jobs.find_running_on("w1") == []
    assert await storage.jobs.list_steps_of("w1", limit=5) == ([], 0)
    assert await storage.jobs.find_running_on("w2") == [RunningStep(job.id, "one", 2)]


async def test_jobs_are_found_by_the_event_that_one_of_their_steps_waits_for(storage: Storage) -> None:
    waiting = Step(StepStatus.SUSPENDED, 1, waits_for="order/7")
    jobs = [(await put_job(storage, a_job(number, after=MINUTE * number))).job for number in range(3)]
    saves = [a_save(job, steps={"one": waiting, "two": waiting}) for job in jobs]
    await storage.jobs.save(saves)
    assert await storage.jobs.find_waiting("demo", "order/7", 9) == [job.id for job in jobs]
    assert await storage.jobs.find_waiting("demo", "order/7", 2) == [job.id for job in jobs[:2]]
    assert await storage.jobs.find_waiting("demo", "order/8", 9) == []
    assert await storage.jobs.find_waiting("other", "order/7", 9) == []
    done = Step(StepStatus.COMPLETED, 1, waits_for="order/7")
    await storage.jobs.save([a_save(saves[0].job, steps={"one": done, "two": done})])
    assert await storage.jobs.find_waiting("demo", "order/7", 9) == [job.id for job in jobs[1:]]


async def test_steps_of_a_worker_are_told_newest_first(storage: Storage) -> None:
    jobs = [(await put_job(storage, a_job(number, after=MINUTE * number))).job for number in range(3)]
    for number, job in enumerate(jobs):
        steps = running(job, "one", "w1", started_at=NOON + MINUTE * number, finished_at=NOON + MINUTE * 9, error="no")
        await storage.jobs.save([a_save(job, steps=steps | {"two": Step(StepStatus.FAILED, 1, worker_id="w2")})])
    rows, count = await storage.jobs.list_steps_of("w1", limit=2)
    assert count == 3
    assert [row.job_id for row in rows] == [jobs[2].id, jobs[1].id]
    assert rows[0] == StepRow(
        job_id=jobs[2].id,
        workspace="demo",
        task="work",
        job_status="pending",
        step="one",
        action_type="script",
        status="running",
        started_at=NOON + MINUTE * 2,
        finished_at=NOON + MINUTE * 9,
        error="no",
    )


async def test_steps_of_one_worker_within_a_job_count_each(storage: Storage) -> None:
    job = (await put_job(storage, a_job(1, "a", "b", "c"))).job
    done = {name: Step(StepStatus.COMPLETED, 1, worker_id="w1", started_at=NOON) for name in "ab"}
    await storage.jobs.save([a_save(job, steps={**job.steps, **done})])
    rows, count = await storage.jobs.list_steps_of("w1", limit=10)
    assert ({row.step for row in rows}, count) == ({"a", "b"}, 2)
    assert (await read_job(storage, job.id)).job.steps["c"] == Step()
