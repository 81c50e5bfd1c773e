"""From definitions to the flows that the engine runs."""

from datetime import timedelta
from textwrap import dedent

import pytest

from shared.definition.compile import compile_flow, compile_hook_flow, route_of
from shared.definition.load import check_text
from shared.definition.models import WorkspaceDefinition
from shared.definition.templates import JinjaRenderer
from shared.engine.states import HookEvent
from shared.errors import InvalidInput, NotFound

TEXT = """\
actions:
  build:
    type: script
    script: echo
    tags: [gpu, eu]
    env: { A: "{{ input.n }}" }
    input: { n: { type: integer, default: 3 } }
  tell: { type: script, language: py, script: echo }
  go: { type: task, task: second }
tasks:
  first:
    timeout: 1h
    flow:
      a: { action: build, name: Build it, timeout: 30s }
      b:
        type: script
        source: x.py
        language: python
        depends_on: [a, a]
        when: "{{ a.output }}"
        continue_on_failure: true
        input: { k: { type: string, default: z }, v: "{{ a.output }}" }
    on_error:
      - { action: build, input: { n: "{{ hook.job_id }}" } }
      - { action: go }
  second:
    flow:
      s: { type: script, script: echo }
on_error: [{ action: build }]
on_success: [{ action: build }]
""".replace("language: py,", "language: python,")


@pytest.fixture(scope="module")
def definition() -> WorkspaceDefinition:
    found, problems = check_text(TEXT.encode())
    assert problems == ()
    return found


def test_a_named_action_brings_its_body_route_and_schema(definition: WorkspaceDefinition) -> None:
    step = compile_flow(definition, "first").steps["a"]
    assert (step.title, step.timeout, step.action.route) == ("Build it", timedelta(seconds=30), "script+eu+gpu")
    assert (step.action.name, step.action.type, step.action.runner) == ("build", "script", "local")
    assert step.action.spec == {"script": "echo", "language": "shell", "env": {"A": "{{ input.n }}"}}
    assert step.action.input == {"n": {"type": "integer", "default": 3}}


def test_an_inline_step_becomes_a_hidden_action(definition: WorkspaceDefinition) -> None:
    step = compile_flow(definition, "first").steps["b"]
    assert step.action.name == "_inline:first:b"
    assert step.action.spec == {"source": "x.py", "language": "python"}
    assert step.action.input == {"k": {"type": "string", "default": "z"}}
    assert step.input == {"v": "{{ a.output }}"}
    assert (step.depends_on, step.when, step.continue_on_failure) == (("a",), "{{ a.output }}", True)


def test_default_timeouts_fill_what_is_not_written(definition: WorkspaceDefinition) -> None:
    step_default, job_default = timedelta(minutes=5), timedelta(hours=2)
    first = compile_flow(definition, "first", default_step_timeout=step_default, default_job_timeout=job_default)
    second = compile_flow(definition, "second", default_step_timeout=step_default, default_job_timeout=job_default)
    assert (first.timeout, first.steps["b"].timeout) == (timedelta(hours=1), step_default)
    assert (second.timeout, second.steps["s"].timeout) == (job_default, step_default)


def test_a_task_s_own_hooks_replace_the_workspace_s_event_by_event(definition: WorkspaceDefinition) -> None:
    first, second = compile_flow(definition, "first"), compile_flow(definition, "second")
    names = {
        (flow, event): [hook.action.name for hook in getattr(source, event)]
        for flow, source in (("first", first), ("second", second))
        for event in (HookEvent.ON_ERROR, HookEvent.ON_SUCCESS)
    }
    assert names == {
        ("first", "on_error"): ["build", "go"],
        ("first", "on_success"): ["build"],
        ("second", "on_error"): ["build"],
        ("second", "on_success"): ["build"],
    }


def test_a_hook_s_job_has_one_step_that_passes_its_input_on_unrendered(definition: WorkspaceDefinition) -> None:
    hook = compile_flow(definition, "first").on_error[0]
    task, flow = compile_hook_flow(definition, hook)
    assert (task, list(flow.steps), flow.on_error) == ("_hook:build", ["hook"], ())
    told = {"n": "Exit code: {{ 1 }}"}
    passed = JinjaRenderer().render(flow.steps["hook"].input["n"], {"input": told})
    assert passed == told["n"]


def test_a_hook_of_a_task_action_is_that_task_without_hooks(definition: WorkspaceDefinition) -> None:
    hook = compile_flow(definition, "first").on_error[1]
    task, flow = compile_hook_flow(definition, hook)
    assert (task, list(flow.steps), flow.on_error, flow.on_success) == ("second", ["s"], (), ())


def test_odd_keys_of_a_hook_s_input_are_passed_on_too() -> None:
    text = dedent("""\
        actions: { tell: { type: script, script: echo } }
        tasks:
          t:
            flow: { s: { type: script, script: echo } }
            on_error: [{ action: tell, input: { "a-b": "{{ hook.status }}", 'q"\\': x, n: 5 } }]
        """)
    definition, problems = check_text(text.encode())
    assert problems == ()
    _, flow = compile_hook_flow(definition, compile_flow(definition, "t").on_error[0])
    given = {"a-b": "failed", 'q"\\': "x", "n": 5}
    rendered = {key: JinjaRenderer().render(value, {"input": given}) for key, value in flow.steps["hook"].input.items()}
    assert rendered == given


def test_a_task_with_errors_can_not_be_compiled() -> None:
    definition, _ = check_text(b"tasks:\n  t:\n    flow:\n      s: { action: nowhere }\n", "x.yaml")
    with pytest.raises(InvalidInput) as refused:
        compile_flow(definition, "t")
    told = "x.yaml:4:20: error: unknown action 'nowhere'"
    assert refused.value.problems == [{"loc": "task.t", "msg": told}]
    assert told in refused.value.message


def test_an_unknown_task_is_not_found(definition: WorkspaceDefinition) -> None:
    with pytest.raises(NotFound):
        compile_flow(definition, "nothing")


def test_a_route_is_the_ability_and_its_sorted_tags() -> None:
    assert route_of("script", []) == "script"
    assert route_of("script", ["gpu", "eu", "gpu"]) == "script+eu+gpu"
