"""A bare git repository on disk, for tests."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

_ENVIRON = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "GIT_ALLOW_PROTOCOL": "file",
}


class GitRepository:
    """`bare` is what a server would offer; commits are made in a working tree beside it."""

    def __init__(self, home: Path) -> None:
        self.bare = home / "repository.git"
        self.tree = home / "tree"
        home.mkdir(parents=True, exist_ok=True)
        self._git(home, "init", "--quiet", "--bare", "--initial-branch=main", str(self.bare))
        self._git(home, "init", "--quiet", "--initial-branch=main", str(self.tree))

    def commit(self, files: Mapping[str, str | None], *, branch: str = "main") -> str:
        """Write these files (None: remove), commit and push them; answers the commit's id."""
        for name, text in files.items():
            path = self.tree / name
            if text is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return self.push(branch=branch)

    def push(self, *, branch: str = "main") -> str:
        """Commit the working tree as it is and push it; answers the commit's id."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "a change")
        self.git("push", "--quiet", "--force", str(self.bare), f"HEAD:refs/heads/{branch}")
        return self.git("rev-parse", "HEAD")

    def git(self, *arguments: str) -> str:
        """Run git in the working tree."""
        return self._git(self.tree, *arguments)

    def _git(self, folder: Path, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, env=os.environ | _ENVIRON, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()
