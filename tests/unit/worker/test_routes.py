"""Which steps a worker takes."""

import pytest

from services.worker.routes import Coverage


@pytest.mark.parametrize(
    ("route", "tags", "is_exclusive", "expected"),
    [
        ("script", (), False, True),
        ("docker", (), False, False),
        ("script+gpu", (), False, False),
        ("script+gpu", ("gpu",), False, True),
        ("script+eu+gpu", ("gpu",), False, False),
        ("script+eu+gpu", ("eu", "gpu", "big"), False, True),
        ("script", ("gpu",), True, False),
        ("script+gpu", ("gpu",), True, True),
        ("script+eu", ("eu", "gpu"), True, False),
        ("script", (), True, True),
    ],
)
def test_a_worker_covers_a_route(route: str, tags: tuple[str, ...], is_exclusive: bool, expected: bool) -> None:  # noqa: FBT001 - a row of the table
    assert Coverage(("script",), tags, is_exclusive=is_exclusive).covers(route) is expected


def test_an_exclusive_worker_with_tags_has_no_base_route() -> None:
    assert Coverage(tags=("gpu",)).own_routes == ("script",)
    assert Coverage(tags=("gpu",), is_exclusive=True).own_routes == ()
