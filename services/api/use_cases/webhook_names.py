"""Which webhook names two workspaces want: they are one for the whole server."""

from collections.abc import Iterable

from shared.definition.models import WebhookTrigger
from shared.orchestration.catalog import LoadedRevision


def find_taken(workspaces: Iterable[LoadedRevision]) -> dict[str, list[str]]:
    """`{workspace: sentences}` about its webhooks that another workspace, first by name, answers for."""
    owners: dict[str, str] = {}
    told: dict[str, list[str]] = {}
    for loaded in sorted(workspaces, key=lambda each: each.workspace):
        for name, trigger in sorted(loaded.definition.triggers.items()):
            if not isinstance(trigger, WebhookTrigger) or not trigger.enabled:
                continue
            owner = owners.setdefault(trigger.name, loaded.workspace)
            if owner != loaded.workspace:
                sentence = f"the webhook name '{trigger.name}' of trigger '{name}' belongs to workspace '{owner}'"
                told.setdefault(loaded.workspace, []).append(sentence)
    return told
