"""Secrets in rendered texts: sealed where the texts are made, opened only by the worker that runs the step.

A template that says `{{ secret.db_password }}` renders to a token, `⟦secret:<nonce>:db_password⟧`. Tokens, never
values, stand in job documents, messages and answers. The nonce is random for each load of a workspace and shown to
nobody (`mask` takes it out of what people see), so that a caller can't write a token into a job's input, a webhook's
body or an approval and have a worker open it.

The worker finds the workspace's `Seal` in the step's spec (`take_seal`), opens the tokens in the rest of the spec and
in the input (`unseal`), and hands the step the values.
"""

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from shared.errors import Rejected

SPEC_KEY = "seal"
"""Where an action's spec has its workspace's seal: `{"nonce": …, "refs": {name: "ref+env://NAME"}}`."""

MASK = "••••••"
SECRET_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)
_TOKEN = re.compile(r"⟦secret:([0-9a-f]{32}):([A-Za-z_][A-Za-z0-9_]{0,63})⟧", re.ASCII)
_MARK = "⟦secret:"


class SecretMangled(Rejected):
    """A filter cut or changed a secret in a template; secrets can only be put into a text whole."""

    code = "secret_mangled"


@dataclass(frozen=True, slots=True)
class Seal:
    """A workspace's secrets: `refs` is `{name: where the value is kept}`, `ref+env://NAME` or `ref+file://PATH`."""

    nonce: str
    refs: Mapping[str, str]

    def to_spec(self) -> dict[str, Any]:
        """As it stands in a spec."""
        return {"nonce": self.nonce, "refs": dict(self.refs)}


def new_nonce() -> str:
    """128 random bits, as text."""
    return secrets.token_hex(16)


def with_secrets(template: str, seal: Seal) -> str:
    """The template with the variable `secret`, whose parts are tokens; what is written stays on its line."""
    tokens = {name: f"⟦secret:{seal.nonce}:{name}⟧" for name in seal.refs}
    return f"{{% set secret = {orjson.dumps(tokens).decode()} %}}{template}"


def take_seal(spec: Mapping[str, Any]) -> tuple[dict[str, Any], Seal | None]:
    """A step's spec without its seal, and the seal; None if the workspace has no secrets."""
    rest = {key: value for key, value in spec.items() if key != SPEC_KEY}
    found = spec.get(SPEC_KEY)
    return rest, Seal(found["nonce"], found["refs"]) if found else None


def unseal(value: Any, seal: Seal | None, resolve: Callable[[str], str]) -> Any:
    """The value with the seal's tokens in its texts replaced by `resolve(ref)`; others' tokens stay the text they are.

    Raises:
        SecretMangled: a part of a token is left over.
        What `resolve` raises.
    """
    if seal is None:
        return value
    if isinstance(value, str):
        return _open(value, seal, resolve)
    if isinstance(value, Mapping):
        return {key: unseal(item, seal, resolve) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [unseal(item, seal, resolve) for item in value]
    return value


def mask(value: Any) -> Any:
    """The value with every token in its texts hidden, for people's eyes; the same object if there is none."""
    if isinstance(value, str):
        return _TOKEN.sub(MASK, value) if _MARK in value else value
    if isinstance(value, Mapping):
        masked = {key: mask(item) for key, item in value.items()}
        return masked if any(masked[key] is not item for key, item in value.items()) else value
    if isinstance(value, (list, tuple)):
        items = [mask(item) for item in value]
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    return value


def _open(text: str, seal: Seal, resolve: Callable[[str], str]) -> str:
    if seal.nonce.lower() not in text.lower():
        return text
    left = _TOKEN.sub(lambda found: "" if _is_ours(found, seal) else found[0], text)
    if seal.nonce.lower() in left.lower():
        raise SecretMangled
    return _TOKEN.sub(lambda found: resolve(seal.refs[found[2]]) if _is_ours(found, seal) else found[0], text)


def _is_ours(found: re.Match[str], seal: Seal) -> bool:
    return found[1] == seal.nonce and found[2] in seal.refs
