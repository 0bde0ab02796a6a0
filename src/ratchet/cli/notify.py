"""Telling others what the ledger says: webhooks, and the repository's deployments."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, ParamSpec, TypeVar, cast

import typer

from ratchet.cli.common import REGISTRY, example, settings_of
from ratchet.cli.typed import typed

if TYPE_CHECKING:
    from ratchet.flows.notify import Told

Given = ParamSpec("Given")
Result = TypeVar("Result")


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    lines = ("ratchet notify", "ratchet notify --since 2026-03-01", "ratchet notify --deployments")
    app.command("notify", rich_help_panel=REGISTRY, epilog=example(*lines))(notify)


def notify(
    context: typer.Context,
    since: Annotated[
        str, typer.Option(help="Tell it all again from this ledger entry's number, or this moment, ISO 8601.")
    ] = "",
    deployments: Annotated[
        bool, typer.Option("--deployments", help="Also let the repository's deployments say what serves and waits.")
    ] = False,
) -> None:
    """Tell the webhooks of params.yaml what they were not told yet; the commands that write do so, too.

    What cannot be told is said and tried again the next time; it is no failure.
    """
    from ratchet.errors import RatchetError
    from ratchet.flows.notify import notify

    settings = settings_of(context)
    told = notify(settings, since=since)
    for line in _lines(told, every=True) or ([] if deployments else ["nobody is to be told: promotion.webhooks"]):
        typer.echo(typed(context, line))
    if not deployments:
        return
    from ratchet.flows.deployments import update_deployments

    try:
        for line in update_deployments(settings):
            typer.echo(line)
    except RatchetError as error:
        typer.echo(f"the deployments may say something else than the ledger: {error}", err=True)


def telling(command: Callable[Given, Result]) -> Callable[Given, Result]:
    """A command after which webhooks are told what it wrote, however it ended; that never changes how it ended."""

    @functools.wraps(command)
    def told(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        try:
            return command(*args, **kwargs)
        finally:
            # Every command names it so.
            context = kwargs.get("context")
            _tell(cast("typer.Context", context))

    return told


def _tell(context: typer.Context) -> None:
    from ratchet.errors import RatchetError
    from ratchet.io.room import read_params

    try:
        settings = settings_of(context)
        declared = read_params(settings.root).promotion.webhooks
    except RatchetError:
        # The command has said so itself.
        return
    if not declared:
        return
    from ratchet.flows.notify import notify

    try:
        lines = _lines(notify(settings), every=False)
    except RatchetError as error:
        lines = [f"webhooks were not told: {error.message}; ratchet notify tries again"]
    for line in lines:
        typer.echo(typed(context, line), err=True)


def _lines(found: tuple[Told, ...], *, every: bool) -> list[str]:
    """One line for each that was told, and for each problem; with `every` also for those that know all there is."""
    lines = []
    for each in found:
        if each.delivered:
            lines.append(f"{each.webhook} was told: {', '.join(each.delivered)}")
        elif every and not each.problems:
            lines.append(f"{each.webhook} knows all there is")
        again = "; ratchet notify tries again" if each.again else ""
        lines += [f"{each.webhook} was not told: {problem}{again}" for problem in each.problems]
    return lines
