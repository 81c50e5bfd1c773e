"""Connections: checked where they stand, found by name, their secrets only as tokens."""

from collections.abc import Sequence
from typing import Any

import pytest

from shared.definition.compile import compile_flow
from shared.definition.connections import connections_for, names_for
from shared.definition.inputs import resolve_input
from shared.definition.load import check_text, load_library, load_snapshot
from shared.definition.models import WorkspaceDefinition
from shared.definition.sealed import Seal, mask, take_seal, unseal
from shared.definition.snapshot import FileContent, Snapshot
from shared.errors import InvalidInput

WHOLE = """\
secrets: { db: ref+env://SECRET_DB }
connection_types:
  postgres:
    host: { required: true }
    port: { type: integer, default: 5432 }
    password: { secret: true }
connections:
  production: { type: postgres, host: db.example, password: "{{ secret.db }}" }
  staging: { type: postgres, host: test.example, port: 1, password: ref+file://staging }
  loose: { url: "http://x/{{ secret.db }}", nested: { a: [ref+env://SECRET_B, 2] } }
actions:
  copy: { type: script, script: "{{ input.to.host }}", input: { to: { type: postgres } } }
tasks:
  t:
    input: { from: { type: postgres, default: production } }
    flow:
      one: { action: copy, input: { to: staging } }
      two: { type: script, script: x, input: { db: { type: postgres, default: loose } } }
"""
OPEN_TO_ALL = (
    "the value of `key` stands in the file for all to read (write `{{ secret.NAME }}`, or `ref+env://NAME`"
    " and give the value to the workers)"
)
TYPES = "connection_types: { p: { %s } }\n"
ROWS = [
    ("connections: { c: { type: q } }\n", "1:27: error: unknown connection type 'q'"),
    (
        TYPES % "host: { required: true }" + "connections: { c: { type: p } }\n",
        "2:16: error: `host` is missing",
    ),
    (
        TYPES % "host: { required: true }" + "connections: { c: { type: p, host: '' } }\n",
        "2:36: error: `host` is empty",
    ),
    (
        TYPES % "host: {}" + "connections: { c: { type: p, hots: x } }\n",
        "2:30: warning: the connection type 'p' has no 'hots' (did you mean 'host'?)",
    ),
    (
        TYPES % "port: { type: integer }" + "connections: { c: { type: p, port: x } }\n",
        "2:36: error: `port` must be a whole number",
    ),
    (
        TYPES % "key: { secret: true }" + "connections: { c: { type: p, key: hunter2 } }\n",
        "2:35: error: " + OPEN_TO_ALL,
    ),
    (
        TYPES % "key: { secret: true, default: hunter2 }",
        "1:56: error: " + OPEN_TO_ALL,
    ),
    (
        TYPES % "key: { default: '{{ secret.k }}' }" + "connections: { c: { type: p } }\n",
        "2:16: error: the default of `key` can't be used: ",
    ),
    ("connections: { c: { key: '{{ secret.k }}' } }\n", "1:26: error: unknown secret 'k'"),
    ("connections: { c: { key: 'ref+awsssm' } }\n", "1:26: error: the value is kept in a way that is not supported"),
    ("connection_types: { string: {} }\n", "1:21: error: 'string' is the name of an input type"),
    ("connection_types: { object: {} }\n", "1:21: error: 'object' is the name of an input type"),
    (TYPES % "type: {}", "1:26: error: a property can't be called 'type'"),
    (TYPES % "a: { type: p }", "1:37: error: unknown type 'p'"),
    (TYPES % "a: { typ: string }", "1:31: warning: unknown key 'typ' (did you mean 'type'?)"),
    ("connections: { c: 5 }\n", "1:19: error: 'c' must be a map"),
    (
        "actions: { a: { type: script, script: x, input: { n: { type: array } } } }\n",
        "1:62: error: unknown input type 'array'",
    ),
    (
        TYPES % "a: {}" + "actions: { a: { type: script, script: x, input: { n: { type: p, default: 5 } } } }\n",
        "2:74: error: the default does not fit: must be the name of a connection",
    ),
]


def told(text: str) -> Sequence[str]:
    _, problems = check_text(text.encode(), "x.yaml")
    return [str(problem).removeprefix("x.yaml:") for problem in problems]


def whole() -> WorkspaceDefinition:
    definition, problems = check_text(WHOLE.encode(), "x.yaml")
    assert problems == ()
    return definition


def opened(definition: WorkspaceDefinition, value: Any) -> Any:
    return unseal(value, Seal(definition.seal_nonce, definition.secrets), lambda reference: f"<{reference}>")


