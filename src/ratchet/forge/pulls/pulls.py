"""Pull requests: opened, labelled, closed, and kept in step with the branches they are of.

The branches are the truth. Whoever moves one calls `on_push`, which brings the refs up to date that GitHub keeps as
well: refs/pull/N/head, the newest commit, and refs/pull/N/merge, that commit merged into the base, for workflows to run
on. Calling it again changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

from ratchet.errors import UsageError
from ratchet.forge import source, tickets
from ratchet.forge.home import REMOTE, Home
from ratchet.forge.pulls import merging
from ratchet.forge.pulls.pull_record import CLOSED, MERGED, Draft, Pull, every, folder, locked, now, read, save
from ratchet.forge.tickets import NOTHING, PULL_REQUEST, Ticket
from ratchet.io.git import git, git_says

# Part of what this module offers, kept elsewhere.
__all__ = ["Draft", "Pull", "every", "folder", "read"]

BRANCHES = "refs/heads/"
FILES_NAMED = 5
"""How many conflicting files a message names."""

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Move:
    """A branch that moved to `sha`; NOTHING says that it was deleted."""

    branch: str
    sha: str
    actor: str


def create(home: Home, draft: Draft) -> tuple[Pull, Ticket | None]:
    """Make a pull request of a branch that was pushed; returns it and its ticket, None while it conflicts.

    Raises UsageError if there is no such branch, nothing in it to merge, or a pull request for it already.
    """
    with locked(home):
        known = every(home)
        head_sha = _check_new(home, draft, known)
        number = max((pull.number for pull in known), default=0) + 1
        made = Pull(number=number, head_sha=head_sha, created=now(), updated=now(), **asdict(draft))
        pull = refresh(home, made)
        return pull, ticket(home, pull, "opened", actor=draft.author, before=NOTHING)


def label(home: Home, number: int, name: str, *, actor: str, remove: bool = False) -> tuple[Pull, Ticket | None]:
    """Put a label on a pull request, or take it off; the ticket is None where that changes or starts nothing."""
    with locked(home):
        pull = read(home, number)
        if (name in pull.labels) is not remove:
            return pull, None
        others = tuple(one for one in pull.labels if one != name)
        pull = save(home, replace(pull, labels=others if remove else (*others, name)))
        action = "unlabeled" if remove else "labeled"
        return pull, ticket(home, pull, action, actor=actor, before=pull.head_sha, body={"label": name})


def close(home: Home, number: int) -> Pull:
    """Close a pull request without merging it; its branch stays. Raises UsageError if it is not open."""
    with locked(home):
        return _end(home, require_open(read(home, number)), CLOSED)


def on_push(
    home: Home, ref: str, before: str, sha: str, actor: str, *, quiet: bool = False, say: Say | None = None
) -> list[Ticket]:
    """What a moved branch means for the open pull requests; returns the tickets of those that it is the head of.

    `before` and `sha` are its commits, NOTHING for none. With `quiet` refs are moved and nothing is to start. What a
    person has to know, such as a conflict, is told to `say`: it is printed by default, as the hook's words reach
    whoever pushes.
    """
    if not ref.startswith(BRANCHES) or not folder(home).exists():
        return []
    with locked(home):
        move = Move(branch=ref.removeprefix(BRANCHES), sha=source.resolve(home, ref) or NOTHING, actor=actor)
        # If it has moved on already, whoever moved it calls, too, and starts what is of the newer head.
        overtaken = move.sha != sha
        known = [
            pull
            for pull in every(home)
            if pull.is_open and (move.branch == pull.base or (move.branch == pull.head and not overtaken))
        ]
        followed = [(pull, _follow(home, pull, move, say or _print)) for pull in known]
        news = [after for pull, after in followed if after.head == move.branch and after.head_sha != pull.head_sha]
        queued = [
            ticket(home, pull, "synchronize", actor=actor, before=before, place=place)
            for place, pull in enumerate(news, start=1)
            if not quiet
        ]
        return [each for each in queued if each]


def refresh(home: Home, pull: Pull) -> Pull:
    """Bring the refs of an open pull request up to date with its head and its base, and save it; hold the lock."""
    base_sha = source.resolve(home, f"{BRANCHES}{pull.base}") or ""
    _set_ref(home, pull.head_ref, pull.head_sha)
    current = source.resolve(home, pull.merge_ref)
    if current and merging.parents(home, current) == [base_sha, pull.head_sha]:
        return save(home, replace(pull, conflicts=()))
    merged = merging.merge(home, base_sha, pull.head_sha)
    if merged.conflicts:
        _drop_ref(home, pull.merge_ref)
    else:
        words = f"Merge {pull.head_sha} into {base_sha}\n"
        made = merging.commit(home, merged.tree, [base_sha, pull.head_sha], words)
        _set_ref(home, pull.merge_ref, made)
    return save(home, replace(pull, conflicts=merged.conflicts))


def ticket(
    home: Home,
    pull: Pull,
    action: str,
    *,
    actor: str,
    before: str,
    place: int = 0,
    body: Mapping[str, Any] | None = None,
) -> Ticket | None:
    """The ticket of an event on a pull request; None if it is not open or conflicts, as GitHub runs nothing then."""
    sha = source.resolve(home, pull.merge_ref) if pull.is_open and not pull.conflicts else None
    if sha is None:
        return None
    return Ticket(
        name=tickets.new_name(place),
        event=PULL_REQUEST,
        ref=pull.merge_ref,
        before=before,
        sha=sha,
        actor=actor,
        action=action,
        number=pull.number,
        head=pull.head_sha,
        base=pull.base,
        body=body or {},
    )


def require_open(pull: Pull) -> Pull:
    """The pull request itself. Raises UsageError if it is merged or closed."""
    if not pull.is_open:
        raise UsageError(f"pull request {pull.number} is {pull.state} already", next_step="ratchet pr list")
    return pull


def conflict_words(pull: Pull) -> str:
    """What to say about a pull request that conflicts: where, and how to mend it."""
    more = f" and {len(pull.conflicts) - FILES_NAMED} more" if len(pull.conflicts) > FILES_NAMED else ""
    return (
        f"pull request {pull.number} conflicts with {pull.base} in {', '.join(pull.conflicts[:FILES_NAMED])}{more}; "
        f"nothing runs until it is mended\n  next: git fetch {REMOTE} && git merge {REMOTE}/{pull.base}, mend the "
        f"files (dvc.lock merges itself after ratchet merge-driver install), git push {REMOTE} HEAD:{pull.head}"
    )


def _follow(home: Home, pull: Pull, move: Move, say: Say) -> Pull:
    """One open pull request after one of its branches moved, saved."""
    if move.sha == NOTHING:
        say(f"pull request {pull.number} is closed: the branch {move.branch} is gone")
        return _end(home, pull, CLOSED)
    now_here = replace(pull, head_sha=move.sha) if move.branch == pull.head else pull
    tip = source.resolve(home, f"{BRANCHES}{pull.base}") or NOTHING
    if landed := _landed(home, now_here, tip):
        say(f"pull request {pull.number} is merged")
        by, past = (pull.merged_by, pull.past) if landed in pull.landings else (move.actor, "")
        return _end(home, replace(now_here, merged_sha=landed, merged_by=by, past=past), MERGED)
    if merging.contains(home, tip, now_here.head_sha):
        # The head was moved to what the base has: nothing of the pull request is left, and nothing of it was merged.
        say(f"pull request {pull.number} is closed: {pull.base} has all of {pull.head}")
        return _end(home, now_here, CLOSED)
    after = refresh(home, now_here)
    if after.conflicts and (move.branch == pull.head or not pull.conflicts):
        say(conflict_words(after))
    return after


def _landed(home: Home, pull: Pull, tip: str) -> str:
    """The commit of the base with which the pull request came in, or nothing if it did not."""
    for made in reversed(pull.landings):
        if merging.contains(home, tip, made):
            return made
    # What was the head until now counts: a branch that is moved back to its base has not been merged.
    was = source.resolve(home, pull.head_ref)
    return tip if was == pull.head_sha and merging.contains(home, tip, was) else ""


def _end(home: Home, pull: Pull, state: Any) -> Pull:
    _drop_ref(home, pull.merge_ref)
    if pull.head_sha:
        _set_ref(home, pull.head_ref, pull.head_sha)
    return save(home, replace(pull, state=state, conflicts=(), closed=now()))


def _check_new(home: Home, draft: Draft, known: list[Pull]) -> str:
    """The commit of the branch, if a pull request can be made of it."""
    head, base = (_tip(home, branch) for branch in (draft.head, draft.base))
    for pull in known:
        if pull.is_open and (pull.head, pull.base) == (draft.head, draft.base):
            raise UsageError(
                f"pull request {pull.number} is open for {draft.head} already",
                next_step=f"a push to it is enough: git push {REMOTE} HEAD:{draft.head}",
            )
    if merging.contains(home, base, head):
        raise UsageError(f"{draft.base} has all of {draft.head}: there is nothing to merge", next_step="commit first")
    if git_says(["merge-base", base, head], cwd=home.origin) is None:
        raise UsageError(
            f"{draft.head} and {draft.base} have no commit in common",
            next_step=f"begin the branch from {draft.base}: git switch --create NAME {REMOTE}/{draft.base}",
        )
    return head


def _tip(home: Home, branch: str) -> str:
    sha = source.resolve(home, f"{BRANCHES}{branch}")
    if sha is None:
        raise UsageError(f"the forge has no branch {branch}", next_step=f"git push {REMOTE} {branch}")
    return sha


def _set_ref(home: Home, ref: str, sha: str) -> None:
    git(["update-ref", ref, sha], cwd=home.origin)


def _drop_ref(home: Home, ref: str) -> None:
    git(["update-ref", "-d", ref], cwd=home.origin)


def _print(line: str) -> None:
    # Whoever pushed may have gone away: what the push starts does not depend on that.
    with suppress(OSError):
        print(line, flush=True)
