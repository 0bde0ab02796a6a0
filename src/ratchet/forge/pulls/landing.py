"""Merging a pull request: checked, made into one commit in the bare repository, and pushed like anybody's.

The push is what compares and sets: it is refused if the base moved meanwhile. And as it is a push, the hook queues its
workflows, shows how they go, and marks the pull request merged; so nothing is lost if this process is killed half way.
"""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path

from ratchet.errors import PromotionRefused, ServiceFailed, UsageError
from ratchet.forge import conversation, source
from ratchet.forge.home import Home
from ratchet.forge.pulls import merging, pulls
from ratchet.forge.pulls.merging import Person
from ratchet.forge.pulls.pull_record import Pull, locked, save
from ratchet.forge.pulls.pulls import BRANCHES
from ratchet.io.git import LOCATORS, git

REQUIRED = "required-statuses"
"""The file in the forge's home that names the statuses without which nothing is merged, one on a line."""

GATE = "ratchet/gate"
"""The status that is required where there is no such file."""

SUCCESS = "success"
TRIES = 8
"""How often a merge is made anew because the base moved while it was made, or somebody else was just moving it."""

PAUSE_SECONDS = 0.1
"""Between two of them."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """How a person wants a pull request merged: who, as whom the commit is, and past which rules, with the reason."""

    number: int
    actor: str
    author: Person
    squash: bool = False
    admin: bool = False
    reason: str = ""


def land(home: Home, wish: Wish) -> Pull:
    """Merge a pull request into its base, and show the workflows that this starts.

    Raises UsageError if it is not open, PromotionRefused if it conflicts or a required status is no success, and
    ServiceFailed if the base moves all the time.
    """
    if wish.admin and not wish.reason.strip():
        raise UsageError("--admin merges past the rules, and needs a reason", next_step='add --reason "..."')
    for _ in range(TRIES):
        with locked(home):
            pull = _prepare(home, wish)
        made = pull.landings[-1]
        before = merging.parents(home, made)[0]
        if push(home.origin, str(home.origin), f"{made}:{BRANCHES}{pull.base}", actor=wish.actor):
            # The hook has done this; if it could not, this does.
            pulls.on_push(home, f"{BRANCHES}{pull.base}", before, made, wish.actor)
            return pulls.read(home, wish.number)
        time.sleep(PAUSE_SECONDS)
    raise ServiceFailed(
        f"{TRIES} pushes to {pull.base} were refused; git's words are above",
        next_step="if somebody else was faster each time, the same command again; else mend what git says",
    )


def push(folder: Path, remote: str, refspec: str, *, actor: str) -> bool:
    """Push as `actor`, and let whoever runs this read along; whether it was accepted."""
    clean = {name: value for name, value in os.environ.items() if name not in LOCATORS}
    done = subprocess.run(
        ["git", "push", "--quiet", remote, refspec],
        cwd=folder,
        env={**clean, "RATCHET_ACTOR": actor, "GIT_TERMINAL_PROMPT": "0"},
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode == 0


def required(home: Home) -> tuple[str, ...]:
    """The statuses that a pull request needs; what stands after # in their file is a remark."""
    path = home.root / REQUIRED
    if not path.is_file():
        return (GATE,)
    lines = (line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return tuple(line for line in lines if line)


def missing(home: Home, pull: Pull) -> list[str]:
    """The required statuses that the newest commit does not have as a success, each with what it has instead."""
    known = {status.context: status for status in conversation.statuses(home, pull.head_sha)}
    states = {name: known[name].state if name in known else "not there" for name in required(home)}
    return [f"{name}: {state}" for name, state in states.items() if state != SUCCESS]


def _prepare(home: Home, wish: Wish) -> Pull:
    """The pull request with the commit that is to land as the last of its landings, kept before it is pushed."""
    pull = pulls.refresh(home, pulls.require_open(pulls.read(home, wish.number)))
    if pull.conflicts:
        raise PromotionRefused(pulls.conflict_words(pull), next_step=f"then again: ratchet pr merge {pull.number}")
    absent = missing(home, pull)
    if absent and not wish.admin:
        raise PromotionRefused(
            f"pull request {pull.number} lacks what {pull.base} requires of {pull.head_sha[:9]}: {', '.join(absent)}",
            next_step=f"ratchet pr show {pull.number} says where it stands; past the rule, for a reason: "
            f'ratchet pr merge {pull.number} --admin --reason "..."',
        )
    past = f"{', '.join(absent)}; by {wish.actor}: {wish.reason}" if absent else ""
    made = _commit(home, pull, wish, past)
    return save(home, replace(pull, landings=(*pull.landings, made), past=past, merged_by=wish.actor))


def _commit(home: Home, pull: Pull, wish: Wish, past: str) -> str:
    """One commit on the base with the tree that the workflows ran on; squashed, the head is no parent of it."""
    merge = source.resolve(home, pull.merge_ref) or ""
    base = merging.parents(home, merge)[0]
    tree = git(["rev-parse", f"{merge}^{{tree}}"], cwd=home.origin)
    above = f"Past the required statuses: {past}" if past else ""
    if wish.squash:
        words = _paragraphs(f"{pull.title} (#{pull.number})", pull.body, above)
        return merging.commit(home, tree, [base], words, _first_author(home, base, pull.head_sha))
    words = _paragraphs(f"Merge pull request #{pull.number} from {pull.head}", pull.title, above)
    return merging.commit(home, tree, [base, pull.head_sha], words, wish.author)


def _paragraphs(*parts: str) -> str:
    return "\n\n".join(filter(None, (part.strip() for part in parts))) + "\n"


def _first_author(home: Home, base: str, head: str) -> Person:
    """Who began the branch: its last commit may be the machine's."""
    lines = git(["log", "--reverse", "--format=%an%x09%ae", f"{base}..{head}"], cwd=home.origin).splitlines()
    name, _, email = lines[0].partition("\t")
    return Person(name=name, email=email)
