"""Commands for working without GitHub: a git remote that runs the repository's own workflows."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from ratchet.cli.common import FORGE, example, repository_of

if TYPE_CHECKING:
    from ratchet.forge.home import Home

forge = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")
Place = Annotated[Optional[Path], typer.Option("--home", help="Its folder; beside the checkout by default.")]
Folder = Annotated[Optional[Path], typer.Argument(help="Its folder; beside the checkout by default.")]
Number = Annotated[int, typer.Argument(help="The run's number.", min=1)]
Environment = Annotated[str, typer.Argument(help="What jobs call it, such as production.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(
        forge, name="forge", rich_help_panel=FORGE, help="A git remote beside the checkout that runs the workflows."
    )


@forge.command(epilog=example("ratchet forge init", "ratchet forge init ../my-forge"))
def init(context: typer.Context, home: Folder = None) -> None:
    """Make the forge and connect this checkout to it: git push forge main then trains."""
    from ratchet.flows.merge_driver import install
    from ratchet.forge.home import connect, create

    root = repository_of(context).root
    place = _place(context, home)
    create(place, python=Path(sys.executable))
    connect(place, root)
    install(root)
    typer.echo(f"forge at {place.root}; now: git push forge main")


@forge.command(epilog=example("ratchet forge runs"))
def runs(context: typer.Context, home: Folder = None) -> None:
    """List what was run, oldest first: how it ended, and how its jobs did."""
    from ratchet.forge.results import SUCCESS, runs

    for run in runs(_home(context, home)):
        jobs = ", ".join(f"{name} {result}" for name, result in run.jobs.items()) or run.error.partition("\n")[0]
        ended = {SUCCESS: "ok", "failure": "failed"}.get(run.conclusion, run.conclusion)
        approved = f"  approved by {run.approved_by}" if run.approved_by else ""
        typer.echo(f"{run.number:>4}  {ended:<9}  {run.workflow}  {run.sha[:9]}  {jobs}{approved}")


@forge.command(epilog=example("ratchet forge status"))
def status(context: typer.Context, home: Place = None) -> None:
    """Show what runs and at which step, what waits, what needs an approval, and what is deployed."""
    from datetime import UTC, datetime

    from ratchet.forge import deployments, status

    forge = _home(context, home)
    for line in list(status.lines(forge, now=datetime.now(UTC))) or ["nothing runs and nothing waits"]:
        typer.echo(line)
    for line in deployments.lines(forge):
        typer.echo(line)


@forge.command(epilog=example("ratchet forge log", "ratchet forge log 7 --follow"))
def log(
    context: typer.Context,
    number: Annotated[Optional[int], typer.Argument(help="The run's number; the newest by default.", min=1)] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Go on until the run has ended.")] = False,
    home: Place = None,
) -> None:
    """Print the log of a run."""
    from ratchet.forge import status

    forge = _home(context, home)
    path = status.log(forge, number)
    pieces = status.follow(path, alive=lambda: follow and status.works(forge))
    for piece in pieces:
        typer.echo(piece, nl=False)


@forge.command(epilog=example("ratchet forge cancel 7"))
def cancel(context: typer.Context, number: Number, home: Place = None) -> None:
    """Cancel a run that goes on or waits; steps that run always still do."""
    from ratchet.forge import cancellation, starting

    forge = _home(context, home)
    cancellation.ask(forge, number, f"cancelled by {repository_of(context).actor}")
    # If none is at work, this one writes the result of a run that waits.
    starting.start(forge)
    typer.echo(f"run {number} is to end; ratchet forge log {number} --follow shows how it does")


@forge.command(epilog=example("ratchet forge approve 7", "ratchet forge approve 7 --reject"))
def approve(
    context: typer.Context,
    number: Number,
    reject: Annotated[bool, typer.Option("--reject", help="It must not run; it ends as failed.")] = False,
    reason: Annotated[str, typer.Option(help="Why; it goes into the ledger with an approval.")] = "",
    home: Place = None,
) -> None:
    """Let a run go on that waits for an approval of its environment, and follow it."""
    from ratchet.forge import approvals, run, starting, status

    forge = _home(context, home)
    held = approvals.decide(forge, number, by=repository_of(context).actor, approved=not reject, comment=reason)
    process = starting.start(forge)
    for piece in status.follow(run.folder(forge, held) / "log.txt", alive=lambda: process.poll() is None):
        typer.echo(piece, nl=False)


@forge.command(epilog=example("ratchet forge protect production"))
def protect(context: typer.Context, environment: Environment, home: Place = None) -> None:
    """From now on, runs whose jobs name this environment wait for an approval."""
    from ratchet.forge import approvals

    approvals.protect(_home(context, home), environment)
    typer.echo(f"runs that name {environment} wait for: ratchet forge approve")


@forge.command(epilog=example("ratchet forge unprotect production"))
def unprotect(context: typer.Context, environment: Environment, home: Place = None) -> None:
    """Let runs that name this environment begin without an approval again."""
    from ratchet.forge import approvals

    approvals.unprotect(_home(context, home), environment)
    typer.echo(f"runs that name {environment} wait for nobody")


@forge.command(epilog=example('ratchet forge dispatch retrain --input reason="new labels"'))
def dispatch(
    context: typer.Context,
    workflow: Annotated[str, typer.Argument(help="The workflow's file name.")],
    branch: Annotated[str, typer.Option(help="The branch that it runs on.")] = "main",
    given: Annotated[
        Optional[list[str]], typer.Option("--input", help="NAME=VALUE; may be given several times.")
    ] = None,
    home: Place = None,
) -> None:
    """Start a workflow by hand, and follow it."""
    from ratchet.forge import hook
    from ratchet.forge.dispatch import dispatch

    forge = _home(context, home)
    hook.show(
        forge, [dispatch(forge, workflow, _pairs(given or []), actor=repository_of(context).actor, branch=branch)]
    )


@forge.command(epilog=example("ratchet forge event drift-detected --payload drift.json"))
def event(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(metavar="TYPE", help="The event's type.")],
    payload: Annotated[Optional[Path], typer.Option(help="A JSON file with its client_payload.")] = None,
    home: Place = None,
) -> None:
    """Send an event to the default branch's workflows (repository_dispatch), and follow what it starts."""
    from ratchet.forge import hook
    from ratchet.forge.dispatch import event

    forge = _home(context, home)
    hook.show(forge, [event(forge, kind, _payload(payload), actor=repository_of(context).actor)])


