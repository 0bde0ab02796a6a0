"""Commands for a workflow's steps: post the report, and start another workflow."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from ratchet.cli.common import TRAIN, example, repository_of, settings_of


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("post", rich_help_panel=TRAIN, epilog=example("ratchet post", "ratchet post --pr 7"))(post)
    app.command(
        "dispatch", rich_help_panel=TRAIN, epilog=example("ratchet dispatch promote.yaml --ref main run-id=4f0c")
    )(dispatch)


def post(  # noqa: PLR0913, PLR0917 - each is an option of the command
    context: typer.Context,
    reports: Annotated[
        Optional[Path], typer.Option(help="The folder of the report; reports/ by default.", file_okay=False)
    ] = None,
    number: Annotated[
        Optional[int], typer.Option("--pr", help="The pull request; that of the workflow's event by default.", min=1)
    ] = None,
    commit: Annotated[str, typer.Option(help="The machine's own commit on the branch, if it made one.")] = "",
    result: Annotated[str, typer.Option(help="How training ended: success, failure, cancelled or skipped.")] = "",
    pending: Annotated[bool, typer.Option("--pending", help="Only set the status, to pending.")] = False,
    touched: Annotated[
        str,
        typer.Option(
            help="All models that the change touches, with spaces: ratchet/gate waits for each.",
            envvar="RATCHET_TOUCHED",
        ),
    ] = "",
    strict: Annotated[bool, typer.Option("--strict", help="Fail if something could not be posted.")] = False,
) -> None:
    """Post the report: one comment in the pull request, and the status ratchet/gate on its commits."""
    from ratchet.errors import ServiceFailed
    from ratchet.flows.post import Request, post

    names = tuple(touched.split())
    request = Request(reports=reports, number=number, commit=commit, result=result, pending=pending, touched=names)
    outcome = post(settings_of(context), request)
    for line in (*outcome.annotations, *outcome.done):
        typer.echo(line)
    for problem in outcome.problems:
        typer.echo(f"not posted: {problem}", err=True)
    if outcome.problems and strict:
        raise typer.Exit(ServiceFailed.exit_code)


def dispatch(
    context: typer.Context,
    workflow: Annotated[str, typer.Argument(help="The file of the workflow, such as promote.yaml.")],
    inputs: Annotated[Optional[list[str]], typer.Argument(help="Its inputs, as name=value.")] = None,
    ref: Annotated[str, typer.Option(help="The branch or tag to run it on.")] = "main",
) -> None:
    """Start a workflow through the API, as a step of another one does."""
    from ratchet.flows.ask import ask, inputs_of

    ask(repository_of(context), workflow, ref=ref, inputs=inputs_of(inputs or ()))
    typer.echo(f"asked for {workflow} on {ref}")
