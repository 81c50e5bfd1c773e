"""The whole language: retries, loops, actions of every type, secrets."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from shared.definition.compile import compile_flow, compile_hook_flow
from shared.definition.load import check_text
from shared.definition.models import WorkspaceDefinition
from shared.definition.sealed import take_seal, unseal
from shared.definition.supported import FEATURES, OPEN
from shared.definition.templates import JinjaRenderer
from shared.engine.flow import Backoff, Flow, Loop, Retry, StepSpec

pytestmark = pytest.mark.usefixtures("whole_language")


def told(text: str) -> Sequence[str]:
    _, problems = check_text(text.encode(), "x.yaml")
    return [str(problem).removeprefix("x.yaml:") for problem in problems]


def definition_of(text: str) -> WorkspaceDefinition:
    definition, problems = check_text(text.encode(), "x.yaml")
    assert problems == ()
    return definition


def flow_of(steps: str, rest: str = "") -> Flow:
    return compile_flow(definition_of(f"tasks:\n  t:\n    flow:\n{steps}{rest}"), "t")


def step_of(written: str) -> StepSpec:
    return flow_of(f"      s: {{ {written} }}\n").steps["s"]


def test_a_step_s_retry_replaces_the_action_s_wholesale() -> None:
    flow = compile_flow(
        definition_of(
            "actions: { a: { type: script, script: x, retry: { max_attempts: 9, jitter: true } } }\n"
            "tasks:\n  t:\n    retry: { delay: 5m, max_delay: 1h }\n    flow:\n"
            "      one: { action: a }\n      two: { action: a, retry: { delay: 2, backoff: exponential } }\n"
        ),
        "t",
    )
    assert flow.steps["one"].retry == Retry(9, timedelta(seconds=30), Backoff.FIXED, None, has_jitter=True)
    assert flow.steps["two"].retry == Retry(3, timedelta(seconds=2), Backoff.EXPONENTIAL)
    assert flow.retry == Retry(3, timedelta(minutes=5), Backoff.FIXED, timedelta(hours=1))


@pytest.mark.parametrize(
    ("written", "loop"),
    [
        ("for_each: [1, {a: b}]", Loop((1, {"a": "b"}))),
        ("for_each: '[1, 2]', sequential: true", Loop((1, 2), is_sequential=True)),
        ("for_each: '{{ input.xs }}', max_parallel: 3", Loop("{{ input.xs }}", max_parallel=3)),
    ],
)
def test_a_loop_is_a_list_or_a_template(written: str, loop: Loop) -> None:
    assert step_of(f"type: script, script: x, input: {{ n: '{{{{ each.item }}}}' }}, {written}").loop == loop


@pytest.mark.parametrize(
    ("written", "route", "spec"),
    [
        ("type: approval, message: Go?, approvers: [ada]", "", {"message": "Go?", "approvers": ["ada"]}),
        ("type: sleep, duration: 1m", "", {"duration": 60}),
        ("type: sleep, until: '{{ input.at }}'", "", {"until": "{{ input.at }}"}),
        ("type: wait_for_event, event_key: 'paid/{{ input.id }}'", "", {"event_key": "paid/{{ input.id }}"}),
        (
            "type: http, url: 'https://x.test/', method: POST, body: { a: [1] }, tags: [eu]",
            "http+eu",
            {"url": "https://x.test/", "method": "POST", "body": {"a": [1]}},
        ),
        ("type: function, call: 'sums.daily:total'", "function", {"call": "sums.daily:total"}),
        ("type: script, script: x, language: ts", "script", {"script": "x", "language": "typescript"}),
    ],
)
def test_an_action_of_every_type_has_its_route_and_spec(written: str, route: str, spec: dict[str, Any]) -> None:
    action = step_of(written).action
    assert (action.route, action.spec) == (route, spec)


def test_a_sub_job_names_its_task_and_hooks_and_limits_reach_the_flow() -> None:
    text = (
        "actions: { tell: { type: script, script: x } }\non_cancel: [{ action: tell }]\n"
        "tasks:\n  child: { flow: { s: { type: script, script: x } } }\n"
        "  t:\n    max_parallel_steps: 4\n    on_suspended: [{ action: tell }]\n"
        "    flow: { s: { type: task, task: child, input: { a: 1 } } }\n"
    )
    flow = compile_flow(definition_of(text), "t")
    assert (flow.steps["s"].action.route, flow.steps["s"].action.spec) == ("", {"task": "child"})
    assert [len(hooks) for hooks in (flow.on_cancel, flow.on_suspended, flow.on_error)] == [1, 1, 0]
    assert flow.max_parallel_steps == 4


STEP = "tasks:\n  t:\n    flow:\n      s: { %s }\n"
REFUSED = [
    ("type: script, script: x, retry: { max_attempts: 11 }", "4:60: error: `max_attempts` must be less than or equal"),
    ("type: script, script: x, retry: { delay: 2h }", "4:53: error: `delay` of a retry is at most 1h"),
    ("type: script, script: x, retry: { tries: 3 }", "4:46: warning: unknown key 'tries'"),
    ("type: script, script: x, retry: { backoff: none, delay: 3 }", "4:61: warning: `delay` has no effect with"),
    ("type: sleep, duration: 3, retry: {}", "4:38: error: `type: sleep` has nothing to retry"),
    ("type: sleep", "4:7: error: write exactly one of `duration` and `until`"),
    ("type: sleep, until: tomorrow", "4:32: error: `until` must be a date and time like"),
    ("type: sleep, duration: 8785h", "4:35: error: a sleep takes at most 366 days"),
    ("type: approval", "4:7: error: `type: approval` needs `message`"),
    ("type: approval, message: x, script: x", "4:40: error: `script` has no place in `type: approval`"),
    ("type: wait_for_event", "4:7: error: `type: wait_for_event` needs `event_key`"),
    ("type: http, url: 'ftp://x'", "4:29: error: a URL begins with http:// or https://"),
    ("type: http, url: 'http://x', method: BREW", "4:49: error: 'BREW' is none of GET, HEAD"),
    ("type: http, url: 'http://x', headers: { 'a b': c }", "4:52: error: 'a b' is no name of a header"),
    ("type: function, call: os.system", "4:34: error: 'os.system' is no `package.module:function`"),
    ("type: task, task: t", "4:18: error: the task 't' starts itself, without end"),
    ("type: task, task: q", "4:30: error: unknown task 'q'"),
    ("type: script, script: x, for_each: word", "4:47: error: `for_each` must be a list or a template"),
    ("type: script, script: x, sequential: true", "4:37: warning: `sequential` has no effect without `for_each`"),
    ("type: script, script: x, for_each: [1], sequential: true, max_parallel: 2", "4:70: error: `sequential` and"),
    ("type: script, script: x, input: { a: '{{ each.item }}' }", "4:49: warning: unknown variable 'each'"),
    ("type: script, script: x, when: '{{ secret.a }}'", "4:43: error: `secret` can't be used here"),
    ("type: script, script: x, input: { a: '{{ secret.a }}' }", "4:49: error: unknown secret 'a'"),
    ("type: approval, message: '{{ secret.a }}'", "4:37: error: `secret` can't be used here"),
    ("type: script, script: 'echo {{ input.a }}'", "4:34: warning: `input.a` is read, which the step's own"),
    ("type: script, script: x, dependencies: ['a; rm']", "4:52: error: 'a; rm' is no name of a package"),
]


@pytest.mark.parametrize(("written", "start"), REFUSED)
def test_what_does_not_fit_is_told_where_it_stands(written: str, start: str) -> None:
    problems = told(STEP % written)
    assert len(problems) == 1
    assert problems[0].startswith(start)


def test_a_loop_is_not_endless() -> None:
    (problem,) = told(STEP % f"type: script, script: x, for_each: {[0] * 1001}")
    assert problem == "4:47: error: a loop has at most 1000 items, this one 1001"


SECRETS = (
    "secrets: { token: 'ref+env://TOKEN' }\n"
    "actions: { tell: { type: script, script: x, env: { T: 'Bearer {{ secret.token }}' } } }\n"
    "on_error: [{ action: tell, input: { t: '{{ secret.token }}' } }]\n"
    "tasks: { t: { flow: { s: { action: tell, input: { a: '{{ secret.token }}{{ input.x }}', b: 1 } } } } }\n"
)


def test_a_secret_reaches_the_step_as_a_token_with_the_seal_that_opens_it() -> None:
    flow = compile_flow(definition_of(SECRETS), "t")
    step = flow.steps["s"]
    rendered = JinjaRenderer().render_deep({**step.action.spec, "input": step.input}, {"input": {"x": "!"}})
    spec, seal = take_seal(rendered)
    assert "ref+env" not in str(spec)
    opened = unseal(spec, seal, {"ref+env://TOKEN": "s3cret"}.__getitem__)
    assert opened["env"] == {"T": "Bearer s3cret"}
    assert opened["input"] == {"a": "s3cret!", "b": 1}


def test_a_hook_s_input_may_name_secrets() -> None:
    definition = definition_of(SECRETS)
    (hook,) = compile_flow(definition, "t").on_error
    assert definition.seal_nonce in JinjaRenderer().render(hook.input["t"], {})
    _, flow = compile_hook_flow(definition, hook)
    assert take_seal(flow.steps["hook"].action.spec)[1] is not None


def test_each_load_has_a_nonce_of_its_own_and_none_without_secrets() -> None:
    assert definition_of(SECRETS).seal_nonce != definition_of(SECRETS).seal_nonce
    assert definition_of("tasks: {}\n").seal_nonce == ""


@pytest.mark.parametrize(
    ("written", "start"),
    [
        ("a: b", "1:15: error: the secret 'a' stands in the file for all to read (write `ref+env://NAME`"),
        ("a: { b: c }", "1:15: error: the secret 'a' stands"),
        ("a: 'ref+awsssm'", "1:15: error: the secret 'a' is kept in a way that is not supported"),
        ("a-b: 'ref+env://A'", "1:12: error: a secret's name has letters, digits and _, 'a-b' does not"),
    ],
)
def test_a_secret_says_where_it_is_kept_never_what_it_is(written: str, start: str) -> None:
    (problem,) = told(f"secrets: {{ {written} }}\n")
    assert problem.startswith(start)


def test_what_is_open_has_a_name() -> None:
    assert set(FEATURES) >= OPEN
