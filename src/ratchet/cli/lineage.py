"""Commands about where a version comes from: its lineage, and whether it can be made again."""

from __future__ import annotations

from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from ratchet.cli.common import REGISTRY, example, settings_kept, settings_of
from ratchet.cli.typed import typed
from ratchet.errors import PromotionRefused, UsageError

if TYPE_CHECKING:
    from ratchet.core.lineage import Lineage

SHOWN = 100
"""Versions that --json and --html tell of at most, the newest ones; --all has no limit."""


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command(
        "lineage",
        rich_help_panel=REGISTRY,
        epilog=example("ratchet lineage v7", "ratchet lineage 2013-04 --html lineage.html"),
    )(lineage)
    app.command("rebuild", rich_help_panel=REGISTRY, epilog=example("ratchet rebuild", "ratchet rebuild 7"))(rebuild)


def lineage(
    context: typer.Context,
    what: Annotated[
        str, typer.Argument(help="A prediction's id, a version (7, v7), a run, a commit, a batch, or a row's key.")
    ],
    end: Annotated[
        str, typer.Option("--as", help="What it is, where it can be several: prediction, version, run, commit, …")
    ] = "",
    everything: Annotated[
        bool, typer.Option("--all", help=f"All versions, where many share it: by default the newest, {SHOWN} at most.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="As JSON, and as a graph.")] = False,
    html: Annotated[Optional[Path], typer.Option(help="Write a page with a picture.", dir_okay=False)] = None,
) -> None:
    """Say from which data and code, by which run and decision, what came, and when it served: from any end."""
    from ratchet.cli.lineage_text import LINES, lineage_text
    from ratchet.core.lineage import ENDS
    from ratchet.flows.lineage import lineage

    meant = next((each for each in ENDS if each == end), None)
    if end and meant is None:
        raise UsageError(f"--as {end}: it is one of {', '.join(ENDS)}")
    told = SHOWN if json or html else LINES
    found = lineage(settings_of(context), what, meant, most=None if everything else told)
    text = lineage_text(found, None if everything else LINES)
    if json:
        typer.echo(_json(found))
    else:
        typer.echo(typed(context, text))
    if html:
        from ratchet.io import files
        from ratchet.io.lineage_page import lineage_page

        files.write_text(html, lineage_page(found, text))
        typer.echo(f"wrote {html}", err=json)


def _json(found: Lineage) -> str:
    from pydantic_core import to_json

    from ratchet.core.lineage_graph import graph_of

    return to_json({**found.model_dump(), "graph": graph_of(found)}, indent=2).decode()


def rebuild(
    context: typer.Context,
    version: Annotated[Optional[int], typer.Argument(help="The version; the one that serves by default.")] = None,
    environment: Annotated[
        bool, typer.Option("--environment", help="In an environment of the packages that its commit has locked.")
    ] = False,
    keep: Annotated[Optional[Path], typer.Option(help="Keep the checkout in this new folder.")] = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Make a version again from its commit and data, prove it equal, or say what differs and why (exit code 4)."""
    from ratchet.cli.rebuild_text import rebuilt_markdown, rebuilt_text
    from ratchet.flows.rebuild import Wish, rebuild

    settings = settings_kept(context)
    typer.echo("every stage runs again, in a temporary folder", err=True)
    found = rebuild(settings, Wish(version=version, environment=environment, keep=keep))
    if found is None:
        typer.echo("nothing serves yet, so there is nothing to make again")
        return
    typer.echo(
        dumps({**found.model_dump(mode="json"), "verdict": found.verdict}, indent=2) if json else rebuilt_text(found)
    )
    if settings.github.summary is not None:
        with settings.github.summary.open("a", encoding="utf-8") as file:
            file.write(rebuilt_markdown(found))
    if not found.equal:
        raise typer.Exit(PromotionRefused.exit_code)
