"""Commands about the ledger itself: whether it is whole, and a page of it to hand on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ratchet.cli.common import REGISTRY, example, settings_of
from ratchet.errors import TamperedFile

SHOWN = 10
"""Problems of one check that are listed."""

ledger = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(ledger, name="ledger", rich_help_panel=REGISTRY, help="Verify the ledger; make a page of it.")


@ledger.command(epilog=example("ratchet ledger verify", "ratchet ledger verify --deep"))
def verify(
    context: typer.Context,
    deep: Annotated[
        bool, typer.Option("--deep", help="Fetch what MLflow keeps of each version, and hold it against the ledger.")
    ] = False,
    accept: Annotated[
        bool, typer.Option("--accept", help="Take the branch as it is now; forget what this clone has seen otherwise.")
    ] = False,
) -> None:
    """Say whether anything in the ledger was edited, dropped, moved, cut off or written past the rules."""
    from ratchet.flows.ledger_verify import verify

    wrong = 0
    for check in verify(settings_of(context), deep=deep, accept=accept):
        typer.echo(f"{'WRONG' if check.problems else 'ok':>5}  {check.name}: {check.said}")
        for problem in check.problems[:SHOWN]:
            typer.echo(f"       {problem}")
        if len(check.problems) > SHOWN:
            typer.echo(f"       and {len(check.problems) - SHOWN:,} more")
        wrong += len(check.problems)
    if wrong:
        raise TamperedFile(
            f"the ledger was looked at, and {wrong} {'thing is' if wrong == 1 else 'things are'} wrong",
            next_step="compare with another clone: ratchet ledger verify there; docs/registry.md says what each means",
        )


@ledger.command(epilog=example("ratchet ledger export ledger.html"))
def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The page to write.", dir_okay=False)],
) -> None:
    """Write the ledger as one page that needs nothing beside it: what served when, all entries, what waits."""
    from ratchet.flows.ledger_export import export

    written = export(settings_of(context), file)
    typer.echo(f"{file}: {written.entries:,} entries of {written.model}, head {written.head}")
