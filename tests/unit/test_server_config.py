"""The server's YAML file: read strictly, nothing passed over."""

from datetime import timedelta
from pathlib import Path

import pytest

from shared.runtime.server_config import Recovery, ServerConfig, load_server_config
from shared.runtime.settings import SettingsRefused
from shared.runtime.sources import FolderSource


def load(folder: Path, text: str) -> ServerConfig:
    """The configuration of this text."""
    file = folder / "headrace.yaml"
    file.write_text(text)
    return load_server_config(file)


def test_everything_is_read_and_paths_start_at_the_file(tmp_path: Path) -> None:
    text = (
        "workspaces:\n  default: { type: folder, path: ../here }\n  other: { type: folder, path: /there }\n"
        "default_step_timeout: 45s\ndefault_job_timeout: 1h30m\n"
        "recovery: { heartbeat_timeout_secs: 30 }\n"
    )
    config = load(tmp_path, text)
    assert config.workspaces == {
        "default": FolderSource(tmp_path.parent / "here"),
        "other": FolderSource(Path("/there")),
    }
    assert (config.default_step_timeout, config.default_job_timeout) == (timedelta(seconds=45), timedelta(hours=1.5))
    assert config.recovery == Recovery(heartbeat_timeout_secs=30)


def test_an_empty_file_has_defaults_and_no_workspaces(tmp_path: Path) -> None:
    assert load(tmp_path, "") == ServerConfig()


REFUSED = [
    ("workspace: {}\n", "headrace.yaml:1:1: error: unknown key 'workspace' (did you mean 'workspaces'?)"),
    (
        "recovery: {}\nauth: { jwt_secret: x }\n",
        "headrace.yaml:2:1: error: `auth` is not supported in this release: anybody could do anything (remove it)",
    ),
    (
        "acl: {}\n",
        "headrace.yaml:1:1: error: `acl` is not supported in this release: permissions would not hold (remove it)",
    ),
    (
        "retention: { job_days: 7 }\n",
        (
            "headrace.yaml:1:1: error: `retention` is not supported in this release: jobs and workers are kept for "
            "ever (remove it)"
        ),
    ),
    (
        "workspaces:\n  a: { type: git, url: 'ext::sh -c id' }\n",
        "headrace.yaml:2:24: error: a git `url` has no blanks and doesn't start with '-'",
    ),
    (
        "workspaces:\n  a: { type: git, url: 'x', ref: '--upload-pack=id' }\n",
        "headrace.yaml:2:34: error: '--upload-pack=id' is no name of a branch or tag and no id of a commit",
    ),
    (
        "workspaces:\n  a: { type: folder, path: x, ref: main }\n",
        "headrace.yaml:2:31: error: `ref` is not supported in this release: it would have no effect (remove it)",
    ),
    ("workspaces:\n  a: { type: folder }\n", "headrace.yaml:2:3: error: `path` is missing"),
    ("workspaces:\n  a: 5\n", "headrace.yaml:2:6: error: 'a' must be a map"),
    (
        "workspaces:\n  a/b: { type: folder, path: x }\n",
        "headrace.yaml:2:3: error: the name of the workspace 'a/b' has a bracket, slash or control character",
    ),
    (
        "default_step_timeout: 1d\n",
        'headrace.yaml:1:23: error: `default_step_timeout` must be a duration like "1h30m", "45s" or whole seconds',
    ),
    (
        "recovery: { heartbeat_timeout_secs: 1 }\n",
        "headrace.yaml:1:37: error: `heartbeat_timeout_secs` must be greater than or equal to 10",
    ),
    (
        "recovery: { heartbeat: 30 }\n",
        "headrace.yaml:1:13: error: unknown key 'heartbeat'",
    ),
    (
        "libraries:\n  a.b: { type: folder, path: x }\n",
        "headrace.yaml:2:8: error: the library's name 'a.b' has a character beside letters, digits, _ and -",
    ),
    ("recovery: 5\n", "headrace.yaml:1:11: error: `recovery` must be a map"),
    ("- a\n", "headrace.yaml:1:1: error: the configuration must be a map"),
    ("a: 1\na: 2\n", "headrace.yaml:2:1: error: the key 'a' stands twice in the same map"),
]


@pytest.mark.parametrize(("text", "told"), REFUSED, ids=lambda part: part[:30])
def test_what_is_not_understood_stops_the_start_with_its_place(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused) as refused:
        load(tmp_path, text)
    assert str(refused.value) == told


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused) as refused:
        load(tmp_path, "auth: {}\nacl: {}\nnonsense: 1\n")
    assert str(refused.value).count("headrace.yaml:") == 3


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused, match="can't be read"):
        load_server_config(tmp_path / "nowhere.yaml")
