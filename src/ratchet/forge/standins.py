"""Third-party actions, served from this machine.

act fetches every remote action of a job before its first step. A stand-in is a small action of ours that does what the
real one does, as far as this repository needs it, without a network. One folder each: `standins/<owner>/<repository>`.
What a stand-in does not do is no input of it, and a step that asks for it is an error before anything runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import yaml

from ratchet.errors import UsageError
from ratchet.forge.jobs import Use

FOLDER = Path(__file__).resolve().parent / "standins"


def arguments(uses: Iterable[Use]) -> list[str]:
    """act's arguments that serve `uses` from here. Raises UsageError that names a missing stand-in or input."""
    pairs = {f"{use.repository}@{use.version}={stand_in(use)}" for use in uses}
    return [argument for pair in sorted(pairs) for argument in ("--local-repository", pair)]


def stand_in(use: Use) -> Path:
    """The folder that stands in for a repository of actions. Raises UsageError if it cannot."""
    folder = FOLDER / use.repository
    action = folder / use.folder / "action.yml"
    if not action.is_file():
        raise UsageError(
            f"{use.where} uses {'/'.join(filter(None, (use.repository, use.folder)))}, which has no stand-in here",
            next_step=f"do it with a step of your own, or write {action.relative_to(FOLDER.parent)}",
        )
    if missing := sorted(set(use.keys) - inputs(action)):
        raise UsageError(
            f"{use.where} gives {missing[0]} to {use.repository}, whose stand-in has no such input",
            next_step="leave it out, or teach the stand-in",
        )
    return folder


def inputs(action: Path) -> set[str]:
    """The names of an action's inputs."""
    return set(yaml.safe_load(action.read_text(encoding="utf-8")).get("inputs") or {})
