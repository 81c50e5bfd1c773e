"""Bad workspace files: each mistake is told with its exact place, sentence and mending."""

from textwrap import dedent

import pytest

from shared.definition.load import check_text

pytestmark = pytest.mark.usefixtures("first_language")
OK_TASK = "tasks:\n  t:\n    flow:\n      s: { type: script, script: echo }\n"
ACTION = "actions:\n  greet: { type: script, script: echo }\n"

Rows = list[tuple[str, str]]

YAML: Rows = [
    ("a: 1\nb: 2\na: 3\n", "3:1: error: the key 'a' stands twice in the same map; the file is left out"),
    (
        "a: [1\nb: 2\n",
        "2:2: error: bad YAML: while parsing a flow sequence, expected ',' or ']', but got ':'; the file is left out",
    ),
    ("a: !!python/object:os.system x\n", "1:4: error: unknown tag '!!python/object:os.system'; the file is left out"),
    ("a: .inf\n", "1:4: error: JSON has no such number; the file is left out"),
    ("- a\n", "1:1: error: a workflow file must be a map with `actions`, `tasks` or `triggers`"),
    ("tasks: 5\n", "1:8: error: `tasks` must be a map"),
    ("tasks:\n  t: 5\n", "2:6: error: 't' must be a map"),
]

KEYS: Rows = [
    ("task: {}\n", "1:1: warning: unknown key 'task' (did you mean 'tasks'?)"),
    ("secrets: { a: b }\n", "1:1: error: `secrets` is not supported in this release (remove it)"),
    ("connections: {}\n", "1:1: error: `connections` is not supported in this release (remove it)"),
    (OK_TASK + "    flw: 1\n", "5:5: warning: unknown key 'flw' (did you mean 'flow'?)"),
    (OK_TASK + "    retry: {}\n", "5:5: error: `retry` is not supported in this release (remove it)"),
    (
        "tasks:\n  t:\n    flow:\n      s: { type: script, script: echo, for_each: [1] }\n",
        "4:40: error: `for_each` is not supported in this release (remove it)",
    ),
    (
        "actions:\n  a: { type: script, script: echo, retry: {} }\n",
        "2:36: error: `retry` is not supported in this release (remove it)",
    ),
    (
        "actions:\n  a: { type: script, scirpt: x, script: y }\n",
        "2:22: warning: unknown key 'scirpt' (did you mean 'script'?)",
    ),
]

ACTIONS: Rows = [
    ("actions:\n  a: { script: x }\n", "2:3: error: `type` is missing"),
    (
        "actions:\n  a: { type: docker, image: x }\n",
        "2:14: error: container actions (`type: docker`) are not supported in this release",
    ),
    (
        "actions:\n  a: { type: wait_for_event }\n",
        "2:14: error: waiting for events (`type: wait_for_event`) are not supported in this release",
    ),
    ("actions:\n  a: { type: scirpt }\n", "2:14: error: unknown action type 'scirpt' (did you mean 'script'?)"),
    ("actions:\n  a: { type: script }\n", "2:3: error: write exactly one of `script` and `source`"),
    (
        "actions:\n  a: { type: script, script: x, source: y }\n",
        "2:3: error: write exactly one of `script` and `source`",
    ),
    (
        "actions:\n  a: { type: script, script: x, env: { PORT: 80 } }\n",
        '2:46: error: `PORT` must be text (write "80" with quotes)',
    ),
    (
        "actions:\n  a: { type: script, script: x, env: { 'A B': x } }\n",
        "2:40: error: 'A B' is no name of an environment variable",
    ),
    (
        "actions:\n  a: { type: script, script: x, runner: docker }\n",
        "2:41: error: `runner: docker` is not supported in this release",
    ),
    (
        "actions:\n  a: { type: script, script: x, language: go }\n",
        "2:43: error: `language: go` is not supported in this release",
    ),
    (
        "actions:\n  a: { type: script, script: x, language: rust }\n",
        "2:43: error: `language` must be 'shell', 'python', 'javascript', 'js', 'typescript', 'ts' or 'go'",
    ),
    (
        "actions:\n  a: { type: script, script: x, tags: [a+b] }\n",
        "2:40: error: the tag 'a+b' has a character beside letters, digits and ._-",
    ),
    (
        "actions:\n  a: { type: script, source: ../x }\n",
        "2:30: error: `source` must stay inside the workspace, '../x' does not",
    ),
    (
        "actions:\n  a: { type: script, script: '{{ x' }\n",
        "2:30: error: bad template: unexpected end of template, expected 'end of print statement'.",
    ),
    (
        "actions:\n  a: { type: script, script: x, args: ['{{ a | nosuch }}'] }\n",
        "2:40: error: bad template: No filter named 'nosuch'.",
    ),
    (
        "actions:\n  a: { type: script, script: '{{ secret.x }}' }\n",
        "2:30: error: `secret` in a template: secrets are not supported in this release",
    ),
    (
        "actions:\n  a: { type: script, script: '{{ state.x }}' }\n",
        "2:30: error: `state` in a template: templates can't read state (read $STATE_DIR/state.json in the script)",
    ),
    ("actions:\n  a: { type: task, task: t }\n", "2:26: error: unknown task 't'"),
    (
        "actions:\n  a/b: { type: script, script: x }\n",
        "2:3: error: the name of the action 'a/b' has a bracket, slash or control character",
    ),
]

