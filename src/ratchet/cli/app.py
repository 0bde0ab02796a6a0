"""The command line, grouped by what a person wants to do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ratchet import __version__
from ratchet.cli import (
    analyse,
    candidates,
    data,
    data_diff,
    data_erase,
    data_offer,
    data_release,
    data_show,
    explore,
    forge,
    fork,
    gate,
    github,
    keys,
    labels,
    ledger,
    lineage,
    merge_driver,
    models,
    notify,
    pr,
    registry,
    schema,
    serve,
    train,
)
from ratchet.cli.order import WorkOrder
from ratchet.cli.typed import ANY_MODEL, named
from ratchet.settings import MODEL, find_home, forget_model

app = typer.Typer(
    name="ratchet",
    cls=WorkOrder,
    help="Continuous training you can trust: push data or code, see whether the change is real, promote, roll back.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ratchet {__version__}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    project: Annotated[
        Path, typer.Option(help="A folder of the project; the default is the one you are in.", file_okay=False)
    ] = Path(),
    model: Annotated[
        str,
        typer.Option(help="The model, where the repository has several.", envvar=MODEL),
    ] = "",
    _version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say it and stop.")
    ] = False,
) -> None:
    """Options that every command takes."""
    context.obj = project
    # Commands that this one starts stand in their project's folder, and what was typed is nearer than the environment.
    forget_model()
    if named(context, "project") and not named(context, "model"):
        return
    if model and context.invoked_subcommand not in ANY_MODEL:
        from ratchet.io.projects import project_named

        context.obj = project_named(find_home(project.resolve()), model)


for room in (
    data,
    data_show,
    data_release,
    data_offer,
    data_diff,
    data_erase,
    explore,
    schema,
    train,
    gate,
    analyse,
    github,
    fork,
    merge_driver,
    models,
    registry,
    keys,
    candidates,
    notify,
    ledger,
    lineage,
    serve,
    labels,
    forge,
    pr,
):
    room.register(app)
