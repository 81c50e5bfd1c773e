"""The rules of templates, one row each."""

from typing import Any

import pytest

from shared.definition.templates import JinjaRenderer
from shared.engine.decision import Renderer, RenderFailed

RENDERER: Renderer = JinjaRenderer()
CONTEXT: dict[str, Any] = {
    "input": {"name": "Ada", "n": 3, "ratio": 1.0, "flag": True, "none": None, "tags": ["a", "b"], "items": [1]},
    "say_hello": {"output": {"greeting": "Hello Ada", "rows": [{"k": 1}, {"k": 2}]}},
    "broken": {"output": None, "error": "Exit code: 1"},
}

RULES: list[tuple[Any, Any]] = [
    ("plain", "plain"),
    (5, 5),
    (None, None),
    (["{{ input.name }}"], ["{{ input.name }}"]),
    ("{{ input.tags }}", ["a", "b"]),
    ("  {{input.tags}}\n", ["a", "b"]),
    ("{{ say_hello.output }}", CONTEXT["say_hello"]["output"]),
    ("{{ input.items }}", [1]),
    ("{{ input.n }}", "3"),
    ("{{ input.flag }}", "true"),
    ("{{ input.none }}", ""),
    ("{{ input.ratio }}", "1"),
    ("{{ 0.1 + 0.2 }} {{ 1e21 }} {{ 1e-7 }} {{ 2.5 }}", "0.30000000000000004 1000000000000000000000 0.0000001 2.5"),
    ("tags: {{ input.tags }}", "tags: [a, b]"),
    ("{{ input }}!", "[object]!"),
    ("{{ say_hello.output.rows }}.", "[[object], [object]]."),
    ("<{{ input.name }}> & {{ '<b>' }}", "<Ada> & <b>"),
    ("line\n{{ input.name }}\n", "line\nAda\n"),
    ("{{ say_hello.output.rows.1.k }}{{ input.tags[0] }}", "2a"),
    ("{{ input['name'] }}", "Ada"),
    ("{{ input.missing | default(value='x') }}", "x"),
    ("{{ nowhere.at.all | default('x') }}", "x"),
    ("{{ input.none | default(value='x') }}", ""),
    ("{{ input.none | default('x', true) }}", "x"),
    ("{% if nowhere %}a{% else %}b{% endif %}", "b"),
    ("{% if nowhere.at.all %}a{% endif %}", ""),
    ("{% if not input.missing %}a{% endif %}", "a"),
    ("{{ input.missing is defined }} {{ input.name is defined }}", "false true"),
    ("{{ input.tags | json_encode() }}", '["a","b"]'),
    ("{{ input.tags | json_encode(pretty=true) }}", '[\n  "a",\n  "b"\n]'),
    ("{{ input.tags | length }}{{ input.name | length }}", "23"),
    ("{{ input.tags | join(sep=', ') }} {{ input.tags | join('-') }}", "a, b a-b"),
    ("{{ input.name | replace(from='A', to='E') }} {{ input.name | replace('A', 'O') }}", "Eda Oda"),
    ("{{ 'a,b' | split(pat=',') | last }} {{ 'a,b' | split(',') | first }}", "b a"),
    ("{{ input.name | upper }} {{ input.name | lower }} {{ ' x ' | trim }}.", "ADA ada x."),
    ("{{ input.missing_list | default(value=[]) | first }}", ""),
    ("{{ say_hello.output.rows | map(attribute='k') | sum }}", "3"),
    ("{{ say_hello.output.rows | filter(attribute='k', value=2) | length }}", "1"),
    ("{{ [3, 1, 2] | sort | reverse | join(sep='') }}", "321"),
    ("{{ 2.5 | round }} {{ 2.25 | round(precision=1, method='floor') }} {{ '7' | int + 1 }}", "3 2.2 8"),
    ('{{ "it\'s" | quote }}', "'it'\"'\"'s'"),
    ("{% for tag in input.tags %}{{ loop.index }}{{ tag }}{% if not loop.last %},{% endif %}{% endfor %}", "1a,2b"),
    ("{% for key, value in say_hello.output %}{{ key }} {% endfor %}", "greeting rows "),
    ("{% for tag in [] %}x{% else %}none{% endfor %}", "none"),
    ("{% set x = 'a' ~ 1 %}{{ x }}{# never seen #}", "a1"),
    ("{{ 'yes' if input.n > 2 and 'a' in input.tags else 'no' }}", "yes"),
    ("{{ input.name is starting_with('A') }}", "true"),
    ("{% raw %}{{ untouched }}{% endraw %}", "{{ untouched }}"),
]


