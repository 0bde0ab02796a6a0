"""Which models the repository has."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ratchet.cli.common import TRAIN, example

if TYPE_CHECKING:
    from ratchet.flows.models import Model

HEAD = ("model", "folder", "task", "serves", "newest batch")


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    lines = ("ratchet models", "ratchet --model late run", "ratchet models --pick --since main")
    app.command("models", rich_help_panel=TRAIN, epilog=example(*lines))(models)


def models(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON lines.")] = False,
    pick: Annotated[
        bool,
        typer.Option("--pick", help="Only the names; tell the workflow which its run is about, and which others wait."),
    ] = False,
    since: Annotated[
        str,
        typer.Option(help="With --pick: those that commits since this branch or commit touch.", envvar="RATCHET_SINCE"),
    ] = "",
) -> None:
    """List the models of this repository: where each is, what serves, and its newest batch."""
    from ratchet.flows import models as flow
    from ratchet.settings import find_home

    home = find_home(context.obj.resolve())
    if pick:
        _pick(home, since, only=context.find_root().params.get("model") or "")
        return
    found = flow.models(home)
    if as_json:
        for each in found:
            typer.echo(json.dumps(asdict(each)))
        return
    typer.echo(_table(found) if found else f"no project in {home}: a folder with params.yaml and dvc.yaml")


def _pick(home: Path, since: str, *, only: str) -> None:
    from ratchet.flows.models import picked

    found = picked(home, since, only)
    for name in filter(None, (found.model, *found.others)):
        typer.echo(name)
    if path := os.environ.get("GITHUB_OUTPUT"):
        with Path(path).open("a", encoding="utf-8") as file:
            lines = {"model": (found.model,), "others": found.others, "touched": found.touched}
            file.writelines(f"{name}={' '.join(names)}\n" for name, names in lines.items())


def _table(found: list[Model]) -> str:
    rows = [HEAD, *(_row(each) for each in found)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    problems = [f"{each.folder}: {each.problem}" for each in found if each.problem]
    return "\n".join([*lines, *problems])


def _row(each: Model) -> tuple[str, ...]:
    serves = "?" if each.problem else f"version {each.version}" if each.version else "nothing yet"
    return each.name or "?", each.folder, each.task or "?", serves, each.batch or "none yet"
