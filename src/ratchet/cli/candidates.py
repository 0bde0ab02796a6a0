"""Commands of people who decide about candidates: what waits, yes, no, not yet, not now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Optional

import typer

from ratchet.cli.common import REGISTRY, example, settings_of, settings_of_any
from ratchet.cli.notify import telling
from ratchet.cli.typed import typed, typed_for

if TYPE_CHECKING:
    from ratchet.core.ledger_entries import FreezeEntry
    from ratchet.flows.opinions import Kind

Version = Annotated[int, typer.Argument(help="The version; ratchet queue lists them.")]
Reason = Annotated[str, typer.Option(help="Why; it stands in the ledger.", prompt=True)]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    add = app.command
    add("queue", rich_help_panel=REGISTRY, epilog=example("ratchet queue", "ratchet queue --all"))(queue)
    add("approve", rich_help_panel=REGISTRY, epilog=example('ratchet approve 7 --reason "looked at the slices"'))(
        telling(approve)
    )
    add("reject", rich_help_panel=REGISTRY, epilog=example('ratchet reject 7 --reason "trained on a test batch"'))(
        telling(reject)
    )
    add("hold", rich_help_panel=REGISTRY, epilog=example('ratchet hold 7 --reason "wait for the audit"'))(telling(hold))
    add("release", rich_help_panel=REGISTRY, epilog=example('ratchet release 7 --reason "audit is through"'))(
        telling(release)
    )
    add("freeze", rich_help_panel=REGISTRY, epilog=example('ratchet freeze --until 2026-12-27 --reason "holidays"'))(
        telling(freeze)
    )
    add("thaw", rich_help_panel=REGISTRY, epilog=example('ratchet thaw --reason "all back"'))(telling(thaw))


def queue(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Those that are decided as well.")] = False,
    json: Annotated[bool, typer.Option("--json", help="As JSON lines.")] = False,
) -> None:
    """Say which versions wait, for what and for whom, and how long; of all models."""
    from ratchet.cli.queue_text import queue_json, queue_table
    from ratchet.flows.queue import queue

    settings = settings_of_any(context)
    waiting = queue(settings, closed=everything)
    if json:
        typer.echo("\n".join(queue_json(each) for each in waiting))
        return
    blocks = (typed_for(context, queue_table([each]), each.candidate.entry.model, settings.root) for each in waiting)
    typer.echo("\n".join(blocks) or "nothing waits")


def approve(context: typer.Context, version: Version, reason: Reason) -> None:
    """Say yes to a version, where its phases ask for it; whoever made the change cannot."""
    _say(context, version, "approval", reason)


def reject(context: typer.Context, version: Version, reason: Reason) -> None:
    """Say no to a version, for good."""
    _say(context, version, "rejection", reason)


def hold(context: typer.Context, version: Version, reason: Reason) -> None:
    """Stop a version where it is, until it is released."""
    _say(context, version, "hold", reason)


def release(context: typer.Context, version: Version, reason: Reason) -> None:
    """Let a version that was held go on."""
    _say(context, version, "release", reason)


def _say(context: typer.Context, version: int, kind: Kind, reason: str) -> None:
    from ratchet.flows.opinions import give_opinion

    found, written = give_opinion(settings_of(context), version, kind, reason=reason)
    again = "" if written else " (said before)"
    typer.echo(typed(context, f"version {found.version} is {found.state}: {found.why}{again}"))


def freeze(
    context: typer.Context,
    reason: Reason,
    until: Annotated[Optional[str], typer.Option(help="A moment, ISO 8601; until a thaw by default.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All models of the repository.")] = False,
) -> None:
    """Promote nothing for a while; going back stays possible."""
    from ratchet.flows.freeze import freeze

    entry = freeze(settings_of(context), reason=reason, until=until, everything=everything)
    typer.echo(typed(context, f"{_called(entry)} (ledger entry {entry.sequence})"))


def _called(entry: FreezeEntry) -> str:
    what = "all models" if entry.everything else entry.model
    return f"{what}: frozen until {entry.until or ('ratchet thaw --all' if entry.everything else 'ratchet thaw')}"


def thaw(
    context: typer.Context,
    reason: Reason,
    everything: Annotated[bool, typer.Option("--all", help="End a freeze of all models.")] = False,
) -> None:
    """End a freeze."""
    from ratchet.flows.freeze import lasting, thaw

    settings = settings_of(context)
    entry = thaw(settings, reason=reason, everything=everything)
    left = lasting(settings)
    said = [f"thawed (ledger entry {entry.sequence})"] if entry else []
    said += [_called(left)] if left else [] if entry else ["nothing is frozen"]
    typer.echo(typed(context, "; ".join(said)))
