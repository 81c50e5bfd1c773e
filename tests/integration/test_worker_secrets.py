"""Secrets reach the step and nobody else, on the real broker and database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.definition.sealed import Seal, new_nonce
from shared.engine.states import Outcome
from tests.support.running_worker import WorkerBench, open_bench

VALUE = "correct horse/battery"
NONCE = new_nonce()
TOKEN = f"⟦secret:{NONCE}:password⟧"
SEAL = {"seal": Seal(NONCE, {"password": "ref+env://SECRET_PASSWORD", "missing": "ref+env://SECRET_NO"}).to_spec()}


@pytest.fixture
async def bench(
    rabbitmq_url: str, mongo_url: str, database_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[WorkerBench]:
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace" / "code.py").write_text("def keep(password):\n    print(password)\n    return [password]\n")
    monkeypatch.setenv("SECRET_PASSWORD", VALUE)
    async with open_bench(rabbitmq_url, mongo_url, database_name, tmp_path) as found, found.worker():
        yield found


def assert_kept(bench: WorkerBench) -> None:
    """Nothing that the worker ever said tells the value."""
    told = "".join(message.model_dump_json() for message in bench.told)
    assert "correct" not in told
    assert "Y29ycmVjdCBob3" not in told  # base64
    assert NONCE not in told


async def test_a_script_has_the_value_and_its_log_and_output_have_not(bench: WorkerBench, tmp_path: Path) -> None:
    script = (
        f'echo "$PASSWORD" > {tmp_path}/seen; echo "$INPUT_GIVEN" >> {tmp_path}/seen\n'
        f'echo "{TOKEN}" >> {tmp_path}/seen\n'
        'echo "pass: $PASSWORD"; echo "$PASSWORD" | base64 >&2; printf "no end $PASSWORD"; echo\n'
        "python3 -c \"print('x' * 16375 + '$PASSWORD')\"\n"
        'echo "OUTPUT: {\\"said\\": \\"$PASSWORD\\"}"'
    )
    spec = {**SEAL, "env": {"PASSWORD": TOKEN}}
    end = await bench.run(script, spec=spec, input={"given": f"<{TOKEN}>"})
    assert (end.outcome, end.error, end.output) == (Outcome.COMPLETED, None, {"said": "***"})
    assert (tmp_path / "seen").read_text().splitlines() == [VALUE, f"<{VALUE}>", VALUE]
    texts = await bench.texts_of(end)
    assert {"pass: ***", "no end ***"} <= set(texts)
    assert_kept(bench)


async def test_the_error_of_a_failed_step_does_not_tell_it(bench: WorkerBench) -> None:
    script = 'seq 1 1000 >&2; echo "$PASSWORD is wrong" >&2; exit 1'
    end = await bench.run(script, spec={**SEAL, "env": {"PASSWORD": TOKEN}})
    assert end.error is not None
    assert end.error.endswith("\n*** is wrong")
    assert_kept(bench)


async def test_what_the_worker_refuses_does_not_tell_it(bench: WorkerBench) -> None:
    end = await bench.run("", spec={**SEAL, "source": f"{TOKEN}/x"})
    assert end.error == "source '***/x' is not a file of the workspace"
    assert_kept(bench)


async def test_a_function_gets_it_as_input(bench: WorkerBench) -> None:
    step = bench.step(action_type="function", spec={**SEAL, "call": "code:keep"}, input={"password": TOKEN})
    end = await bench.end_of(await bench.send(step))
    assert (end.error, end.output) == (None, ["***"])
    assert await bench.texts_of(end) == ["***"]
    assert_kept(bench)


async def test_a_secret_that_is_not_to_be_had_fails_the_step(bench: WorkerBench) -> None:
    end = await bench.run(f"echo ⟦secret:{NONCE}:missing⟧", spec=SEAL)
    assert (end.outcome, end.error) == (Outcome.FAILED, "The secret 'SECRET_NO' is not set on this worker")
