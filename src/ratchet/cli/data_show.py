"""`ratchet data list` and `ratchet data show`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ratchet.cli.common import example, settings_of
from ratchet.cli.data import data
from ratchet.cli.typed import from_here, typed

if TYPE_CHECKING:
    import polars as pl

    from ratchet.core.validation.records import Finding
    from ratchet.flows.batch_list import ListedBatch

FINDINGS_SHOWN = 50
ROWS_SHOWN = 10
MARKS = {"refuse": "refuses", "quarantine": "quarantine", "warn": "warns"}


def register(_app: typer.Typer) -> None:
    """Add the commands to those about data."""
    data.command("list", epilog=example("ratchet data list"))(list_)
    data.command(epilog=example("ratchet data show 2013-07", "ratchet data show 2013-07 --html"))(show)


def list_(context: typer.Context) -> None:
    """List the batches that are here, oldest first, with what validation found in them."""
    from ratchet.flows.batch_list import facts
    from ratchet.io.refused import kept_names

    settings = settings_of(context)
    for name in kept_names(settings.root):
        typer.echo(typed(context, f"{name:<16}refused, and kept: ratchet data show {name}"))
    for batch in facts(settings):
        mark = "" if batch.tracked else "   not tracked by DVC yet: ratchet data pull"
        line = f"{batch.name:<16}{batch.size / 1e6:8.2f} MB   {_checked(batch)}{', '.join(batch.tables)}{mark}"
        typer.echo(typed(context, line))


def show(
    context: typer.Context,
    batch: Annotated[str, typer.Argument(help="A batch's name, or lookups for the standing lookups.")],
    html: Annotated[bool, typer.Option("--html", help="Write the report as a page, too.")] = False,
) -> None:
    """Show what validation says of a batch: counts, findings with examples, the first rows in quarantine."""
    from ratchet.flows.batch_show import show, write_page

    settings = settings_of(context)
    shown = show(settings, batch)
    report = shown.report
    verdict = "refused" if report.refused else ("passes now: add or pull it again" if shown.refused else "accepted")
    typer.echo(f"{batch}: {verdict}; {report.counts()}; in {from_here(settings.root / shown.folder)}")
    for finding in report.findings[:FINDINGS_SHOWN]:
        typer.echo(_line(finding))
    if len(report.findings) > FINDINGS_SHOWN:
        typer.echo(f"  and {len(report.findings) - FINDINGS_SHOWN} more findings")
    for table, rows in shown.quarantined.items():
        _echo_rows(table, rows)
    if html:
        typer.echo(f"page: {write_page(settings, report)}")
    elif shown.refused:
        typer.echo(f"page: {settings.root / shown.folder / 'report.html'}")


def _checked(batch: ListedBatch) -> str:
    if batch.report is None:
        return "not validated yet   "
    rows = batch.report.tables["rows"]
    return f"{rows.rows:>11,} rows {rows.quarantined:>6,} in quarantine {len(batch.report.findings):>3} findings   "


def _line(finding: Finding) -> str:
    from ratchet.core.report.text import count
    from ratchet.io.markdown import visible

    what = f"{finding.table}.{finding.column}: {finding.sentence} [{finding.rule}]"
    examples = f", for example {', '.join(finding.examples)}" if finding.examples else ""
    level = "released" if finding.released else MARKS[finding.level]
    reason = f"; released: {finding.released}" if finding.released else ""
    concerned = f"{count(finding.count, 'row')}{examples}"
    return f"  {level:<10} {visible(f'{what} ({concerned}){reason}')}"


def _echo_rows(table: str, rows: pl.DataFrame) -> None:
    from ratchet.core.validation.wording import named
    from ratchet.io.markdown import visible

    typer.echo(f"{table} in quarantine: the first {min(rows.height, ROWS_SHOWN)} of {rows.height:,} rows")
    names = rows.columns[2:]
    for position, rules, *values in rows.head(ROWS_SHOWN).rows():
        why = "; ".join(rules)
        typer.echo(f"  row {position} {visible(f'({why}): {named(names, values)}')}")
