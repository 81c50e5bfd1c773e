"""Libraries: names, references, files, collisions, revisions."""

import pytest

from shared.definition import libraries as module
from shared.definition.compile import compile_flow
from shared.definition.libraries import Library
from shared.definition.load import LoadedWorkspace, load_library, load_snapshot
from shared.definition.snapshot import FileContent, Snapshot
from shared.errors import Rejected

MAIL = """
actions:
  send: { type: script, source: bin/send.sh }
  all: { type: script, script: "true" }
tasks:
  notify:
    flow:
      one: { action: send }
      two: { type: script, source: bin/send.sh, depends_on: [one] }
    on_error: [{ action: all }]
triggers:
  nightly: { type: scheduler, cron: "0 3 * * *", task: notify }
"""
USER = "tasks: { t: { flow: { s: { action: mail.send } } } }"


def files(**texts: str) -> Snapshot:
    """A snapshot of YAML files by their names without ending, and of `bin_send`, the script."""
    paths = {name: "bin/send.sh" if name == "bin_send" else f"{name}.yaml" for name in texts}
    return Snapshot({paths[name]: FileContent(text.encode()) for name, text in texts.items()})


def mail(text: str = MAIL, revision: str = "r1") -> Library:
    return load_library("mail", files(mail=text, bin_send="echo sent"), revision)


def load(text: str = USER, *libraries: Library) -> LoadedWorkspace:
    return load_snapshot(files(user=text), revision="w1", libraries=libraries)


def test_a_step_runs_a_library_s_action_from_the_library_s_file() -> None:
    loaded = load(USER, mail())
    assert loaded.problems == ()
    step = compile_flow(loaded.definition, "t").steps["s"]
    assert (step.action.name, step.action.spec["source"]) == ("mail.send", "_libraries/mail/bin/send.sh")
    assert loaded.snapshot.files["_libraries/mail/bin/send.sh"].content == b"echo sent"


def test_references_inside_a_library_stay_inside() -> None:
    definition = load(USER, mail()).definition
    flow = compile_flow(definition, "mail.notify")
    assert flow.steps["one"].action.name == "mail.send"
    assert flow.steps["two"].action.spec["source"] == "_libraries/mail/bin/send.sh"
    assert [hook.action.name for hook in flow.on_error] == ["mail.all"]
    assert definition.triggers == {}


def test_mistakes_of_a_library_forbid_what_uses_them_and_name_its_file() -> None:
    loaded = load(USER, mail("actions: { send: { type: script, source: lost.sh } }"))
    (error,) = loaded.definition.tasks["t"].errors
    assert error.startswith("_libraries/mail/mail.yaml:1:")
    assert "lost.sh" in error
    assert loaded.problems[0].subject == "action mail.send"


def test_an_unknown_action_of_a_library_is_told() -> None:
    loaded = load("tasks: { t: { flow: { s: { action: mail.sent } } } }", mail())
    assert "did you mean 'mail.send'?" in loaded.definition.tasks["t"].errors[0]


def test_of_two_things_with_one_name_the_library_s_wins_and_that_is_told() -> None:
    text = "actions: { mail.send: { type: script, script: mine } }\n" + USER
    loaded = load(text, mail())
    assert loaded.definition.actions["mail.send"].source == "_libraries/mail/bin/send.sh"
    (problem,) = loaded.problems
    assert "the library 'mail' also has the action 'mail.send'" in problem.message
    assert not problem.is_error


def test_a_workspace_can_not_replace_a_library_s_files() -> None:
    own = Snapshot({"_libraries/mail/bin/send.sh": FileContent(b"mine"), "user.yaml": FileContent(USER.encode())})
    loaded = load_snapshot(own, libraries=[mail()])
    assert loaded.snapshot.files["_libraries/mail/bin/send.sh"].content == b"echo sent"
    assert any("belongs to the library" in problem.message for problem in loaded.problems)


def test_the_revision_changes_with_the_library_s() -> None:
    one, two = load(USER, mail()).revision, load(USER, mail(revision="r2")).revision
    assert one.startswith("w1.")
    assert len({"w1", one, two}) == 3
    assert load("{}").revision == "w1"


def test_together_they_may_not_be_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TOTAL_BYTES", 100)
    with pytest.raises(Rejected, match="together"):
        load(USER, mail())
