"""Commands about data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from ratchet.cli.common import DATA, example, settings_of
from ratchet.cli.typed import from_here

data = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(data, name="data", rich_help_panel=DATA, help="Bring batches in, list them, fetch what git tracks.")


@data.command(epilog=example("ratchet data pull --until 2013-07", "ratchet data pull --dry-run"))
def pull(
    context: typer.Context,
    until: Annotated[Optional[str], typer.Option(help="The last batch to take; all there are by default.")] = None,
    limit: Annotated[Optional[int], typer.Option(min=1, help="Take at most so many.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Ask the source, say what would come, take nothing.")
    ] = False,
) -> None:
    """Collect new batches from the source in params.yaml; each is checked, then immutable and tracked by DVC."""
    from ratchet.flows.pull import Ask, preview, pull

    ask = Ask(until=until, limit=limit)
    settings = settings_of(context)
    new = (preview if dry_run else pull)(settings, ask)
    if new and not dry_run:
        place = from_here(settings.root / "data")
        typer.echo(
            f"{len(new)} new: {', '.join(new)}. To train on them: git add {place}, git commit, dvc push, git push"
        )
    elif not new:
        typer.echo("nothing new")


@data.command(epilog=example("ratchet data add 2013-08 august.csv --lookup prices=prices.csv"))
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The batch's name; names sort in time order.")],
    rows: Annotated[Path, typer.Argument(help="The rows: CSV, JSON lines or Parquet; plain, .gz or .zip.")],
    lookup: Annotated[Optional[list[str]], typer.Option(help="A lookup that comes with the batch: NAME=FILE.")] = None,
) -> None:
    """Take one batch from files; each is checked, then immutable and tracked by DVC."""
    from ratchet.flows.data import add, in_quarantine

    tables = {"rows": rows, **dict(_pair(each) for each in lookup or [])}
    report = add(settings_of(context), name, tables)
    typer.echo(f"added {name}{in_quarantine(report)}" if report else f"{name} is already here, with the same content")


@data.command(epilog=example("ratchet data fetch"))
def fetch(context: typer.Context) -> None:
    """Bring the data, the outputs and the run cache that git tracks from the DVC remote."""
    from ratchet.flows.data import fetch

    fetch(settings_of(context))
    typer.echo("the data that git tracks is here")


def _pair(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise typer.BadParameter(f"{text!r} is not NAME=FILE")
    return name, Path(path)
