"""Commands that train, judge, record and report."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from ratchet.cli.common import TRAIN, example, settings_kept, settings_of
from ratchet.cli.typed import from_here, typed

if TYPE_CHECKING:
    from ratchet.core.decision import Decision
    from ratchet.flows.run import Looked, Outcome
    from ratchet.settings import Settings

params = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")
champion = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("run", rich_help_panel=TRAIN, epilog=example("ratchet run", "ratchet run --open"))(run)
    app.command("record", rich_help_panel=TRAIN, epilog=example("ratchet record"))(record)
    app.command("report", rich_help_panel=TRAIN, epilog=example("ratchet report", "ratchet report --base main"))(report)
    app.command("publish", rich_help_panel=TRAIN, epilog=example("ratchet publish --branch main"))(publish)
    app.add_typer(champion, name="champion", rich_help_panel=TRAIN, help="Fetch the serving champion.")
    app.add_typer(params, name="params", rich_help_panel=TRAIN, help="Check params.yaml, or print its JSON Schema.")


def run(
    context: typer.Context,
    open_only: Annotated[
        bool, typer.Option("--open", help="Stop before the gate: show the open numbers, and spend no look.")
    ] = False,
) -> None:
    """Run the pipeline: make what changed, and judge it against the champion."""
    from ratchet.flows.run import run

    if open_only:
        _run_open(settings_kept(context))
        typer.echo(typed(context, "The gate was not asked, and no look was spent: ratchet run asks it."))
        return
    outcome = run(settings_kept(context))
    if not outcome.stages:
        serving = outcome.serving
        typer.echo(f"Nothing changed. {f'Version {serving.version} serves.' if serving else 'Nothing serves yet.'}")
    _say_what_ran(outcome)
    _say(outcome.decision)
    if outcome.withdrawn and outcome.decision.verdict == "promote":
        undone = outcome.withdrawn
        typer.echo(f"But this very model was rolled back on {undone.time} ({undone.reason}): it is not promoted again.")


def _run_open(settings: Settings) -> None:
    from ratchet.core.report.open_numbers import open_numbers
    from ratchet.flows.run import run_open

    looked = run_open(settings)
    _say_what_ran(looked)
    for line in open_numbers(looked.evaluation):
        typer.echo(line)


def _say_what_ran(done: Outcome | Looked) -> None:
    took = [f"{name} ran in {seconds:.1f} s" for name, seconds in done.seconds.items()]
    if done.restored:
        took.append(f"{', '.join(done.restored)} restored from the run cache")
    if took:
        typer.echo("; ".join(took))


def record(context: typer.Context) -> None:
    """Record the run in MLflow; the same computation is recorded once."""
    from ratchet.flows.record import record

    recorded = record(settings_of(context))
    typer.echo(f"{'recorded' if recorded.new else 'already recorded'} as MLflow run {recorded.run.run_id}")
    _output("run-id", recorded.run.run_id)
    _output("verdict", recorded.outcome)


def report(
    context: typer.Context,
    base: Annotated[
        str, typer.Option(help="Compare with this branch or commit, too: what changed, and why.", envvar="RATCHET_BASE")
    ] = "",
    explain: Annotated[
        bool,
        typer.Option(help="Rerun with parts of the change, however long it takes.", envvar="RATCHET_EXPLAIN"),
    ] = False,
    into: Annotated[Optional[Path], typer.Option(help="The folder to write to; reports/ by default.")] = None,
) -> None:
    """Write the report: Markdown for a pull request, and one self-contained HTML page."""
    from ratchet.flows.report import report

    settings = settings_kept(context)
    written = report(settings, base=base, explain=explain, into=into)
    for path in written.paths:
        typer.echo(f"wrote {from_here(path)}")
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(written.markdown)


def publish(
    context: typer.Context,
    branch: Annotated[str, typer.Option(help="The branch to push to.", envvar="RATCHET_BRANCH")] = "main",
    remote: Annotated[str, typer.Option(help="The git remote.")] = "origin",
) -> None:
    """Push outputs to the DVC remote, and the lock and metrics to the branch, as the bot."""
    from ratchet.flows.publish import publish

    done = publish(settings_of(context), remote=remote, branch=branch)
    typer.echo(f"{done.files} files to the DVC remote; {done.note}")
    _output("commit", done.commit)


@champion.command("pull", epilog=example("ratchet champion pull", "ratchet champion pull --into /tmp/champion"))
def champion_pull(
    context: typer.Context,
    into: Annotated[Optional[Path], typer.Option(help="The folder to write to; data/champion/ by default.")] = None,
    trial: Annotated[
        bool, typer.Option("--trial", help="Fetch what is in its shadow or canary instead, for a server; needs --into.")
    ] = False,
) -> None:
    """Fetch the champion that the ledger names, verified, to where the pipeline compares with it."""
    from ratchet.flows.champion import pull
    from ratchet.io.room import read_params

    settings = settings_of(context)
    if trial:
        _pull_trial(settings, into)
        return
    entry = pull(settings, read_params(settings.root), into=into)
    typer.echo(f"version {entry.version} of {entry.model}" if entry else "nothing serves yet")


@params.command("check", epilog=example("ratchet params check"))
def params_check(context: typer.Context) -> None:
    """Say whether params.yaml and schema.yaml are as they must be; the model is tried on a few made-up rows."""
    from ratchet.core.conditions.check import check_all
    from ratchet.core.names import check_names
    from ratchet.core.toy_fit import check_fit
    from ratchet.io.room import read_params, read_schema

    root = settings_of(context).root
    params = read_params(root)
    read_schema(root, params)
    check_names(params)
    check_all(params.gate.conditions, params.project.task)
    check_fit(params)
    typer.echo("params.yaml and schema.yaml are fine")


@params.command("schema", epilog=example("ratchet params schema > params.schema.json"))
def params_schema() -> None:
    """Print the JSON Schema of params.yaml, for editors."""
    import json

    from ratchet.core.params import Params

    typer.echo(json.dumps(Params.model_json_schema(), indent=2))


def _pull_trial(settings: Settings, into: Path | None) -> None:
    from ratchet.errors import UsageError
    from ratchet.flows.trial import pull_trial
    from ratchet.io.room import read_params

    if into is None:
        raise UsageError("--trial writes no champion", next_step="say where to: --into FOLDER")
    plan = pull_trial(settings, read_params(settings.root), into=into)
    typer.echo(f"version {plan.entry.version} of {plan.entry.model}: {plan.phase}" if plan else "nothing is on trial")


def _say(decision: Decision) -> None:
    from ratchet.core.leakage.lines import lines
    from ratchet.io.markdown import visible

    word, budget = str(decision.verdict), ""
    if decision.seal:
        # Imported late: it brings numpy, which an open decision does not need.
        from ratchet.core.report.sealed import budget_of, word_of

        word, budget = word_of(decision), budget_of(decision)
    typer.echo(f"Verdict: {word}. {visible(decision.reason)}")
    if budget:
        typer.echo(f"Budget: {visible(budget)}")
    for line in lines(decision):
        typer.echo(f"  {visible(line)}")
    if decision.would_change:
        typer.echo(f"What would change it: {decision.would_change}")


def _output(name: str, value: str) -> None:
    """Tell the workflow, where there is one."""
    if path := os.environ.get("GITHUB_OUTPUT"):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{name}={value}\n")
