"""A partition's loop: what a short step says at its start and end becomes one write."""

import asyncio

from services.dispatcher.serve_partition import ServePartition, open_partition
from shared.broker.ports import Outgoing
from shared.broker.topology import EVENT_EXCHANGE
from shared.engine.job import Job
from shared.engine.states import StepStatus
from shared.messages.wire import EventMessage, RunStepMessage
from tests.support.eventually import eventually
from tests.support.orchestration import finished, running, started
from tests.unit.dispatcher.test_handle_batch import _runs
from tests.unit.orchestration.world import World, a_world


async def _job(world: World, run: RunStepMessage) -> Job:
    return (await world.jobs.load([run.job_id]))[run.job_id].job


async def _publish(world: World, message: EventMessage) -> None:
    await world.broker.publish([Outgoing(EVENT_EXCHANGE, "0", message)])


async def _serve(world: World) -> tuple[ServePartition, asyncio.Task[None]]:
    partition = await open_partition(0, world.broker, world.orchestrator)
    return partition, asyncio.create_task(partition.run())


async def test_a_start_and_an_end_that_follow_at_once_are_one_write() -> None:
    world = await a_world()
    (run,) = await _runs(world, 1)
    before = await _job(world, run)
    async with running(world.orchestrator):
        partition, task = await _serve(world)
        await _publish(world, started(run))
        await _publish(world, finished(run))

        async def has_ended() -> bool:
            return (await _job(world, run)).steps[run.step].status is StepStatus.COMPLETED

        await eventually(has_ended)
        assert (await _job(world, run)).version == before.version + 1
        await partition.stop()
        await task


async def test_a_start_that_nothing_follows_is_saved_all_the_same() -> None:
    world = await a_world()
    (run,) = await _runs(world, 1)
    async with running(world.orchestrator):
        partition, task = await _serve(world)
        await _publish(world, started(run))

        async def has_started() -> bool:
            return (await _job(world, run)).steps[run.step].status is StepStatus.RUNNING

        await eventually(has_started)
        await partition.stop()
        await task
