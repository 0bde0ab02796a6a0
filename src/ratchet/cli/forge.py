"""Commands for working without GitHub: a git remote that runs the repository's own workflows."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from ratchet.cli.common import FORGE, example, settings_of

forge = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(
        forge, name="forge", rich_help_panel=FORGE, help="A git remote beside the checkout that runs the workflows."
    )


@forge.command(epilog=example("ratchet forge init", "ratchet forge init ../my-forge"))
def init(
    context: typer.Context,
    home: Annotated[Optional[Path], typer.Argument(help="Its folder; beside the checkout by default.")] = None,
) -> None:
    """Make the forge and connect this checkout to it: git push forge main then trains."""
    from ratchet.forge.home import Home, connect, create

    root = settings_of(context).root
    place = Home((home or root.with_name(f"{root.name}-forge")).resolve())
    create(place, python=Path(sys.executable))
    connect(place, root)
    typer.echo(f"forge at {place.root}; now: git push forge main")


@forge.command(epilog=example("ratchet forge runs"))
def runs(
    context: typer.Context,
    home: Annotated[Optional[Path], typer.Argument(help="Its folder; beside the checkout by default.")] = None,
) -> None:
    """List what was run, oldest first, and where its log and artifacts are."""
    from ratchet.forge.home import Home
    from ratchet.forge.results import runs

    root = settings_of(context).root
    for run in runs(Home((home or root.with_name(f"{root.name}-forge")).resolve())):
        jobs = ", ".join(f"{name} {result}" for name, result in run.jobs.items())
        typer.echo(f"{run.number:>4}  {'ok    ' if run.ok else 'failed'}  {run.workflow}  {run.sha[:9]}  {jobs}")