@pytest.mark.parametrize(("value", "rendered"), RULES)
def test_a_value_renders_as_the_contract_says(value: Any, rendered: Any) -> None:
    assert RENDERER.render(value, CONTEXT) == rendered


FAILURES = [
    ("{{ nowhere }}", "undefined variable 'nowhere'"),
    ("{{ say_hello.output.greting }}", "undefined variable 'say_hello.output.greting'"),
    ("{{ nowhere.at.all }}", "undefined variable 'nowhere.at.all'"),
    ("{{ broken.output.rows }}", "undefined variable 'broken.output.rows'"),
    ("{{ nowhere | upper }}", "undefined variable 'nowhere'"),
    ("{{ nowhere == 1 }}", "undefined variable 'nowhere'"),
    ("{% for x in nowhere %}{% endfor %}", "undefined variable 'nowhere'"),
    ("{% for x in [1] %}{{ x.y }}{% endfor %}", "undefined variable 'y'"),
    ("one\ntwo\n{{ nowhere }}", "undefined variable 'nowhere' (line 3 of the template)"),
    ("one\n{% if %}", "Expected an expression, got 'end of statement block' (line 2 of the template)"),
    ("{{ open", "unexpected end of template, expected 'end of print statement'."),
    ("{{ input.name | nosuch }}", "No filter named 'nosuch'."),
    ("{{ input.name + 1 }}", "`+` needs numbers"),
    ("{{ 1 / 0 }}", "division by zero"),
    ("{% for x in 5 %}{% endfor %}", "a loop needs a list or a map, not 5"),
]


@pytest.mark.parametrize(("template", "message"), FAILURES)
def test_a_failure_names_the_variable_or_the_mistake(template: str, message: str) -> None:
    with pytest.raises(RenderFailed) as failed:
        RENDERER.render(template, CONTEXT)
    assert failed.value.message == message


@pytest.mark.parametrize("value", ["", " ", "false", "False", "0", "null", "none", "{{ input.none }}", "{{ 1 == 2 }}"])
def test_a_condition_is_false_only_for_these(value: str) -> None:
    assert not RENDERER.is_true(value, CONTEXT)


@pytest.mark.parametrize("value", ["true", "no", "input.n == 4", "{{ input.n == 3 }}", "{{ input.name }}", "{{ 10 }}"])
def test_a_condition_is_true_for_anything_else(value: str) -> None:
    assert RENDERER.is_true(value, CONTEXT)


def test_an_action_body_is_rendered_to_text_at_every_depth_and_its_keys_stay() -> None:
    body = {"args": ["{{ input.n }}", "{{ input.tags }}"], "env": {"{{ k }}": "{{ input.name }}"}, "port": 5}
    rendered = {"args": ["3", "[a, b]"], "env": {"{{ k }}": "Ada"}, "port": 5}
    assert RENDERER.render_deep(body, CONTEXT) == rendered


def test_names_are_the_variables_that_a_template_reads() -> None:
    text = "{{ a.b }}{% for x in c %}{{ x }}{% endfor %}{% set d = e %}{{ d }}"
    assert JinjaRenderer().names(text) == {"a", "c", "e"}
    assert JinjaRenderer().names("plain") == frozenset()


class OnDemand(dict[str, Any]):
    """A context that counts what is asked of it, and can't be listed."""

    asked: set[str]

    def __init__(self, values: dict[str, Any]) -> None:
        super().__init__(values)
        self.asked = set()

    def __getitem__(self, name: str) -> Any:
        self.asked.add(name)
        return super().__getitem__(name)

    def __iter__(self) -> Any:
        raise AssertionError("the whole context was read")

    keys = values = items = __iter__


def test_only_the_variables_that_a_template_names_are_looked_up() -> None:
    context = OnDemand(CONTEXT)
    assert RENDERER.render("{{ input.name }}!", context) == "Ada!"
    assert context.asked == {"input"}
