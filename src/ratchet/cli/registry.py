"""Commands about what serves: promote, look back, go back."""

from __future__ import annotations

from pathlib import Path
from shutil import get_terminal_size
from typing import Annotated, Optional

import typer

from ratchet.cli.common import REGISTRY, example, settings_of


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("promote", rich_help_panel=REGISTRY, epilog=example("ratchet promote", "ratchet promote RUN_ID"))(
        promote
    )
    app.command("rollback", rich_help_panel=REGISTRY, epilog=example('ratchet rollback --reason "slow on Sundays"'))(
        rollback
    )
    app.command(
        "history", rich_help_panel=REGISTRY, epilog=example("ratchet history", "ratchet history --at 2026-03-01")
    )(history)
    app.command("reconcile", rich_help_panel=REGISTRY, epilog=example("ratchet reconcile"))(reconcile)


def promote(
    context: typer.Context,
    run_id: Annotated[Optional[str], typer.Argument(help="An MLflow run; the run of what is here by default.")] = None,
    reason: Annotated[str, typer.Option(help="Why, for the ledger; the gate's words by default.")] = "",
) -> None:
    """Let a recorded model serve, if its decision says so and nobody was faster."""
    from ratchet.flows.promote import promote

    entry = promote(settings_of(context), run_id, reason=reason, trial=warn_of_raw_rows)
    typer.echo(f"version {entry.version} of {entry.model} serves (ledger entry {entry.sequence})")


def rollback(
    context: typer.Context,
    reason: Annotated[str, typer.Option(help="Why; it stands in the ledger.", prompt=True)],
) -> None:
    """Return to the version that served before."""
    from ratchet.flows.promote import rollback

    entry = rollback(settings_of(context), reason=reason, trial=warn_of_raw_rows)
    typer.echo(f"version {entry.version} of {entry.model} serves again (ledger entry {entry.sequence})")


def warn_of_raw_rows(folder: Path) -> None:
    """Say it if a server would answer no raw rows with this model. It is promoted all the same: it takes features."""
    from ratchet.serving.raw.rows import rehearse

    if why := rehearse(folder):
        typer.echo(f"warning: POST /predict/raw is going to answer 501: {why}", err=True)


def history(
    context: typer.Context,
    at: Annotated[
        Optional[str], typer.Option(help="Only what served at this moment, ISO 8601; UTC if no zone.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON lines.")] = False,
) -> None:
    """Say what served when, who put it there, and on what numbers; the newest is last."""
    from ratchet.cli.ledger_text import entry_text
    from ratchet.flows.history import history
    from ratchet.io.room import read_params

    settings = settings_of(context)
    entries = history(settings, at=at)
    if json:
        typer.echo("\n".join(entry.model_dump_json() for entry in entries))
    elif entries:
        metric = read_params(settings.root).gate.metric
        width = get_terminal_size().columns
        typer.echo("\n\n".join(entry_text(entry, metric=metric, width=width) for entry in entries))
    else:
        typer.echo("nothing served then" if at else "nothing serves yet: ratchet promote")


def reconcile(context: typer.Context) -> None:
    """Let MLflow's alias follow the ledger again, after a crash or a move by hand."""
    from ratchet.flows.promote import reconcile

    found = reconcile(settings_of(context))
    if found.serving is None:
        typer.echo("nothing serves yet")
    elif found.moved:
        typer.echo(f"the alias pointed to version {found.alias or 'none'}; it points to {found.serving.version} again")
    else:
        typer.echo(f"ledger and alias agree: version {found.serving.version} serves")
