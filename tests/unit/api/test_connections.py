"""What a form hid of a job that picked a connection is as it was there."""

from services.api.use_cases.execute_task import HIDDEN, restore_hidden
from shared.definition.models import InputField

FIELDS = {
    "db": InputField(type="postgres"),
    "key": InputField(type="string", secret=True),
    "x": InputField(type="text"),
}


def test_a_hidden_connection_is_the_one_of_the_source_job() -> None:
    hidden = {"db": HIDDEN, "key": HIDDEN, "x": HIDDEN}
    assert restore_hidden(FIELDS, hidden, {"db": "production", "x": "y"}) == {"db": "production", "x": HIDDEN}
