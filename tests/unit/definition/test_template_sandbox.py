"""What templates can't do, however they try."""

import time
from typing import Any

import pytest

from shared.definition.templates import JinjaRenderer
from shared.engine.decision import RenderFailed

RENDERER = JinjaRenderer()
SECONDS = 5  # generous: each takes well under one
CONTEXT: dict[str, Any] = {
    "text": "x",
    "many": list(range(5000)),
    "long": "a" * 500_000,
    "letters": ["a" * 1000] * 1000,
    "d": {"items": [1], "__class__": "data"},
}

ESCAPES = [
    "{{ ''.__class__.__mro__ }}",
    "{{ text.__class__ }}",
    "{{ text['__class__'] }}",
    "{{ d.__init__ }}",
    "{{ text|attr('__class__') }}",
    "{{ '{0.__class__}'.format(text) }}",
    "{{ '%s'|format(text) }}",
    "{{ text.upper() }}",
    "{{ d.keys }}",
    "{{ d.items() }}",
    "{{ self.__dict__ }}",
    "{{ self }}",
    "{{ loop }}",
    "{% for x in [1] %}{{ loop }}{% endfor %}",
    "{% for x in [1] %}{{ loop._iterator }}{% endfor %}",
    "{% for x in [1] %}{{ loop.cycle('a') }}{% endfor %}",
    "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "{{ range(3) }}",
    "{{ lipsum() }}",
    "{{ cycler.__init__.__globals__ }}",
    "{{ namespace(a=1) }}",
    "{{ dict(a=1) }}",
    "{{ get_flashed_messages.__globals__ }}",
    "{% macro m() %}{% endmacro %}",
    "{% call m() %}{% endcall %}",
    "{% include 'x' %}",
    "{% import 'x' as y %}",
    "{% from 'x' import y %}",
    "{% extends 'x' %}",
    "{% block b %}{% endblock %}",
    "{% filter upper %}x{% endfilter %}",
    "{% set x %}a{% endset %}",
    "{% autoescape true %}x{% endautoescape %}",
    "{% with a = 1 %}{{ a }}{% endwith %}",
    "{{ 'the budget' is the_budget }}",
    "{{ many|the rounds }}",
]

BOMBS = [
    "{{ 'a' * 10**9 }}",
    "{{ 10**9 * 'a' }}",
    "{{ [0] * 10**9 }}",
    "{{ 2 ** (10 ** 10) }}",
    "{{ 9 ** (9 ** 9) }}",
    "{{ 10 ** 300 * 10 ** 300 }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ long ~ long ~ long }}",
    "{{ long + long + long }}",
    "{{ long|replace(from='a', to='bbbb') }}",
    "{{ letters|join(sep='" + "x" * 1000 + "') }}",
    "{{ long }}{{ long }}{{ long }}",
    "{% for a in many %}{% for b in many %}{% for c in many %}{% endfor %}{% endfor %}{% endfor %}",
    "{% for a in many %}{{ long }}{% endfor %}",
    "{% set a0 = text %}" + "".join(f"{{% set a{n + 1} = a{n} ~ a{n} %}}" for n in range(40)) + "{{ a40 }}",
    "{% set a0 = [text] %}" + "".join(f"{{% set a{n + 1} = a{n} + a{n} %}}" for n in range(40)) + "{{ a40 }}",
    "{{ long" + "|upper" * 200 + " }}",
    "{{ " + "(" * 50_000 + "1" + ")" * 50_000 + " }}",
    "{{ " + "-" * 20_000 + "1 }}",
    "{{ " + "1+" * 20_000 + "1 }}",
    "{% if 1 %}" * 3000 + "{% endif %}" * 3000,
    "{{" * 100_000,
    "{{ text }}" + " " * 300_000,
    "{{ letters }}{{ letters }}",
]


@pytest.mark.parametrize("template", ESCAPES)
def test_there_is_no_way_out(template: str) -> None:
    with pytest.raises(RenderFailed):
        RENDERER.render("." + template, CONTEXT)


@pytest.mark.parametrize("template", BOMBS, ids=lambda template: template[:40])
def test_too_much_work_is_refused_soon(template: str) -> None:
    began = time.monotonic()
    with pytest.raises(RenderFailed):
        RENDERER.render("." + template, CONTEXT)
    assert time.monotonic() - began < SECONDS


def test_a_key_that_looks_like_an_attribute_is_only_data() -> None:
    assert RENDERER.render("{{ d.__class__ }} {{ d.items }}", CONTEXT) == "data [1]"


def test_a_template_cannot_change_what_it_was_given() -> None:
    with pytest.raises(RenderFailed):
        RENDERER.render("{% set d.items = 5 %}", CONTEXT)
    assert CONTEXT["d"]["items"] == [1]


def test_one_rendering_does_not_spend_the_budget_of_the_next() -> None:
    for _ in range(20):
        assert RENDERER.render("{% for a in many %}{% endfor %}.", CONTEXT) == "."


def test_a_body_that_is_nested_too_deeply_is_refused() -> None:
    body: Any = "x"
    for _ in range(100):
        body = [body]
    with pytest.raises(RenderFailed, match="levels"):
        RENDERER.render_deep(body, CONTEXT)
