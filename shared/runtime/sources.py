"""Where the files of workspaces and libraries are: a folder or a git repository."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.definition.read_part import read_part
from shared.definition.report import Place, Report, suggest

_LATER = frozenset({"auth", "acl"})
_SCHEMES = ("https://", "ssh://", "file://")
_SCP_LIKE = re.compile(r"[A-Za-z0-9._-]+@[A-Za-z0-9._-]+:(?!/?/)[^\x00-\x20]+")
_URL = re.compile(r"[^\x00-\x20\x7f]+")
_REF = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/+-]{0,199}")


@dataclass(frozen=True, slots=True)
class FolderSource:
    """A folder on the scheduler's machine."""

    path: Path


@dataclass(frozen=True, slots=True)
class GitSource:
    """A git repository: `ref` is a branch, a tag or the full id of a commit."""

    url: str
    ref: str = "main"
    poll_every: timedelta = timedelta(seconds=60)


Source = FolderSource | GitSource


class _Written(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class _Folder(_Written):
    type: Literal["folder"]
    path: str


class _Git(_Written):
    type: Literal["git"]
    url: str
    ref: str = "main"
    poll_interval_secs: int = Field(60, ge=1, le=86_400)


def read_source(report: Report, place: Place, folder: Path) -> Source | None:
    """The source as written; a relative path starts at `folder`. None: what is wrong is told in `report`."""
    if place.data.get("type") == "git":
        return _read_git(report, place, folder)
    _check_keys(report, place, set(_Folder.model_fields), _LATER | set(_Git.model_fields))
    written = read_part(_Folder, place.data, report, place)
    return None if written is None else FolderSource((folder / written.path).resolve())


def _read_git(report: Report, place: Place, folder: Path) -> GitSource | None:
    _check_keys(report, place, set(_Git.model_fields), _LATER | set(_Folder.model_fields))
    written = read_part(_Git, place.data, report, place)
    if written is None:
        return None
    trouble = find_trouble(written.url)
    if trouble:
        report.error(place.down("url"), trouble)
        return None
    if not is_ref(written.ref):
        report.error(place.down("ref"), f"'{written.ref}' is no name of a branch or tag and no id of a commit")
        return None
    is_address = written.url.startswith(_SCHEMES) or _SCP_LIKE.fullmatch(written.url)
    url = written.url if is_address else str((folder / written.url).resolve())
    return GitSource(url, written.ref, timedelta(seconds=written.poll_interval_secs))


def find_trouble(url: str) -> str | None:
    """Why git is not given this address: it could be an option of git's, or name a program to run."""
    if not _URL.fullmatch(url) or url.startswith("-"):
        return "a git `url` has no blanks and doesn't start with '-'"
    if url.startswith(_SCHEMES):
        rest = url.partition("://")[2]
        is_bad = not rest or rest.startswith("-") or rest.rpartition("@")[2].startswith("-")
        return "a host's name doesn't start with '-'" if is_bad else None
    if "::" in url or "://" in url or (":" in url and not _SCP_LIKE.fullmatch(url)):
        return "a git `url` starts with https://, ssh:// or file://, or is user@host:path or the path of a folder"
    return None


def is_ref(ref: str) -> bool:
    """Whether it may be a branch, a tag or a commit's id; nothing that git would read as an expression."""
    return bool(_REF.fullmatch(ref)) and ".." not in ref and "//" not in ref and not ref.endswith((".lock", "/", "."))


def _check_keys(report: Report, place: Place, known: set[str], later: set[str] | frozenset[str]) -> None:
    told: Mapping[str, str] = dict.fromkeys(later - known, "it would have no effect")
    check_keys(report, place, known, told)


def check_keys(report: Report, place: Place, known: set[str], later: Mapping[str, str]) -> None:
    """Nothing is passed over: a key without effect may be one that its author relies on."""
    for key in place.data:
        if key in later:
            spot = place.down(key)
            report.error(spot, f"`{key}` is not supported in this release: {later[key]}", fix="remove it", is_key=True)
        elif key not in known:
            report.error(place.down(key), f"unknown key '{key}'", fix=suggest(key, known), is_key=True)