INPUTS: Rows = [
    (
        "actions:\n  a: { type: script, script: x, input: { n: { type: array } } }\n",
        "2:53: error: unknown input type 'array'; connection types are not supported in this release",
    ),
    (
        "actions:\n  a: { type: script, script: x, input: { n: { type: integer, default: '5' } } }\n",
        "2:71: error: the default does not fit: must be a whole number",
    ),
    (
        "actions:\n  a: { type: script, script: x, input: { n: { type: string, default: c, options: [a, b] } } }\n",
        "2:70: warning: the default 'c' is none of the options",
    ),
    (
        "actions:\n  a: { type: script, script: x, input: { n: { type: integer, options: [a] } } }\n",
        "2:71: error: `options` need type string, not integer",
    ),
    (
        "actions:\n  a: { type: script, script: x, input: { n: { type: string, reqiured: true } } }\n",
        "2:61: warning: unknown key 'reqiured' (did you mean 'required'?)",
    ),
    ("actions:\n  a: { type: script, script: x, input: { n: 5 } }\n", "2:45: error: 'n' must be a map"),
]

STEPS: Rows = [
    ("tasks:\n  t: { description: x }\n", "2:3: error: `flow` is missing"),
    ("tasks:\n  t: { flow: {} }\n", "2:8: error: `flow` needs at least one step"),
    ("tasks:\n  t:\n    flow:\n      s: {}\n", "4:7: error: write exactly one of `action` and `type`"),
    (
        ACTION + "tasks:\n  t:\n    flow:\n      s: { action: gret }\n",
        "6:20: error: unknown action 'gret' (did you mean 'greet'?)",
    ),
    (
        ACTION + "tasks:\n  t:\n    flow:\n      s: { action: lib.greet }\n",
        (
            "6:20: error: unknown action 'lib.greet'; other workspaces' actions are not supported in this"
            " release (did you mean 'greet'?)"
        ),
    ),
    (
        ACTION + "tasks:\n  t:\n    flow:\n      s: { action: greet, script: x }\n",
        "6:27: warning: `script` has no effect beside `action`",
    ),
    (
        ACTION + "tasks:\n  t:\n    flow:\n      'x[0]': { action: greet }\n",
        "6:7: error: the name of the step 'x[0]' has a bracket, slash or control character",
    ),
    (
        ACTION + "tasks:\n  t:\n    flow:\n      s: { action: greet, depends_on: [q] }\n",
        "6:40: error: unknown step 'q' in `depends_on`",
    ),
    (
        ACTION + "tasks:\n  t:\n    flow:\n      s: { action: greet, depends_on: [s] }\n",
        "6:39: error: the steps depend on each other in a cycle: s -> s",
    ),
    (
        ACTION + "tasks:\n  t:\n    flow:\n      s: { action: greet, timeout: 25h }\n",
        "6:36: error: a step's time-out is at most 24h",
    ),
    (
        ACTION + "tasks:\n  t:\n    flow:\n      s: { action: greet, timeout: 1d }\n",
        '6:36: error: `timeout` must be a duration like "1h30m", "45s" or whole seconds',
    ),
    (
        ACTION + "tasks:\n  t:\n    timeout: 8h\n    flow:\n      s: { action: greet, when: '{{ a b }}' }\n",
        "7:33: error: bad template: expected token 'end of print statement', got 'b'",
    ),
    (
        ACTION + "tasks:\n  t:\n    flow:\n      s: { action: greet, input: { x: '{{ inptu.x }}' } }\n",
        "6:39: warning: unknown variable 'inptu' in a template (did you mean 'input'?)",
    ),
    (
        ACTION + "tasks:\n  t:\n    flow:\n      s: { action: greet, input: { x: ['{{ input.x }}'] } }\n",
        "6:40: warning: a template inside a list or map of an input is not rendered",
    ),
    (
        ACTION + "tasks:\n  t:\n    flow:\n      a-b: { action: greet }\n"
        "      s: { action: greet, input: { x: '{{ a_b.output }}' } }\n",
        "7:7: warning: 's' reads the output of 'a-b', which may not have ended (add it to `depends_on`: [a-b])",
    ),
    (
        "actions:\n  go: { type: task, task: t }\ntasks:\n  t:\n    flow:\n      s: { action: go }\n",
        "6:20: error: sub-jobs (`type: task`) are not supported in this release",
    ),
    (
        "tasks:\n  t:\n    timeout: 169h\n    flow:\n      s: { type: script, script: x }\n",
        "3:14: error: a task's time-out is at most 168h",
    ),
]

