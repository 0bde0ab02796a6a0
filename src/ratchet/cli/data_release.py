"""`ratchet data release`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Optional

import typer

from ratchet.cli.common import example, settings_of
from ratchet.cli.data import data
from ratchet.cli.typed import from_here, typed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ratchet.core.validation.releases import Release
    from ratchet.settings import Settings

EXAMPLES = (
    'ratchet data release 2013-07 --rule above-max --column wind_speed --reason "a hurricane"',
    "ratchet data release --list",
)


def register(_app: typer.Typer) -> None:
    """Add the command to those about data."""
    data.command(epilog=example(*EXAMPLES))(release)


def release(  # noqa: PLR0913, PLR0917 - each is an option of the command
    context: typer.Context,
    batch: Annotated[Optional[str], typer.Argument(help="A batch's name, or lookups.")] = None,
    rule: Annotated[str, typer.Option(help="The rule, as ratchet data show names it.")] = "",
    reason: Annotated[str, typer.Option(help="Why it is right as it is.")] = "",
    table: Annotated[str, typer.Option(help="Only in this table.")] = "*",
    column: Annotated[str, typer.Option(help="Only in this column, as the finding names it.")] = "*",
    relation: Annotated[str, typer.Option(help="Only this condition, as schema.yaml has it.")] = "*",
    list_: Annotated[bool, typer.Option("--list", help="Show all releases instead.")] = False,
) -> None:
    """Let pass what validation found: rows come back from quarantine, a refused batch may come in."""
    from ratchet.core.validation.releases import Release

    settings = settings_of(context)
    if list_:
        _list(settings)
        return
    if not (batch and rule and reason.strip()):
        raise typer.BadParameter("a batch, --rule and --reason are needed (or --list)")
    wanted = Release(batch=batch, rule=rule, table=table, column=column, relation=relation, reason=reason.strip())
    for line in _released(settings, wanted):
        typer.echo(typed(context, line))


def _released(settings: Settings, wanted: Release) -> Iterator[str]:
    from ratchet.flows.release import release

    done = release(settings, wanted)
    for finding in done.findings:
        yield f"released {finding.rule} of {finding.table}.{finding.column}: rows concerned: {finding.count:,}"
    place = from_here(settings.root / done.path)
    yield f"written to {place}, which belongs into git; {wanted.batch} is now {done.report.counts()}"
    if done.report.refused:
        rules = ", ".join(f"{each.rule} ({each.table}.{each.column})" for each in done.report.refused)
        yield f"it is still refused for {rules}"
    elif done.refused:
        yield f"it did not come in before: add or pull {wanted.batch} again"
    else:
        yield "ratchet run takes it into account"


def _list(settings: Settings) -> None:
    from ratchet.flows.release import releases

    for each in releases(settings):
        place = f"{each.table}.{each.column}" if each.relation == "*" else each.relation
        typer.echo(f"{each.batch:<16}{each.rule:<20}{place:<24}{each.date} {each.actor}: {each.reason}")