def resolved(definition: WorkspaceDefinition, **values: Any) -> dict[str, Any]:
    fields = definition.tasks["t"].input
    return resolve_input(fields, values, connections_for(definition, fields))[0]


@pytest.mark.parametrize(("text", "start"), ROWS, ids=lambda part: part[:60])
def test_a_mistake_is_told_where_it_stands(text: str, start: str) -> None:
    (problem,) = told(text)
    assert problem.startswith(start)


def test_a_connection_that_can_not_be_rendered_is_left_out() -> None:
    definition, problems = check_text(b"connections: { c: { url: '{{ nowhere.x }}' }, d: {} }\n", "x.yaml")
    assert [problem.is_error for problem in problems] == [False, True]
    assert list(definition.connections) == ["d"]


def test_a_job_s_input_gets_the_values_with_defaults_and_a_token_for_the_secret() -> None:
    definition = whole()
    given = resolved(definition)["from"]
    assert (given["host"], given["port"]) == ("db.example", 5432)
    assert mask(given["password"]) == "••••••"
    assert opened(definition, given["password"]) == "<ref+env://SECRET_DB>"


def test_references_in_connections_are_sealed_too() -> None:
    definition = whole()
    staging = resolved(definition, **{"from": "staging"})["from"]
    assert opened(definition, staging["password"]) == "<ref+file://staging>"
    loose = resolved(definition, **{"from": "loose"})["from"]
    assert "ref+" not in str(loose)
    assert opened(definition, loose) == {
        "url": "http://x/<ref+env://SECRET_DB>",
        "nested": {"a": ["<ref+env://SECRET_B>", 2]},
    }


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("prod", "Input field 'from' references connection 'prod' which does not exist"),
        (5, "Input field 'from' must be the name of a connection"),
        ("mine", "Input field 'from' needs a connection of type 'postgres', 'mine' is of another type"),
    ],
)
def test_a_job_with_a_wrong_connection_is_refused_by_field(value: object, sentence: str) -> None:
    text = WHOLE.replace("  postgres:\n", "  mysql: {}\n  postgres:\n").replace(
        "  loose:", "  mine: { type: mysql }\n  loose:"
    )
    definition, problems = check_text(text.encode(), "x.yaml")
    assert problems == ()
    with pytest.raises(InvalidInput) as refused:
        resolved(definition, **{"from": value})
    assert refused.value.problems == [{"loc": "input.from", "msg": sentence}]


def test_a_map_passes_through() -> None:
    assert resolved(whole(), **{"from": {"host": "x"}}) == {"from": {"host": "x"}}


def test_actions_carry_the_connections_that_their_fields_may_name() -> None:
    definition = whole()
    steps = compile_flow(definition, "t").steps
    assert steps["one"].action.connections["postgres"].keys() == {"production", "staging", "loose"}
    assert steps["two"].action.input == {"db": {"type": "postgres", "default": "loose"}}
    assert steps["two"].action.connections == steps["one"].action.connections
    _, seal = take_seal(steps["one"].action.spec)
    assert seal is not None
    assert "ref+file://staging" in seal.refs.values()
    assert names_for(definition, definition.tasks["t"].input) == {"postgres": ["loose", "production", "staging"]}


def test_a_definition_survives_its_json_form() -> None:
    definition = whole()
    assert WorkspaceDefinition.model_validate(definition.model_dump(mode="json")) == definition


LIBRARY = """\
connection_types: { box: { path: { required: true } } }
connections: { own: { type: box, path: /x } }
actions: { put: { type: script, script: x, input: { to: { type: box } } } }
tasks:
  copy:
    input: { to: { type: box } }
    flow: { s: { type: script, script: x, input: { to: { type: box, required: true } } } }
"""


def test_a_library_brings_its_types_under_its_name() -> None:
    library = load_library("lib", Snapshot({"lib.yaml": FileContent(LIBRARY.encode())}), "r1")
    text = "connections: { mine: { type: lib.box, path: /y } }\ntasks: { t: { flow: { s: { action: lib.put } } } }\n"
    loaded = load_snapshot(Snapshot({"user.yaml": FileContent(text.encode())}), libraries=[library])
    assert loaded.problems == ()
    definition = loaded.definition
    assert (list(definition.connection_types), list(definition.connections)) == (["lib.box"], ["mine"])
    known = {"lib.box": {"mine": {"path": "/y"}}}
    assert compile_flow(definition, "t").steps["s"].action.connections == known
    assert compile_flow(definition, "lib.copy").steps["s"].action.connections == known
    assert names_for(definition, definition.tasks["lib.copy"].input) == {"lib.box": ["mine"]}
