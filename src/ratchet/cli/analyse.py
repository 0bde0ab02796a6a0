"""Commands that look into a model: all of it, and single predictions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from ratchet.cli.common import TRAIN, example, settings_kept

if TYPE_CHECKING:
    from ratchet.core.analysis.records import Explanations

SHOWN = 5
"""Rows that the terminal shows; the page has more."""


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command(
        "analyse",
        rich_help_panel=TRAIN,
        epilog=example("ratchet analyse", "ratchet analyse --feature distance --pair distance,hour --seconds 300"),
    )(analyse)
    app.command(
        "explain",
        rich_help_panel=TRAIN,
        epilog=example(
            "ratchet explain 2013-07-04T10:00Z,UA,1545", "ratchet explain rows.csv --lookup prices=prices.csv"
        ),
    )(explain)


def analyse(
    context: typer.Context,
    feature: Annotated[
        Optional[list[str]], typer.Option(help="Show this feature's dependence; the most important ones by default.")
    ] = None,
    pair: Annotated[Optional[list[str]], typer.Option(help="Two features together: ONE,OTHER.")] = None,
    seconds: Annotated[
        Optional[float], typer.Option(min=0, help="What refits may take; report.budget_seconds by default.")
    ] = None,
    seeds: Annotated[
        Optional[int], typer.Option(min=0, max=10, help="Refits with other seeds; report.seeds by default.")
    ] = None,
    out: Annotated[Optional[Path], typer.Option(help="The folder to write to; reports/ by default.")] = None,
) -> None:
    """Look into the model: importance, dependence, learning curve, folds, the luck of the seed; a page and JSON."""
    from ratchet.core.analysis import words
    from ratchet.flows.analyse import Ask, analyse

    pairs = [_pair(each) for each in pair or []]
    ask = Ask(seconds=seconds, seeds=seeds, features=feature or [], pairs=pairs, folder=out)
    written = analyse(settings_kept(context), ask, lambda line: typer.echo(line, err=True))
    for line in (words.importance, words.learning, words.seeds):
        typer.echo(line(written.analysis))
    if written.analysis.learning_note:
        typer.echo(f"The learning curve {written.analysis.learning_note}.")
    for path in written.paths:
        typer.echo(f"wrote {path}")


def explain(
    context: typer.Context,
    rows: Annotated[str, typer.Argument(help="A CSV or Parquet file with rows, or the key of one: VALUE,VALUE.")],
    lookup: Annotated[Optional[list[str]], typer.Option(help="A lookup that comes with the file: NAME=FILE.")] = None,
    label: Annotated[str, typer.Option(help="The class to explain; the likeliest of several by default.")] = "",
    out: Annotated[Optional[Path], typer.Option(help="The folder to write to; reports/ by default.")] = None,
) -> None:
    """Say what single predictions are made of: what each feature adds to the average one (SHAP)."""
    from ratchet.flows.explain import Question, explain_rows

    lookups = dict(_named(each) for each in lookup or [])
    answer = explain_rows(settings_kept(context), Question(what=rows, label=label, lookups=lookups, folder=out))
    _say(answer.found)
    for path in answer.paths:
        typer.echo(f"wrote {path}")


def _say(found: Explanations) -> None:
    from ratchet.core.analysis import words
    from ratchet.core.analysis.tables import contribution_rows
    from ratchet.io.markdown import visible

    for each in found.explained[:SHOWN]:
        where = f" of {each.batch}{', which the model has learned from' * each.trained_on}" if each.batch else ""
        typer.echo(visible(f"{each.row}{where}: {each.label or found.target} {words.predicted(each)}"))
        rows = [tuple(map(visible, row)) for row in contribution_rows(each)]
        feature, value, amount = (max(map(len, column)) for column in zip(*rows, strict=True))
        for row in rows:
            typer.echo(f"  {row[0]:<{feature}}  {row[1]:<{value}}  {row[2]:>{amount}}")
    if (further := len(found.explained) - SHOWN) > 0:
        typer.echo(f"{further} more on the page")
    for note in found.notes:
        typer.echo(f"note: {note}")
    if found.left_out:
        typer.echo(f"{found.left_out:,} more rows were asked for and left out: {len(found.explained)} are explained")


def _pair(text: str) -> tuple[str, str]:
    one, comma, other = text.partition(",")
    if not (one.strip() and comma and other.strip()):
        raise typer.BadParameter(f"{text!r} is not ONE,OTHER")
    return one.strip(), other.strip()


def _named(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise typer.BadParameter(f"{text!r} is not NAME=FILE")
    return name, Path(path)
