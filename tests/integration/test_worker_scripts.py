"""What a worker makes of scripts, on the real broker and database."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.worker.split_lines import CONTINUED
from shared.engine.states import Outcome
from tests.support.running_worker import WorkerBench, open_bench


@pytest.fixture
async def bench(
    rabbitmq_url: str, mongo_url: str, database_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[WorkerBench]:
    workspace = tmp_path / "workspace"
    (workspace / "scripts").mkdir(parents=True)
    (workspace / "scripts" / "greet.py").write_text("import sys\nprint('hello', *sys.argv[1:])\n")
    (workspace / "greeting.py").write_text("WORD = 'good morning'\n")
    monkeypatch.setenv("HEADRACE_RABBITMQ_URL", "amqp://user:secret-of-the-worker@host/")
    async with open_bench(rabbitmq_url, mongo_url, database_name, tmp_path) as found, found.worker():
        yield found


async def test_a_script_that_ends_well_gives_its_output_and_its_lines(bench: WorkerBench) -> None:
    end = await bench.run("echo one\necho two >&2\necho 'OUTPUT: {\"n\": 3}'")
    assert (end.outcome, end.output, end.exit_code, end.error) == (Outcome.COMPLETED, {"n": 3}, 0, None)
    lines = await bench.lines_of(end)
    assert sorted((line.stream, line.text) for line in lines) == [
        ("stderr", "two"),
        ("stdout", 'OUTPUT: {"n": 3}'),
        ("stdout", "one"),
    ]
    assert [line.ts for line in lines] == sorted(line.ts for line in lines)
    assert bench.events_about(end) == ["started", "finished"]


async def test_a_script_that_fails_tells_its_code_and_the_end_of_its_stderr(bench: WorkerBench) -> None:
    end = await bench.run("echo 'OUTPUT: 1'; seq 1 10000 >&2; echo sorry >&2; exit 7")
    assert (end.outcome, end.exit_code, end.output) == (Outcome.FAILED, 7, None)
    assert end.error is not None
    assert end.error.startswith("Exit code: 7\nStderr: ")
    assert end.error.endswith("\n10000\nsorry")
    assert len(end.error) < 4200


async def test_a_script_that_prints_nothing_has_no_log(bench: WorkerBench) -> None:
    end = await bench.run("true")
    assert (end.outcome, end.output, end.log_lines) == (Outcome.COMPLETED, None, 0)


async def test_a_script_that_a_signal_kills_says_which(bench: WorkerBench) -> None:
    end = await bench.run("kill -9 $$")
    assert (end.outcome, end.error, end.exit_code) == (Outcome.FAILED, "Killed by signal 9 (SIGKILL)", 137)


async def test_python_finds_the_workspace_and_its_inputs(bench: WorkerBench) -> None:
    script = (
        "import greeting, json, os\n"
        "known = json.load(open(os.environ['HEADRACE_INPUT']))\n"
        "print('OUTPUT:', json.dumps([greeting.WORD, known, os.environ['INPUT_USER_NAME'], sorted(os.listdir('.'))]))"
    )
    end = await bench.run(script, spec={"language": "python"}, input={"user name": "ä'\"$(x)", "n": 1})
    assert end.error is None
    assert end.output[:3] == ["good morning", {"user name": "ä'\"$(x)", "n": 1}, "ä'\"$(x)"]
    assert {"greeting.py", "scripts"} <= set(end.output[3])


async def test_a_source_runs_with_its_arguments(bench: WorkerBench) -> None:
    end = await bench.run(spec={"language": "python", "source": "scripts/greet.py", "args": ["a b", "$HOME"]})
    assert await bench.texts_of(end) == ["hello a b $HOME"]


async def test_each_step_has_a_fresh_working_copy(bench: WorkerBench) -> None:
    for _ in range(4):
        end = await bench.run("test ! -e spoiled && touch spoiled && rm greeting.py")
        assert end.outcome is Outcome.COMPLETED


async def test_the_output_file_is_read(bench: WorkerBench) -> None:
    end = await bench.run('echo "a=1" >> "$HEADRACE_OUTPUT"; echo "b=2" >> "$HEADRACE_OUTPUT"')
    assert end.output == {"a": "1", "b": "2"}


async def test_too_large_an_output_fails_the_step_with_the_sizes(bench: WorkerBench) -> None:
    script = "print('OUTPUT: \"' + 'x' * 2_000_000 + '\"')"
    end = await bench.run(script, spec={"language": "python"})
    assert end.outcome is Outcome.FAILED
    assert end.error == "The step's output has 2000002 bytes; at most 1048576 are kept"


async def test_the_workers_own_secrets_do_not_reach_a_step(bench: WorkerBench) -> None:
    end = await bench.run("env; echo stdin: $(cat)")
    texts = await bench.texts_of(end)
    assert "stdin:" in texts
    assert "secret-of-the-worker" not in "".join(texts)
    assert f"STROEM_WORKSPACE={bench.tag}" in texts


async def test_binary_output_is_harmless(bench: WorkerBench) -> None:
    end = await bench.run("head -c 200000 /dev/urandom; printf 'a\\0b\\377\\nend'")
    texts = await bench.texts_of(end)
    assert end.outcome is Outcome.COMPLETED
    assert texts[-1] == "end"
    assert texts[-2].endswith("a\0b\ufffd")


async def test_a_line_of_ten_megabytes_comes_in_pieces(bench: WorkerBench) -> None:
    end = await bench.run("head -c 10485760 /dev/zero | tr '\\0' x; echo; echo end")
    *pieces, after = await bench.texts_of(end)
    assert after == "end"
    assert len(pieces) == 640
    assert sum(len(piece.removesuffix(CONTINUED)) for piece in pieces) == 10_485_760


async def test_two_hundred_thousand_lines_arrive_whole_and_in_order(bench: WorkerBench) -> None:
    end = await bench.run("seq 1 200000")
    texts = await bench.texts_of(end)
    assert len(texts) == 200_000
    assert texts == [str(number) for number in range(1, 200_001)]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"spec": {"language": "perl"}}, "language 'perl' is not supported by this worker"),
        ({"spec": {"source": "../../etc/passwd"}}, "lies outside of the workspace"),
        ({"spec": {"interpreter": "no-such-shell"}}, "interpreter 'no-such-shell' is not installed on this worker"),
        ({"spec": {"args": ["a\0b"]}}, "embedded null byte"),
        ({"spec": {"args": ["x" * 200_000]}}, "Argument list too long"),
        ({"revision": "gone"}, "at revision 'gone' are not in the store"),
        ({"action_type": "docker"}, "actions of type 'docker' are not supported by this worker"),
        ({"runner": "pod"}, "runner 'pod' is not supported by this worker"),
    ],
)
async def test_a_step_that_can_not_start_fails_with_a_sentence(
    bench: WorkerBench, fields: dict[str, object], told: str
) -> None:
    end = await bench.run("true", **fields)
    assert (end.outcome, end.exit_code) == (Outcome.FAILED, None)
    assert told in (end.error or "")
    assert (await bench.run("true")).outcome is Outcome.COMPLETED


async def test_inputs_of_a_megabyte_are_in_the_file(bench: WorkerBench) -> None:
    end = await bench.run('wc -c < "$HEADRACE_INPUT"; echo "[$INPUT_LARGE]"', input={"large": "x" * 1_000_000})
    assert await bench.texts_of(end) == [str(len(json.dumps({"large": ""}, separators=(",", ":"))) + 1_000_000), "[]"]
