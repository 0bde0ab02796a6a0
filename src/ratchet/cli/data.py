"""Commands about data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from ratchet.cli.common import DATA, example, settings_of

data = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(data, name="data", rich_help_panel=DATA, help="Bring batches in, list them, fetch what git tracks.")


@data.command(epilog=example("ratchet data pull --until 2013-07"))
def pull(
    context: typer.Context,
    until: Annotated[Optional[str], typer.Option(help="The last batch to take; all there are by default.")] = None,
) -> None:
    """Collect new batches from the room's source; each is checked, then immutable and tracked by DVC."""
    from ratchet.flows.data import pull

    new = pull(settings_of(context), until=until)
    if new:
        typer.echo(f"{len(new)} new: {', '.join(new)}. To train on them: git add data, git commit, dvc push, git push")
    else:
        typer.echo("nothing new")


@data.command(epilog=example("ratchet data add 2013-08 august.csv --lookup prices=prices.csv"))
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The batch's name; names sort in time order.")],
    rows: Annotated[Path, typer.Argument(help="The rows: a CSV or Parquet file.")],
    lookup: Annotated[Optional[list[str]], typer.Option(help="A lookup that comes with the batch: NAME=FILE.")] = None,
) -> None:
    """Take one batch from files; each is checked, then immutable and tracked by DVC."""
    from ratchet.flows.data import add

    tables = {"rows": rows, **dict(_pair(each) for each in lookup or [])}
    fresh = add(settings_of(context), name, tables)
    typer.echo(f"added {name}" if fresh else f"{name} is already here, with the same content")


@data.command("list", epilog=example("ratchet data list"))
def list_(context: typer.Context) -> None:
    """List the batches that are here, oldest first."""
    from ratchet.flows.data import facts

    for batch in facts(settings_of(context)):
        mark = "" if batch.tracked else "   not tracked by DVC yet: ratchet data pull"
        typer.echo(f"{batch.name:<16}{batch.size / 1e6:8.2f} MB   {', '.join(batch.tables)}{mark}")


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
