"""`ratchet data erase`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from ratchet.cli.common import example, settings_of
from ratchet.cli.data import data
from ratchet.cli.notify import telling

if TYPE_CHECKING:
    from ratchet.flows.erase import Erased

EXAMPLES = ('ratchet data erase 2013-07 --reason "withdrawn consent, case 4711"', "ratchet data erase")


def register(_app: typer.Typer) -> None:
    """Add the command to those about data."""
    data.command(epilog=example(*EXAMPLES))(telling(erase))


def erase(
    context: typer.Context,
    batches: Annotated[
        Optional[list[str]], typer.Argument(help="Batches; without any, what the ledger says was erased.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; it stands in the ledger.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, take nothing away.")] = False,
) -> None:
    """Erase batches for good: from the work tree, DVC's cache and remote, with what stages made of their rows.

    The ledger says so first. Without names: take away, in this clone, what was erased elsewhere, or only in part.
    """
    from ratchet.flows.erase import Wish, erase

    done = erase(settings_of(context), Wish(batches=tuple(batches or ()), reason=reason, dry_run=dry_run))
    for line in _lines(done, dry_run=dry_run):
        typer.echo(line)


def _lines(done: Erased, *, dry_run: bool) -> Iterator[str]:
    from ratchet.core.erasure import erased_words
    from ratchet.core.ledger_words import versions

    if not done.batches:
        yield "the ledger says of no batch that it was erased"
        return
    yield from (f"{', '.join(entry.batches)}: {erased_words(entry)}" for entry in done.entries)
    yield from _taken(done, "would go" if dry_run else "gone")
    if done.trained or done.judged:
        yield f"learned from the rows: {versions(done.trained)}; judged on them: {versions(done.judged)}"
        serving = done.serving in (*done.trained, *done.judged)
        yield f"models stay as they are{f', and version {done.serving} serves' if serving else ''}"
    if done.late:
        yield f"rows that came late for them are batches of their own: {', '.join(done.late)}"
    if dry_run:
        yield "nothing was written, and nothing taken away"
    elif done.traces.paths:
        yield "next: git add --all data, git commit, git push; ratchet run; in every other clone: ratchet data erase"


def _taken(done: Erased, how: str) -> Iterator[str]:
    """What was there, of each place."""
    found = done.traces
    if found.none:
        yield f"nothing of {', '.join(done.batches)} is here"
        return
    remote = "no DVC remote is known here" if found.remote is None else f"{len(found.remote):,} of DVC's remote"
    yield f"{how}: {len(found.cached):,} objects of DVC's cache, {remote}"
    if found.paths:
        yield f"{how} in the work tree: {', '.join(found.paths)}"
    if found.kept:
        yield f"kept: {len(found.kept):,} objects that {', '.join(sorted(set(found.kept.values())))} needs as well"
