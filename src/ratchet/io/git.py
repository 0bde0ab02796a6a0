"""Git, through its own command: argument lists, no prompt, no pager, and its words in the error."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from ratchet.errors import ServiceFailed
from ratchet.settings import Secret

LOCATORS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX", "GIT_QUARANTINE_PATH")
"""Variables a hook inherits; with them git would act on the hook's repository instead of `cwd`."""

MACHINE = {
    "GIT_AUTHOR_NAME": "ratchet", "GIT_AUTHOR_EMAIL": "ratchet@localhost",
    "GIT_COMMITTER_NAME": "ratchet", "GIT_COMMITTER_EMAIL": "ratchet@localhost",
}  # fmt: skip
"""Whose commits the machine makes: the ledger's, where the entry says who acted, and those that publish a lock."""


def git(
    args: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    input: bytes | None = None,
    strip: bool = True,
) -> str:
    """Run git in `cwd` and return what it prints, without the last newlines unless `strip` is off.

    Raises ServiceFailed with git's words.
    """
    said = git_bytes(args, cwd=cwd, env=env, input=input).decode(errors="surrogateescape")
    return said.rstrip("\n") if strip else said


def git_bytes(
    args: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None, input: bytes | None = None
) -> bytes:
    """Like `git`, with what it prints as it is: file contents, of which one may be long."""
    done = _run(args, cwd=cwd, env=env, input=input)
    if done.returncode != 0:
        words = done.stderr.decode(errors="replace").strip() or f"exit code {done.returncode}"
        raise ServiceFailed(f"git {args[0]} failed in {cwd}: {words}", next_step="mend what git says and try again")
    return done.stdout


def git_says(args: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None) -> str | None:
    """Like `git`, for questions whose answer may be no: None where git exits with an error."""
    done = _run(args, cwd=cwd, env=env, input=None)
    return done.stdout.decode(errors="surrogateescape").rstrip("\n") if done.returncode == 0 else None


def _run(
    args: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None, input: bytes | None
) -> subprocess.CompletedProcess[bytes]:
    # Without input, an empty one: git must never wait for a person.
    return subprocess.run(
        ["git", *args], cwd=cwd, env=environment(env), input=input or b"", capture_output=True, check=False
    )


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables that git is started with, and `more`: as this process has them, but for what would mislead it."""
    kept = {name: value for name, value in os.environ.items() if name not in LOCATORS}
    return kept | {"GIT_TERMINAL_PROMPT": "0", "GIT_PAGER": "cat", "LC_ALL": "C.UTF-8", **(more or {})}


def token_environment(token: Secret) -> dict[str, str]:
    """Variables that let git push over https with `token`, without writing it to a file or an argument list."""
    if not token.value:
        return {}
    basic = base64.b64encode(f"x-access-token:{token.value}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.extraheader",
        "GIT_CONFIG_VALUE_0": f"AUTHORIZATION: basic {basic}",
    }


def head_commit(root: Path) -> str:
    """The full hash of HEAD, or an empty string outside a repository or before the first commit."""
    return git_says(["rev-parse", "--verify", "--quiet", "HEAD"], cwd=root) or ""


def ledger_remote(root: Path, configured: str) -> str:
    """The remote that holds the ledger: the configured one, else `origin` if there is one, else this repository."""
    if configured:
        return configured
    remotes = (git_says(["remote"], cwd=root) or "").split()
    return "origin" if "origin" in remotes else "."