@forge.command(epilog=example("ratchet forge tick", 'ratchet forge tick --cron "17 3 * * 1"'))
def tick(
    context: typer.Context,
    cron: Annotated[str, typer.Option(help="Start what has this cron, due or not.")] = "",
    home: Place = None,
) -> None:
    """Start the workflows whose schedule has come due since the last tick; call it from cron, every few minutes."""
    from ratchet.forge import hook
    from ratchet.forge.dispatch import scheduled

    forge = _home(context, home)
    hook.show(forge, scheduled(forge, actor=repository_of(context).actor, only=cron))


@forge.command(epilog=example("ratchet forge work"))
def work(context: typer.Context, home: Place = None) -> None:
    """Do what a killed worker left in the queue, without waiting for the next push, and show how it goes."""
    from ratchet.errors import ServiceFailed
    from ratchet.forge import status

    forge = _home(context, home)
    for piece in status.work(forge):
        typer.echo(piece, nl=False)
    if status.is_left(forge) and not status.works(forge):
        raise ServiceFailed("the worker ended early", next_step=f"{forge.root}/worker.log says why")
    typer.echo("nothing is left to do")


def _place(context: typer.Context, home: Path | None) -> Home:
    from ratchet.forge.home import Home

    root = repository_of(context).root
    return Home((home or root.with_name(f"{root.name}-forge")).resolve())


def _home(context: typer.Context, home: Path | None) -> Home:
    """The forge that was named, else the checkout's; it must be there already."""
    from ratchet.errors import UsageError
    from ratchet.forge.pulls import asking

    if home is None:
        return asking.home_of(repository_of(context).root)
    place = _place(context, home)
    if not place.origin.is_dir():
        raise UsageError(f"there is no forge at {place.root}", next_step="make one: ratchet forge init")
    return place


def _pairs(given: list[str]) -> dict[str, str]:
    from ratchet.errors import UsageError

    pairs = [one.partition("=") for one in given]
    if wrong := [name for name, equals, _ in pairs if not (name and equals)]:
        raise UsageError(f"--input {wrong[0]} has no value", next_step="write --input NAME=VALUE")
    return {name: value for name, _, value in pairs}


def _payload(path: Path | None) -> dict[str, object]:
    import json

    from ratchet.errors import UsageError

    if path is None:
        return {}
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}", next_step="write a JSON object into it") from error
    if not isinstance(body, dict):
        raise UsageError(f"{path} holds no JSON object", next_step="write one: {}")
    return body
