"""Actions that run in containers: what is taken, what is refused, what is compiled."""

import pytest

from shared.definition.compile import compile_flow
from shared.definition.load import check_text
from shared.definition.quantities import parse_cpu, parse_memory
from shared.engine.flow import Action

pytestmark = pytest.mark.usefixtures("whole_language")


def problems_of(action: str) -> list[str]:
    _, problems = check_text(f"actions:\n  a: {{ {action} }}\n".encode(), "x.yaml")
    return [str(problem).removeprefix("x.yaml:") for problem in problems]


def action_of(body: str) -> Action:
    definition, problems = check_text(f"tasks: {{ t: {{ flow: {{ s: {{ {body} }} }} }} }}\n".encode(), "x.yaml")
    assert problems == ()
    return compile_flow(definition, "t").steps["s"].action


def test_a_container_goes_to_workers_that_have_an_engine() -> None:
    action = action_of(
        "type: docker, image: 'a:{{ input.v }}', cmd: ls, input: { v: '1' }, "
        "resources: { cpu: 500m, memory: 1Gi }, tags: [x]"
    )
    assert (action.type, action.runner, action.route) == ("docker", "docker", "docker+x")
    spec = {"image": "a:{{ input.v }}", "cmd": "ls", "resources": {"cpu": "500m", "memory": "1Gi"}}
    assert action.spec == spec


def test_a_script_in_a_container_goes_there_too_and_needs_no_image() -> None:
    action = action_of("type: script, script: x, runner: docker, workdir: /data, resources: { cpu: 2 }")
    assert (action.type, action.runner, action.route) == ("script", "docker", "docker")
    assert action.spec == {"script": "x", "language": "shell", "workdir": "/data", "resources": {"cpu": 2}}


@pytest.mark.parametrize(
    ("action", "told"),
    [
        ("type: docker", "2:3: error: `type: docker` needs `image`"),
        ("type: docker, image: a, script: x", "2:32: error: `script` has no place in `type: docker`"),
        ("type: docker, image: a, cmd: x, command: [y]", "2:40: error: write `cmd` or `command`, not both"),
        ("type: docker, image: a, workdir: x", "2:41: error: `workdir` must begin with /"),
        (
            "type: docker, image: a, resources: { gpu: 1 }",
            "2:45: warning: unknown key 'gpu' (did you mean 'cpu'?)",
        ),
        (
            "type: docker, image: a, resources: { cpu: lots }",
            "2:50: error: 'lots' is no number of processors; write `2`, `0.5` or `500m`",
        ),
        (
            "type: docker, image: a, resources: { memory: 1 GB }",
            "2:53: error: '1 GB' is no amount of memory; write `256Mi`, `1Gi` or a number of bytes",
        ),
        ("type: script, script: x, image: a", "2:33: error: `image` needs `runner: docker`"),
        ("type: script, script: x, cmd: a", "2:33: error: `cmd` has no place in `type: script`"),
        (
            "type: script, script: x, runner: docker, language: python, dependencies: [a]",
            "2:67: error: `dependencies` are not installed in containers (choose an image that has them)",
        ),
        ("type: script, script: x, runner: pod", "2:41: error: `runner: pod` is not supported in this release"),
    ],
)
def test_what_makes_no_sense_is_told(action: str, told: str) -> None:
    assert problems_of(action) == [told]


@pytest.mark.parametrize(("written", "cpus"), [(2, 2.0), (0.5, 0.5), ("1.5", 1.5), ("250m", 0.25)])
def test_processors_are_understood(written: str | float, cpus: float) -> None:
    assert parse_cpu(written) == pytest.approx(cpus)


@pytest.mark.parametrize(
    ("written", "size"), [(1000, 1000), ("64Mi", 64 * 2**20), ("1g", 2**30), ("5M", 5_000_000), ("0.5Ki", 512)]
)
def test_memory_is_understood(written: str | int, size: int) -> None:
    assert parse_memory(written) == size


@pytest.mark.parametrize("written", ["", "0", "-1", "1e3", "lots", "1x"])
def test_nonsense_is_no_quantity(written: str) -> None:
    for parse in (parse_cpu, parse_memory):
        with pytest.raises(ValueError, match="is no"):
            parse(written)
