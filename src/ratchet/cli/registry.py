"""Commands about what serves: promote, look back, go back."""

from __future__ import annotations

from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from ratchet.cli.common import REGISTRY, example, settings_of
from ratchet.cli.notify import telling
from ratchet.cli.typed import typed
from ratchet.errors import PromotionRefused, UsageError

if TYPE_CHECKING:
    from ratchet.core.ledger_entries import Entry
    from ratchet.flows.promote import Terms
    from ratchet.settings import Settings

Run = Annotated[Optional[str], typer.Argument(help="An MLflow run; the run of what is here by default.")]
Why = Annotated[str, typer.Option("--reason", help="Why, for the ledger; the gate's words by default.")]
WithoutWayBack = Annotated[
    bool,
    typer.Option(
        "--without-way-back",
        help="Promote though the version that serves does not load any more. Needs --reason; the ledger keeps both.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    add = app.command
    add("register", rich_help_panel=REGISTRY, epilog=example("ratchet register", "ratchet register RUN_ID"))(
        telling(register_)
    )
    add("advance", rich_help_panel=REGISTRY, epilog=example("ratchet advance", "ratchet advance RUN_ID"))(
        telling(advance)
    )
    add("promote", rich_help_panel=REGISTRY, epilog=example("ratchet promote", "ratchet promote RUN_ID"))(
        telling(promote)
    )
    add(
        "rollback",
        rich_help_panel=REGISTRY,
        epilog=example('ratchet rollback --reason "slow on Sundays"', "ratchet rollback --at 2026-03-01"),
    )(telling(rollback))
    add("history", rich_help_panel=REGISTRY, epilog=example("ratchet history", "ratchet history --at 2026-03-01"))(
        history
    )
    add("reconcile", rich_help_panel=REGISTRY, epilog=example("ratchet reconcile"))(reconcile)


def register_(context: typer.Context, run_id: Run = None, reason: Why = "") -> None:
    """Make a version of a recorded model, and let it stand in the ledger as a candidate."""
    from ratchet.flows.register import register

    found = register(settings_of(context), run_id, reason=reason)
    typer.echo(typed(context, f"version {found.version} of {found.entry.model} is {found.state}: {found.why}"))


def advance(
    context: typer.Context,
    run_id: Run = None,
    reason: Why = "",
    without_way_back: WithoutWayBack = False,
    environment: Annotated[
        str,
        typer.Option(
            "--approvals-from-environment",
            metavar="NAME",
            help="Write into the ledger who approved this workflow run's environment, for the run's version.",
        ),
    ] = "",
) -> None:
    """Take a candidate, or all of them, as far as it goes now: judge shadow and canary, promote what is ready.

    What waits, waits, and that is no failure: workflows and schedules call this.
    """
    from ratchet.cli.advance_text import advanced_text
    from ratchet.flows.advance import advance

    settings = settings_of(context)
    if environment:
        _hear_environment(settings, run_id, environment, reason)
    done = advance(settings, run_id, _terms(reason, without_way_back=without_way_back))
    typer.echo(typed(context, "\n".join(map(advanced_text, done))) if done else "no candidate is on its way")
    _say_exception(next((each.promoted for each in done if each.promoted), None), asked=without_way_back)
    if any(each.stopped for each in done):
        raise typer.Exit(PromotionRefused.exit_code)


def _hear_environment(settings: Settings, run_id: str | None, environment: str, reason: str) -> None:
    """Register the run, as an approval is one of a version, and write who approved the environment."""
    from ratchet.flows.environment_approvals import record_approvals
    from ratchet.flows.register import register

    if run_id is None:
        raise UsageError(
            "--approvals-from-environment is about one run, and none is named",
            next_step="ratchet advance RUN_ID --approvals-from-environment production",
        )
    found = register(settings, run_id, reason=reason)
    for heard in record_approvals(settings, found, environment):
        counts = f"does not count: {heard.why}" if heard.why else "is in the ledger"
        typer.echo(f"the approval of {environment} by {heard.who} {counts}")


def promote(
    context: typer.Context, run_id: Run = None, reason: Why = "", without_way_back: WithoutWayBack = False
) -> None:
    """Let a recorded model serve, if it has passed all its phases and nobody was faster."""
    from ratchet.flows.promote import promote

    entry = promote(settings_of(context), run_id, _terms(reason, without_way_back=without_way_back))
    typer.echo(f"version {entry.version} of {entry.model} serves (ledger entry {entry.sequence})")
    _say_exception(entry, asked=without_way_back)


def _terms(reason: str, *, without_way_back: bool) -> Terms:
    from ratchet.flows.promote import Terms

    return Terms(reason=reason, probe=warn_of_raw_rows, without_way_back=without_way_back)


def _say_exception(promoted: Entry | None, *, asked: bool) -> None:
    """Whether an exception that was asked for was made; it is not where none was needed."""
    if promoted is not None and promoted.no_way_back:
        typer.echo(
            f"without a way back: version {promoted.replaces}, which it replaces, does not load here: "
            f"{promoted.no_way_back}"
        )
    elif asked:
        typer.echo(f"--without-way-back was not used: {_not_needed(promoted)}")


def _not_needed(promoted: Entry | None) -> str:
    if promoted is None:
        return "nothing was promoted"
    if promoted.replaces is None or promoted.kind != "promotion":
        return "there was nothing to rehearse"
    return f"version {promoted.replaces}, which it replaced, loaded and answered"


def rollback(
    context: typer.Context,
    reason: Annotated[str, typer.Option(help="Why; it stands in the ledger.", prompt=True)],
    to: Annotated[Optional[int], typer.Option(help="A version that served once.")] = None,
    at: Annotated[Optional[str], typer.Option(help="What served at this moment, ISO 8601; UTC if no zone.")] = None,
) -> None:
    """Return to the version that served before; or to any that served once."""
    from ratchet.flows.rollback import rollback

    entry = rollback(settings_of(context), reason=reason, to=to, at=at, probe=warn_of_raw_rows)
    typer.echo(f"version {entry.version} of {entry.model} serves again (ledger entry {entry.sequence})")


def warn_of_raw_rows(folder: Path) -> None:
    """Say it if a server would answer no raw rows with this model. It is promoted all the same: it takes features."""
    from ratchet.serving.raw.rows import rehearse

    if why := rehearse(folder):
        typer.echo(f"warning: POST /predict/raw is going to answer 501: {why}", err=True)


def history(
    context: typer.Context,
    at: Annotated[
        Optional[str], typer.Option(help="Only what served at this moment, ISO 8601; UTC if no zone.")
    ] = None,
    version: Annotated[Optional[int], typer.Option(help="All about one version, in order.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Registrations, approvals, phases, freezes, overrides and erasures as well.")
    ] = False,
    last: Annotated[int, typer.Option(help="How many entries, the newest ones; 0: all.", min=0)] = 20,
    json: Annotated[
        bool, typer.Option("--json", help="As JSON lines: all entries, unless --last says how many.")
    ] = False,
) -> None:
    """Say what served when, who put it there, and on what numbers; the newest is last."""
    from ratchet.cli.ledger_text import earlier_text, entry_text
    from ratchet.flows.history import history
    from ratchet.io.room import read_params

    settings = settings_of(context)
    said = context.get_parameter_source("last")
    by_hand = said is not None and said.name == "COMMANDLINE"
    found = history(
        settings,
        at=at,
        version=version,
        about="everything" if everything else "served",
        last=last if last and (by_hand or not (json or version)) else None,
    )
    if json:
        typer.echo("".join(entry.model_dump_json() + "\n" for entry in found.entries), nl=False)
    elif found.entries:
        metric = read_params(settings.root).gate.metric
        width = get_terminal_size().columns
        blocks = [entry_text(entry, metric=metric, width=width) for entry in found.entries]
        typer.echo("\n\n".join([*([earlier_text(found.earlier)] if found.earlier else []), *blocks]))
    else:
        typer.echo("nothing served then" if at else typed(context, "nothing serves yet: ratchet promote"))


def reconcile(context: typer.Context) -> None:
    """Let MLflow's alias follow the ledger again, after a crash or a move by hand."""
    from ratchet.flows.reconcile import reconcile

    found = reconcile(settings_of(context))
    if found.serving is None:
        gone = f"; the alias pointed to version {found.alias}, which never served, and is gone" if found.moved else ""
        typer.echo(f"nothing serves yet{gone}")
    elif found.moved:
        typer.echo(f"the alias pointed to version {found.alias or 'none'}; it points to {found.serving.version} again")
    else:
        typer.echo(f"ledger and alias agree: version {found.serving.version} serves")
