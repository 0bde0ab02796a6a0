"""The command that takes labels in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ratchet.cli.common import SERVE, example, settings_of


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("labels", rich_help_panel=SERVE, epilog=example("ratchet labels july.csv"))(labels)


def labels(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="CSV or Parquet with the columns id (ID/0, ID/1, …) and label.", dir_okay=False)
    ],
) -> None:
    """Take in what turned out to be true of rows that were answered: canaries are judged by it."""
    from ratchet.flows.labels import add_labels

    added = add_labels(settings_of(context), file)
    typer.echo(f"{added.new:,} labels are new" + (f", {added.known:,} were known" if added.known else ""))
