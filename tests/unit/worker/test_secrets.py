"""Where secrets come from, and how a step gets them."""

import os
from pathlib import Path
from typing import Any

import pytest

from services.worker.open_secrets import SecretOpener, conceal
from services.worker.resolve_secrets import SecretSources
from services.worker.runners.runner import CannotRun, StepResult
from shared.definition.sealed import Seal, new_nonce
from shared.engine.states import Outcome
from shared.messages.wire import RunStepMessage
from tests.support.attempts import attempt

NONCE = new_nonce()


def sealed(value: Any, **refs: str) -> dict[str, Any]:
    return {"script": value, "seal": Seal(NONCE, refs).to_spec()}


def token(name: str) -> str:
    return f"⟦secret:{NONCE}:{name}⟧"


def test_a_variable_with_the_prefix_is_a_secret() -> None:
    sources = SecretSources(environ={"SECRET_A": "value", "OTHER": "hidden"})
    assert sources.resolve("ref+env://SECRET_A") == "value"
    for ref, told in (("OTHER", "names begin with 'SECRET_'"), ("SECRET_B", "is not set on this worker")):
        with pytest.raises(CannotRun, match=told):
            sources.resolve(f"ref+env://{ref}")


def test_a_file_below_the_folder_is_a_secret(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "key").write_text("line 1\nline 2\n")
    (tmp_path / "outside").write_text("hidden")
    (folder / "link").symlink_to(tmp_path / "outside")
    (folder / "binary").write_bytes(b"\xff")
    sources = SecretSources(folder=folder)
    assert sources.resolve("ref+file://deep/key") == "line 1\nline 2"
    assert sources.resolve(f"ref+file://{folder}/deep/key") == "line 1\nline 2"
    for name in ("../outside", str(tmp_path / "outside"), "link", "missing", "deep", "binary", "a\0b", "x" * 5000):
        with pytest.raises(CannotRun):
            sources.resolve(f"ref+file://{name}")
    with pytest.raises(CannotRun, match="HEADRACE_WORKER_SECRET_DIR"):
        SecretSources().resolve("ref+file://deep/key")


def test_other_references_are_asked_of_vals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = SecretSources(has_vals=True)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotRun, match="vals, which is not installed on this worker"):
        sources.resolve("ref+vault://a/b")
    vals = tmp_path / "vals"
    vals.write_text('#!/bin/sh\ntest "$2" = ref+vault://a/b && echo "$1 it"\n')
    vals.chmod(0o755)
    assert sources.resolve("ref+vault://a/b") == "get it"
    with pytest.raises(CannotRun, match="vals did not find the secret"):
        sources.resolve("ref+vault://other")
    with pytest.raises(CannotRun, match="which is not allowed on this worker"):
        SecretSources().resolve("ref+vault://a/b")
    with pytest.raises(CannotRun, match="is no reference to a secret"):
        sources.resolve("--help")


async def test_tokens_are_replaced_in_the_spec_and_in_the_input() -> None:
    opener = SecretOpener(SecretSources(environ={"SECRET_A": "value-a"}))
    spec = {**sealed(f"echo {token('a')}", a="ref+env://SECRET_A"), "env": {"KEY": f"x{token('a')}y"}}
    step, redactor = await opener.open(attempt("script", spec, input={"deep": [token("a")]}))
    assert step.spec == {"script": "echo value-a", "env": {"KEY": "xvalue-ay"}}
    assert step.input == {"deep": ["value-a"]}
    assert redactor.redact_text("value-a") == "***"


async def test_only_what_is_used_is_looked_up() -> None:
    opener = SecretOpener(SecretSources(environ={"SECRET_A": "value-a"}))
    spec = sealed(f"echo {token('a')}", a="ref+env://SECRET_A", b="ref+env://SECRET_MISSING")
    assert (await opener.open(attempt("script", spec)))[0].spec["script"] == "echo value-a"


async def test_a_token_that_was_cut_is_refused() -> None:
    spec = sealed(token("a")[:-3], a="ref+env://SECRET_A")
    with pytest.raises(CannotRun, match="filter cut or changed a secret"):
        await SecretOpener(SecretSources(environ={"SECRET_A": "value-a"})).open(attempt("script", spec))


async def test_a_forged_token_stays_text() -> None:
    forged = f"⟦secret:{new_nonce()}:a⟧"
    step, redactor = await SecretOpener(SecretSources()).open(attempt("script", sealed(forged, a="ref+env://SECRET_A")))
    assert (step.spec["script"], bool(redactor)) == (forged, False)


async def test_a_step_without_secrets_is_left_as_it_is() -> None:
    step: RunStepMessage = attempt("script", {"script": "true"})
    opened, redactor = await SecretOpener(SecretSources()).open(step)
    assert opened is step
    result = StepResult(Outcome.COMPLETED, output={"a": 1})
    assert conceal(result, redactor) is result


async def test_results_are_told_without_secrets() -> None:
    opener = SecretOpener(SecretSources(environ={"SECRET_A": "value-a"}))
    _, redactor = await opener.open(attempt("script", sealed(token("a"), a="ref+env://SECRET_A")))
    told = conceal(StepResult(Outcome.FAILED, error="no value-a", exit_code=2), redactor)
    assert told == StepResult(Outcome.FAILED, error="no ***", exit_code=2)
    assert conceal(StepResult(Outcome.COMPLETED, output=["value-a"]), redactor).output == ["***"]
    assert "value-a" not in repr(SecretSources(environ={**os.environ, "SECRET_A": "value-a"}))
