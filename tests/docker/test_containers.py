"""What containers make of steps, on a real engine."""

from typing import Any

import pytest

from services.worker.halt import Halt
from services.worker.redact import Redactor
from services.worker.runners.runner import CannotRun
from shared.engine.states import Outcome
from tests.docker.bench import ContainerBench, Written, step
from tests.docker.daemon import IMAGE

SCRIPT: dict[str, Any] = {"action_type": "script"}


async def test_a_container_that_ends_well_gives_its_output_and_its_lines(bench: ContainerBench) -> None:
    result, written = await bench.run("echo one; echo two >&2; echo 'OUTPUT: {\"n\": 3}'")
    assert (result.outcome, result.output, result.exit_code) == (Outcome.COMPLETED, {"n": 3}, 0)
    assert written.texts("stdout") == ["one", 'OUTPUT: {"n": 3}']
    assert written.texts("stderr") == ["two"]


async def test_a_container_that_fails_tells_its_code_and_the_end_of_its_stderr(bench: ContainerBench) -> None:
    result, _ = await bench.run("echo 'OUTPUT: 1'; echo sorry >&2; exit 7")
    assert (result.outcome, result.output, result.exit_code) == (Outcome.FAILED, None, 7)
    assert result.error == "Exit code: 7\nStderr: sorry"


async def test_the_workspace_is_there_and_can_not_be_changed(bench: ContainerBench) -> None:
    result, written = await bench.run("cat /workspace/scripts/greet.sh; touch /workspace/x")
    assert result.outcome is Outcome.FAILED
    assert written.texts("stdout") == ['echo "hello $*"']
    assert "Read-only file system" in (result.error or "")


async def test_inputs_are_variables_and_a_file_and_the_output_file_is_read(bench: ContainerBench) -> None:
    cmd = 'cat "$HEADRACE_INPUT"; echo; echo "who=$INPUT_USER_NAME" >> "$HEADRACE_OUTPUT"; env'
    result, written = await bench.run(cmd, input={"user name": "ä'\"$(x)"}, spec={"env": {"MY": "own"}})
    assert result.output == {"who": "ä'\"$(x)"}
    assert written.texts("stdout")[0] == '{"user name":"ä\'\\"$(x)"}'
    assert {"MY=own", "HEADRACE_ATTEMPT=1", "STROEM_WORKSPACE=stories"} <= set(written.texts("stdout"))


async def test_a_user_who_is_not_root_can_read_its_files_and_write_its_output(bench: ContainerBench) -> None:
    cmd = 'id -u; test -s "$HEADRACE_INPUT" && cat scripts/greet.sh && echo a=1 >> "$HEADRACE_OUTPUT"'
    result, written = await bench.run(cmd, limits={"user": "1234:1234"}, spec={"workdir": "/workspace"})
    assert (result.output, result.error) == ({"a": "1"}, None)
    assert written.texts("stdout")[0] == "1234"


async def test_command_and_entrypoint_are_taken_as_they_are(bench: ContainerBench) -> None:
    _, written = await bench.run(spec={"entrypoint": ["/bin/echo"], "command": ["a b", "$HOME"]})
    assert written.texts("stdout") == ["a b $HOME"]
    _, written = await bench.run(spec={"entrypoint": ["/bin/env"], "cmd": "echo $HEADRACE_STEP"})
    assert written.texts("stdout") == ["step"]


async def test_scripts_run_with_their_arguments(bench: ContainerBench) -> None:
    inline = {"script": 'echo "$1 $(pwd)"', "args": ["a b"]}
    _, written = await bench.run(spec={**inline, "image": None}, **SCRIPT)
    assert written.texts("stdout") == ["a b /workspace"]
    _, written = await bench.run(spec={"source": "scripts/greet.sh", "args": ["you"]}, **SCRIPT)
    assert written.texts("stdout") == ["hello you"]


async def test_state_is_carried_over_and_artifacts_are_kept(bench: ContainerBench) -> None:
    cmd = (
        "cd $STATE_DIR; (test -f state.json && tr -d ' \\n' < state.json && echo) || echo none;"
        "echo 'STATE: {\"n\": 1}'; "
        "echo x > $GLOBAL_STATE_OUT_DIR/x; cat $GLOBAL_STATE_DIR/x; echo file > $ARTIFACTS_DIR/a.txt"
    )
    first, written = await bench.run(f"{cmd}; true", limits={"user": "1234:1234"})
    assert (first.error, written.texts("stdout")[0]) == (None, "none")
    _, written = await bench.run(f"{cmd}; touch $STATE_DIR/y")
    assert [text.replace(" ", "") for text in written.texts("stdout")] == ['{"n":1}', 'STATE:{"n":1}', "x"]
    assert "Read-only" in "".join(written.texts("stderr"))
    assert [one.name for one in await bench.storage.artifacts.list_of("j1")] == ["a.txt"]


async def test_a_language_that_the_image_does_not_have_is_told(bench: ContainerBench) -> None:
    result, _ = await bench.run(spec={"script": "1", "language": "python"}, **SCRIPT)
    told = "language 'python' needs python3 or python, which the image does not have"
    assert result.error == f"Exit code: 127\nStderr: {told}"


async def test_two_hundred_thousand_lines_arrive_whole_and_in_order(bench: ContainerBench) -> None:
    _, written = await bench.run("seq 1 200000")
    assert written.texts("stdout") == [str(number) for number in range(1, 200_001)]


async def test_secrets_are_masked_in_lines_and_errors(bench: ContainerBench) -> None:
    written = Written(Redactor(["hunter22"]))
    result = await bench.runner().run(step("echo hunter22; echo my hunter22 >&2; exit 1"), written, Halt())
    assert written.texts("stdout") == ["***"]
    assert result.error == "Exit code: 1\nStderr: my ***"


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"image": "no-such-image:9"}, "The image 'no-such-image:9' is not here and can't be fetched"),
        ({"image": "-v /:/x"}, "is no name of an image"),
        ({"command": ["/no/such/program"]}, "/no/such/program"),
        ({"resources": {"memory": "1Gi"}}, "HEADRACE_WORKER_RUNNER_MEMORY_MB"),
        ({"resources": {"cpu": 64}}, "HEADRACE_WORKER_RUNNER_CPUS"),
        ({"resources": {"memory": "lots"}}, "is no amount of memory"),
        ({"script": "x", "dependencies": ["a"], "is": "script"}, "are not installed in containers"),
        ({"source": "../../etc/passwd", "is": "script"}, "lies outside of the workspace"),
    ],
)
async def test_a_step_that_can_not_start_tells_why(bench: ContainerBench, spec: dict[str, Any], told: str) -> None:
    kind = SCRIPT if spec.get("is") else {}
    try:
        result, _ = await bench.run(spec=spec, **kind)
        error = str(result.error)
    except CannotRun as refusal:
        error = str(refusal)
    assert told in error
    assert bench.containers() == []


async def test_an_image_without_a_name_is_the_worker_s(bench: ContainerBench) -> None:
    with pytest.raises(CannotRun, match="HEADRACE_WORKER_RUNNER_IMAGE"):
        await bench.run("true", spec={"image": ""}, limits={"image": ""})
    assert (await bench.run("true", spec={"image": ""}, limits={"image": IMAGE}))[0].outcome is Outcome.COMPLETED
