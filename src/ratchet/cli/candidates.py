"""Commands of people who decide about candidates: what waits, yes, no, not yet, not now."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from ratchet.cli.common import REGISTRY, example, settings_of
from ratchet.cli.notify import telling

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

    waiting = queue(settings_of(context), closed=everything)
    if json:
        typer.echo("\n".join(queue_json(each) for each in waiting))
    else:
        typer.echo(queue_table(waiting) if waiting else "nothing waits")


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


def _say(context: typer.Context, version: int, kind: str, reason: str) -> None:
    from ratchet.flows.opinions import Kind, say

    kinds: dict[str, Kind] = {
        "approval": "approval", "rejection": "rejection", "hold": "hold", "release": "release"
    }  # fmt: skip
    found, written = say(settings_of(context), version, kinds[kind], reason=reason)
    again = "" if written else " (said before)"
    typer.echo(f"version {found.version} is {found.state}: {found.why}{again}")


def freeze(
    context: typer.Context,
    reason: Reason,
    until: Annotated[Optional[str], typer.Option(help="A moment, ISO 8601; until a thaw by default.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All models of the repository.")] = False,
) -> None:
    """Promote nothing for a while; going back stays possible."""
    from ratchet.flows.freeze import freeze

    entry = freeze(settings_of(context), reason=reason, until=until, everything=everything)
    what = "all models" if entry.everything else entry.model
    typer.echo(f"{what}: frozen until {entry.until or 'ratchet thaw'} (ledger entry {entry.sequence})")


def thaw(
    context: typer.Context,
    reason: Reason,
    everything: Annotated[bool, typer.Option("--all", help="End a freeze of all models.")] = False,
) -> None:
    """End a freeze."""
    from ratchet.flows.freeze import thaw

    entry = thaw(settings_of(context), reason=reason, everything=everything)
    typer.echo(f"thawed (ledger entry {entry.sequence})" if entry else "nothing is frozen")
