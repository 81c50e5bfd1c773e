"""What the rehearsals' tests share."""

from tests.unit.definition.conftest import whole_language

__all__ = ["whole_language"]
