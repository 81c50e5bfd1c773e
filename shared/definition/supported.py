"""What of the language this release carries out; the rest is refused by name, never ignored."""

FEATURES = {
    "retry": "`retry`",
    "task retry": "`retry` of a task",
    "loops": "loops (`for_each`)",
    "task": "sub-jobs (`type: task`)",
    "approval": "approval gates (`type: approval`)",
    "approvers": "`approvers`, for which people have to log in,",
    "sleep": "sleep actions (`type: sleep`)",
    "wait_for_event": "waiting for events (`type: wait_for_event`)",
    "http": "HTTP actions (`type: http`)",
    "function": "function actions (`type: function`)",
    "containers": "container actions (`type: docker`)",
    "languages": "other languages than shell and python",
    "dependencies": "`dependencies`",
    "max_parallel_steps": "`max_parallel_steps`",
    "on_cancel": "`on_cancel` hooks",
    "on_suspended": "`on_suspended` hooks",
    "secrets": "secrets",
    "connections": "connections",
}
"""Parts of the language, and what people call them."""

OPEN: frozenset[str] = frozenset(
    {
        "approval",
        "connections",
        "containers",
        "dependencies",
        "function",
        "http",
        "languages",
        "loops",
        "max_parallel_steps",
        "on_cancel",
        "on_suspended",
        "retry",
        "secrets",
        "sleep",
        "task",
        "task retry",
        "wait_for_event",
    }
)
"""Those that work from end to end in this release."""


def is_open(feature: str) -> bool:
    """Whether this release carries it out."""
    return feature in OPEN


def refusal(feature: str) -> str:
    """Why something is refused that belongs to the feature."""
    return f"{FEATURES[feature]} are not supported in this release"
