"""A connection's name becomes its values, or a sentence says why not."""

import pytest

from shared.engine.connections import connect
from shared.engine.decision import RenderFailed
from shared.engine.flow import Json

CONNECTIONS = {"postgres": {"main": {"host": "db"}, "queue": None}}


@pytest.mark.parametrize("value", [None, {"host": "elsewhere"}])
def test_a_map_or_nothing_stays(value: Json) -> None:
    assert connect("db", "postgres", value, CONNECTIONS) == value


def test_a_field_of_another_type_stays() -> None:
    assert connect("db", "string", "main", CONNECTIONS) == "main"


def test_a_name_becomes_a_copy_of_the_values() -> None:
    values = connect("db", "postgres", "main", CONNECTIONS)
    assert values == {"host": "db"}
    assert values is not CONNECTIONS["postgres"]["main"]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (7, "Input field 'db' must be the name of a connection"),
        ("none", "Input field 'db' references connection 'none' which does not exist"),
        ("queue", "Input field 'db' needs a connection of type 'postgres', 'queue' is of another type"),
    ],
)
def test_what_is_no_fitting_connection_is_told(value: Json, told: str) -> None:
    with pytest.raises(RenderFailed) as raised:
        connect("db", "postgres", value, CONNECTIONS)
    assert raised.value.message == told
