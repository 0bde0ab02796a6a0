"""`ratchet data offer`."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from ratchet.cli.common import example, settings_kept
from ratchet.cli.data import data


def register(_app: typer.Typer) -> None:
    """Add the command to those about data."""
    data.command(epilog=example('ratchet data offer --base "$BRANCH"'))(offer)


def offer(
    context: typer.Context,
    base: Annotated[str, typer.Option(help="The branch that is checked out, and that the requests are for.")] = "main",
    remote: Annotated[str, typer.Option(help="The git remote.")] = "origin",
    limit: Annotated[Optional[int], typer.Option(min=1, help="Ask for at most so many new batches.")] = None,
) -> None:
    """Ask the source for new batches and open a pull request for each, as ingest.yaml does by itself."""
    from ratchet.flows.offer import Wish, offer

    opened = offer(settings_kept(context), Wish(base=base, remote=remote, limit=limit))
    typer.echo(f"{len(opened)} pull requests opened: {', '.join(opened)}" if opened else "no pull request to open")
