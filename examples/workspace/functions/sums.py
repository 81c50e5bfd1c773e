"""Functions that steps of `type: function` call; their inputs are the step's, their answer is its output."""


def add_up(numbers: list[float]) -> dict[str, float]:
    """The sum, and how many there were."""
    return {"total": sum(numbers), "count": len(numbers)}