HOOKS_AND_TRIGGERS: Rows = [
    (OK_TASK + "    on_error: [{ action: nowhere }]\n", "5:26: error: unknown action 'nowhere'"),
    (OK_TASK + "    on_error: { action: x }\n", "5:15: error: `on_error` must be a list"),
    ("on_error: [{ action: nowhere }]\n", "1:22: error: unknown action 'nowhere'"),
    (
        ACTION + OK_TASK + "    on_error: [{ action: greet, input: { x: '{{ hok.status }}' } }]\n",
        "7:45: warning: unknown variable 'hok' in a template (did you mean 'hook'?)",
    ),
    (
        OK_TASK + "triggers:\n  g: { type: event_source, name: x, task: t }\n",
        "6:14: error: event sources (`type: event_source`) are not supported in this release",
    ),
    (OK_TASK + "triggers:\n  g: { type: scheduler, task: t }\n", "6:3: error: `cron` is missing"),
    (
        OK_TASK + "triggers:\n  g: { type: scheduler, task: t, cron: '* * *' }\n",
        "6:40: error: the cron text '* * *' has 3 fields; write 5, or 6 with seconds first",
    ),
    (
        OK_TASK + "triggers:\n  g: { type: scheduler, task: t, cron: '0 0 30 2 *' }\n",
        "6:40: error: the cron text '0 0 30 2 *' never fires",
    ),
    (
        OK_TASK + "triggers:\n  g: { type: scheduler, task: t, cron: '0 0 * * *', timezone: Mars/Base }\n",
        "6:63: error: unknown time zone 'Mars/Base'",
    ),
    (
        OK_TASK + "triggers:\n  g: { type: scheduler, task: q, cron: '0 0 * * *' }\n",
        "6:31: error: unknown task 'q'",
    ),
    (
        OK_TASK + "triggers:\n  g: { type: scheduler, task: t, cron: '0 0 * * *', force_refresh: true }\n",
        "6:68: error: `force_refresh` is not supported in this release",
    ),
]


@pytest.mark.parametrize(
    ("text", "told"), YAML + KEYS + ACTIONS + INPUTS + STEPS + HOOKS_AND_TRIGGERS, ids=lambda part: part[-50:]
)
def test_a_mistake_is_told_where_it_stands(text: str, told: str) -> None:
    _, problems = check_text(text.encode(), "x.yaml")
    assert [str(problem) for problem in problems] == [f"x.yaml:{told}"]


def test_a_cycle_is_told_with_its_way() -> None:
    text = dedent("""\
        tasks:
          t:
            flow:
              start: { type: script, script: x }
              a: { type: script, script: x, depends_on: [start, c] }
              b: { type: script, script: x, depends_on: [a] }
              c: { type: script, script: x, depends_on: [b] }
        """)
    definition, problems = check_text(text.encode(), "x.yaml")
    told = "x.yaml:5:49: error: the steps depend on each other in a cycle: a -> c -> b -> a"
    assert [str(problem) for problem in problems] == [told]
    assert definition.tasks["t"].errors == [told]


def test_a_problem_survives_its_json_form() -> None:
    _, (problem,) = check_text(b"task: {}\n", "x.yaml")
    kept = problem.to_json()
    assert kept["text"] == str(problem)
    assert type(problem).from_json(kept) == problem
