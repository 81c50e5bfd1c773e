"""Stories of containers on the whole system, one of which loses its worker."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest

from services.cli.client import ApiClient
from tests.docker.daemon import IMAGE, ask
from tests.support.eventually import eventually
from tests.support.stack import LocalStack

WITHIN = timedelta(seconds=60)
FLOWS = """
tasks:
  both:
    flow:
      count:
        type: docker
        image: "{{ input.image }}"
        cmd: 'cat words.txt | wc -l | sed "s/^/OUTPUT: /"'
        workdir: /workspace
        resources: { memory: 16Mi, cpu: 500m }
        input: { image: "{{ input.image }}" }
      tell:
        type: script
        runner: docker
        script: 'echo "told=$INPUT_COUNT words" >> "$HEADRACE_OUTPUT"'
        depends_on: [count]
        input: { count: "{{ count.output }}" }
  waits:
    flow:
      wait: { type: script, runner: docker, script: 'echo up; sleep 600' }
"""


@pytest.fixture(scope="module")
def stack(engine_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """One of each service; the worker has the engine."""
    folder = tmp_path_factory.mktemp("containers")
    (folder / ".workflows").mkdir()
    (folder / ".workflows" / "flows.yaml").write_text(FLOWS)
    (folder / "words.txt").write_text("one\ntwo\nthree\n")
    environ = {
        "HEADRACE_WORKER_DOCKER": "true",
        "HEADRACE_WORKER_DOCKER_URL": engine_url,
        "HEADRACE_WORKER_RUNNER_IMAGE": IMAGE,
        "HEADRACE_WORKER_RUNNER_NETWORK": "none",
    }
    with LocalStack(workers=1, workspaces={"boxes": folder}, environ=environ) as running:
        yield running


@pytest.fixture
async def api(stack: LocalStack) -> AsyncIterator[ApiClient]:
    """The api, once it knows the workspace."""
    async with ApiClient(stack.api_urls[0]) as client:

        async def is_loaded() -> bool:
            return any(one["revision"] for one in await client.get("/api/workspaces"))

        await eventually(is_loaded, within=WITHIN)
        yield client


@pytest.mark.timeout(240)
async def test_containers_of_both_kinds_work_together(api: ApiClient) -> None:
    job_id = await api.execute("boxes", "both", {"image": IMAGE})
    job = await api.wait_for_end(job_id, within_seconds=60)
    assert (job["status"], job["output"]) == ("completed", {"tell": {"told": "3 words"}})


@pytest.mark.timeout(240)
async def test_a_container_whose_worker_dies_is_removed_by_the_next_one(
    api: ApiClient, stack: LocalStack, engine_url: str
) -> None:
    def containers() -> list[str]:
        return ask(engine_url, "ps", "--quiet", "--filter=label=headrace.step=wait").split()

    job_id = await api.execute("boxes", "waits", {})
    (first,) = await eventually(containers, within=WITHIN)
    stack.kill(stack.names("worker")[0])
    await eventually(lambda: first not in containers(), within=WITHIN)
    await api.post(f"/api/jobs/{job_id}/cancel")
    await api.wait_for_end(job_id, within_seconds=60)
    await eventually(lambda: not containers(), within=WITHIN)
