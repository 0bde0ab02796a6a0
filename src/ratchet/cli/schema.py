"""Commands about `schema.yaml`: infer one, say what it checks, propose what to change in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from ratchet.cli.common import DATA, example, settings_of
from ratchet.cli.typed import from_here

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ratchet.core.schema_proposal.records import Change
    from ratchet.flows.schema_infer import Draft

schema = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(schema, name="schema", rich_help_panel=DATA, help="Infer schema.yaml, check it, propose changes.")


@schema.command(epilog=example("ratchet schema infer 2024-*.csv --after minutes --out src/deliveries/schema.yaml"))
def infer(  # noqa: PLR0913, PLR0917 - the options of a command
    context: typer.Context,
    rows: Annotated[
        Optional[list[Path]], typer.Argument(help="CSV, Parquet or JSON lines: a batch's rows each.")
    ] = None,
    batches: Annotated[bool, typer.Option("--batches", help="From the raw batches of the project.")] = False,
    lookup: Annotated[Optional[list[str]], typer.Option(help="A lookup that comes with a batch: NAME=FILE.")] = None,
    key: Annotated[str, typer.Option(help="The columns that are unique together: a,b.")] = "",
    time: Annotated[Optional[str], typer.Option(help="The column that orders the rows.")] = None,
    after: Annotated[str, typer.Option(help="Columns that are outcomes: a,b.")] = "",
    zone: Annotated[Optional[str], typer.Option(help="The time zone whose calendar cuts the batches.")] = None,
    out: Annotated[Optional[Path], typer.Option(help="The file to write; printed by default.")] = None,
) -> None:
    """Make a first schema.yaml of data: types, ranges, missing shares, categories, key, time, period, references."""
    from ratchet.core.schema_inference.records import Hints
    from ratchet.errors import UsageError
    from ratchet.flows.schema_infer import infer, of_batches, of_files, write

    if bool(rows) == batches or (batches and lookup):
        raise UsageError(
            "infer needs either files, with their lookups, or --batches", next_step="ratchet schema infer rows.csv"
        )
    sources = of_batches(settings_of(context)) if batches else of_files(rows or [], _lookups(lookup))
    draft = infer(sources, Hints(key=_names(key), time=time, after=_names(after), zone=zone))
    if out is None:
        typer.echo(draft.text, nl=False)
    else:
        write(out, draft)
        typer.echo(f"wrote {out}", err=True)
    _echo_notes(draft)


@schema.command(epilog=example("ratchet schema propose", "ratchet schema propose 2024-04 --write"))
def propose(
    context: typer.Context,
    targets: Annotated[
        Optional[list[str]], typer.Argument(help="Batches or files of rows; by default every refused batch.")
    ] = None,
    lookup: Annotated[Optional[list[str]], typer.Option(help="A lookup that comes with a file: NAME=FILE.")] = None,
    write: Annotated[bool, typer.Option("--write", help="Write the changes to schema.yaml.")] = False,
) -> None:
    """Say what to change in schema.yaml so that refused batches pass; faults of the data are named, never hidden."""
    from ratchet.flows import schema_propose

    settings = settings_of(context)
    proposal = schema_propose.propose(settings, targets or [], _lookups(lookup))
    if not proposal.changes:
        typer.echo("no refused batch is kept: there is nothing to propose")
    for batch, changes in proposal.changes.items():
        _echo_changes(batch, changes, any_fault=bool(proposal.faults[batch]))
    typer.echo(proposal.diff, nl=False)
    if not write or not proposal.diff:
        schema_propose.require_no_faults(proposal)
        return
    schema_propose.write(proposal)
    place = from_here(settings.root / proposal.source)
    typer.echo(f"wrote {place}; look at it with git diff, then add or pull the batch again")


@schema.command(epilog=example("ratchet schema check"))
def check(context: typer.Context) -> None:
    """Compile schema.yaml, and say what it checks, with the level of each rule; what is wrong is named by its line."""
    from ratchet.flows.schema_check import check
    from ratchet.io.markdown import visible

    rules = check(settings_of(context))
    wide = max(len(visible(rule.what)) for rule in rules if rule.kind != "relation")
    kinds = max(len(rule.kind) for rule in rules)
    for table in dict.fromkeys(rule.table for rule in rules):
        typer.echo(f"{table}: what leads to what")
        for rule in (each for each in rules if each.table == table):
            typer.echo(f"  {visible(rule.what):<{wide}}  {rule.kind:<{kinds}}  {rule.level:<10}  {visible(rule.rule)}")


def _echo_changes(batch: str, changes: Sequence[Change], *, any_fault: bool) -> None:
    from ratchet.io.markdown import visible

    if not changes and not any_fault:
        typer.echo(f"{batch} passes as the schema is")
    for change in changes:
        what = f"{batch}: {change.where}: {change.key}: {change.reason} ({change.evidence})"
        typer.echo(visible(what))
        typer.echo(f"  risk: {visible(change.risk)}")


def _echo_notes(draft: Draft) -> None:
    """To the other stream: what is printed to a file must be a schema."""
    _echo("guessed, and to be looked at:", draft.guessed)
    _echo("wrong under any schema; these rows will be in quarantine:", draft.quarantined)
    _echo("unusual; such a batch is refused until a person releases it:", draft.unusual)
    _echo("for a person to say:", draft.to_say)


def _echo(title: str, lines: Sequence[str]) -> None:
    from ratchet.io.markdown import visible

    if lines:
        typer.echo(title, err=True)
    for line in lines:
        typer.echo(f"  - {visible(line)}", err=True)


def _names(text: str) -> list[str]:
    return list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def _lookups(options: list[str] | None) -> dict[str, Path]:
    found = {}
    for text in options or []:
        name, equals, path = text.partition("=")
        if not (name and equals and path):
            raise typer.BadParameter(f"{text!r} is not NAME=FILE")
        found[name] = Path(path)
    return found
