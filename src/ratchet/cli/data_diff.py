"""`ratchet data diff`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from ratchet.cli.common import example, settings_of
from ratchet.cli.data import data

if TYPE_CHECKING:
    from ratchet.settings import Settings


def register(_app: typer.Typer) -> None:
    """Add the command to those about data."""
    data.command(epilog=example("ratchet data diff main", "ratchet data diff 2013-07 fixed.csv --html diff.html"))(diff)


def diff(  # noqa: PLR0913, PLR0917 - each is an option of the command
    context: typer.Context,
    before: Annotated[str, typer.Argument(metavar="A", help="A git revision, a batch's name, or a file.")] = "HEAD",
    after: Annotated[Optional[str], typer.Argument(metavar="B", help="The same; the work tree by default.")] = None,
    batch: Annotated[Optional[str], typer.Option(help="Of two revisions, only this batch.")] = None,
    key: Annotated[Optional[str], typer.Option(help="Columns that name a row, with commas; else the schema's.")] = None,
    examples: Annotated[int, typer.Option(help="Rows of each kind to show, at most.", min=0, max=1000)] = 3,
    json: Annotated[bool, typer.Option("--json", help="Print the whole record as JSON.")] = False,
    html: Annotated[
        Optional[Path], typer.Option(help="Write a page with pictures to this file, too.", dir_okay=False)
    ] = None,
) -> None:
    """Show what happened to data: rows added, removed and edited, labels flipped, columns and values that changed."""
    from ratchet.cli.data_diff_text import as_text
    from ratchet.core.report.data_diff import diff_page
    from ratchet.flows.data_diff import Asked, data_diff

    asked = Asked(
        before=before, after=after, batch=batch, key=tuple(key.split(",")) if key else (), examples=examples,
        pictures=html is not None or json,
    )  # fmt: skip
    found = data_diff(_settings_if_any(context, before, after), asked)
    typer.echo(found.model_dump_json(indent=2) if json else as_text(diff_page(found)))
    if html is not None:
        from ratchet.io.data_diff_page import render_data_diff
        from ratchet.io.files import write_text

        write_text(html, render_data_diff(found))
        typer.echo(f"wrote {html}", err=True)


def _settings_if_any(context: typer.Context, *names: str | None) -> Settings | None:
    """The project's settings; None outside of a project, where two files can be compared all the same."""
    from ratchet.errors import UsageError
    from ratchet.io.diff_tables import is_table_name

    try:
        return settings_of(context)
    except UsageError:
        if all(name and is_table_name(name) for name in names):
            return None
        raise
