"""Commands that git calls, or that tell git what to call, when branches with their own dvc.lock come together."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ratchet.cli.common import TRAIN, example

merge_driver = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")
CONFLICT = 1
"""What git takes for a conflict, as it does any failure."""


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    words = "Let git merge dvc.lock stage by stage."
    app.add_typer(merge_driver, name="merge-driver", rich_help_panel=TRAIN, help=words)


@merge_driver.command(epilog=example("ratchet merge-driver install"))
def install(context: typer.Context) -> None:
    """Set it up for this checkout; make setup does this. What both sides changed runs again after a merge."""
    from ratchet.flows.merge_driver import install

    done = install(context.obj.resolve())
    typer.echo("git merges dvc.lock stage by stage here" if done else "no git repository here, so nothing to set up")


@merge_driver.command(epilog=example("ratchet merge-driver lock %O %A %B"))
def lock(
    base: Annotated[Path, typer.Argument(help="The common base's version: git's %O.")],
    ours: Annotated[Path, typer.Argument(help="Our version, and where the result goes: git's %A.")],
    theirs: Annotated[Path, typer.Argument(help="Their version: git's %B.")],
) -> None:
    """Merge three versions of a dvc.lock; git calls this."""
    from ratchet.flows.merge_driver import merge_lock

    if problem := merge_lock(base, ours, theirs):
        typer.echo(problem, err=True)
        raise typer.Exit(CONFLICT)
