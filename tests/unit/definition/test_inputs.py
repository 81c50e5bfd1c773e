"""A job's input against what its task declares."""

from typing import Any

import pytest

from shared.definition.inputs import resolve_input
from shared.definition.models import InputField
from shared.errors import InvalidInput


def declared(**fields: dict[str, Any]) -> dict[str, InputField]:
    """The fields as a task declares them."""
    return {name: InputField.model_validate(field) for name, field in fields.items()}


def test_defaults_are_filled_in_and_rendered_and_given_values_win() -> None:
    fields = declared(
        a={"type": "string", "default": "x"},
        b={"type": "integer", "default": 3},
        c={"type": "string", "default": "{{ 1 + 1 }}"},
        d={"type": "string"},
    )
    assert resolve_input(fields, {"a": "y"}) == ({"a": "y", "b": 3, "c": "2"}, ())


def test_unknown_inputs_are_kept_with_a_warning() -> None:
    resolved, warnings = resolve_input(declared(name={"type": "string"}), {"nmae": "x", "other": 1})
    assert resolved == {"nmae": "x", "other": 1}
    assert warnings == ("unknown input 'nmae' (did you mean 'name'?)", "unknown input 'other'")


def test_every_field_that_is_wrong_is_named_at_once() -> None:
    fields = declared(
        a={"type": "string", "required": True}, b={"type": "integer"}, c={"type": "string", "options": ["x", "y"]}
    )
    with pytest.raises(InvalidInput) as refused:
        resolve_input(fields, {"b": "5", "c": "z"})
    assert refused.value.problems == [
        {"loc": "input.a", "msg": "required"},
        {"loc": "input.b", "msg": "must be a whole number"},
        {"loc": "input.c", "msg": "must be one of x, y"},
    ]
    assert "input.a is required; input.b must be a whole number" in refused.value.message


FITS: list[tuple[dict[str, Any], Any]] = [
    ({"type": "string"}, ""),
    ({"type": "text"}, "a\nb"),
    ({"type": "integer"}, 5),
    ({"type": "number"}, 5),
    ({"type": "number"}, 5.5),
    ({"type": "boolean"}, False),
    ({"type": "bool"}, True),
    ({"type": "date"}, "2024-02-29"),
    ({"type": "datetime"}, "2024-02-29T10:00:00Z"),
    ({"type": "string"}, None),
    ({"type": "string", "options": ["a"]}, "a"),
    ({"type": "string", "options": ["a"], "allow_custom": True}, "b"),
    ({"type": "string", "options": ["a", "b"], "multiple": True}, ["b", "a"]),
    ({"type": "string", "options": ["a"], "multiple": True}, []),
]


@pytest.mark.parametrize(("field", "value"), FITS)
def test_a_value_of_the_right_type_fits_unchanged(field: dict[str, Any], value: Any) -> None:
    assert resolve_input(declared(x=field), {"x": value})[0] == {"x": value}


MISFITS: list[tuple[dict[str, Any], Any]] = [
    ({"type": "string"}, 5),
    ({"type": "string"}, ["a"]),
    ({"type": "integer"}, "5"),
    ({"type": "integer"}, 5.5),
    ({"type": "integer"}, True),
    ({"type": "number"}, "1.5"),
    ({"type": "number"}, False),
    ({"type": "boolean"}, "true"),
    ({"type": "boolean"}, 1),
    ({"type": "date"}, "2023-02-29"),
    ({"type": "date"}, "20240229"),
    ({"type": "date"}, "2024-02-29T10:00:00"),
    ({"type": "datetime"}, "yesterday"),
    ({"type": "string", "required": True}, None),
    ({"type": "string", "options": ["a"]}, "b"),
    ({"type": "string", "options": ["a"], "multiple": True}, "a"),
    ({"type": "string", "options": ["a"], "multiple": True}, ["a", "b"]),
    ({"type": "string", "multiple": True}, [1]),
]


@pytest.mark.parametrize(("field", "value"), MISFITS)
def test_a_value_of_another_type_is_refused(field: dict[str, Any], value: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        resolve_input(declared(x=field), {"x": value})
    assert [problem["loc"] for problem in refused.value.problems] == ["input.x"]


def test_a_whole_float_is_an_integer() -> None:
    resolved, _ = resolve_input(declared(n={"type": "integer"}), {"n": 5.0})
    assert isinstance(resolved["n"], int)


def test_an_input_that_is_no_object_is_refused() -> None:
    with pytest.raises(InvalidInput):
        resolve_input({}, [])  # type: ignore[arg-type]
