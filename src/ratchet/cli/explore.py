"""The command that shows data as pages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from ratchet.cli.common import example, settings_of
from ratchet.cli.data import data


def register(_app: typer.Typer) -> None:
    """Add the command to those about data."""
    data.command(epilog=example("ratchet data explore", "ratchet data explore 2013-07 --out pages"))(explore)


def explore(
    context: typer.Context,
    batches: Annotated[Optional[list[str]], typer.Argument(help="Only these batches; all by default.")] = None,
    out: Annotated[
        Optional[Path], typer.Option(help="The folder of the pages; reports/explore by default.", file_okay=False)
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Make every page again, not only new and changed ones.")
    ] = False,
) -> None:
    """Write pages to look at data: one for each batch, and one over batches with drift, missing values and target."""
    from ratchet.flows.explore import explore

    typer.echo(explore(settings_of(context), batches=batches or [], out=out, force=force).index)
