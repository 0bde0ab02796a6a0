"""Commands for pull requests on the forge."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from ratchet.cli.common import FORGE, example, repository_of

if TYPE_CHECKING:
    from ratchet.forge.home import Home
    from ratchet.forge.pulls.pull_page import View

pr = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")
Number = Annotated[int, typer.Argument(help="Its number.", min=1)]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(pr, name="pr", rich_help_panel=FORGE, help="Pull requests on the forge.")


@pr.command("open", epilog=example("ratchet pr open", 'ratchet pr open --title "Add July" --label explain'))
def open_(
    context: typer.Context,
    title: Annotated[str, typer.Option(help="Its title; that of the newest commit by default.")] = "",
    body: Annotated[str, typer.Option(help="What it is about, as Markdown.")] = "",
    base: Annotated[str, typer.Option(help="The branch that it is for.")] = "main",
    label: Annotated[Optional[list[str]], typer.Option(help="A label; may be given several times.")] = None,
) -> None:
    """Push the branch you are on, make a pull request of it, and follow its workflows."""
    from ratchet.forge import hook
    from ratchet.forge.pulls import asking, pulls

    settings = repository_of(context)
    home = asking.home_of(settings.root)
    words = asking.Words(title=title, body=body, base=base, labels=tuple(label or ()))
    pull, ticket = pulls.create(home, asking.push_branch(home, settings.root, words, actor=settings.actor))
    typer.echo(f"pull request {pull.number}: {pull.title}")
    if ticket is None:
        typer.echo(pulls.conflict_words(pull))
    hook.show(home, [ticket] if ticket else [])
    _page(home, pull.number)


@pr.command("list", epilog=example("ratchet pr list", "ratchet pr list --all"))
def list_(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Also those that are merged or closed.")] = False,
) -> None:
    """List the open pull requests, oldest first."""
    from ratchet.forge.pulls import pull_page

    for view in pull_page.views(_home(context)):
        pull = view.pull
        if pull.is_open or everything:
            typer.echo(f"{pull.number:>4}  {pull.head} -> {pull.base}  {pull.title}  ({view.standing})")


@pr.command(epilog=example("ratchet pr show 7", "ratchet pr show 7 --open"))
def show(
    context: typer.Context,
    number: Number,
    browser: Annotated[bool, typer.Option("--open", help="Open its page in the browser instead.")] = False,
) -> None:
    """Show how a pull request stands: branches, statuses, runs, what was said, and where its page is."""
    from ratchet.forge.pulls import pull_page

    view = pull_page.look(_home(context), number)
    page = pull_page.write(view)
    if browser:
        typer.launch(page.as_uri())
    else:
        _show(view, page)


@pr.command(epilog=example("ratchet pr label 7 explain", "ratchet pr label 7 explain --remove"))
def label(
    context: typer.Context,
    number: Number,
    name: Annotated[str, typer.Argument(help="The label.")],
    remove: Annotated[bool, typer.Option("--remove", help="Take it off.")] = False,
) -> None:
    """Put a label on a pull request, and follow the workflows that ask for it."""
    from ratchet.forge import hook
    from ratchet.forge.pulls import pulls

    home = _home(context)
    pull, ticket = pulls.label(home, number, name, actor=repository_of(context).actor, remove=remove)
    typer.echo(f"pull request {number}: labels {', '.join(pull.labels) or 'none'}")
    hook.show(home, [ticket] if ticket else [])
    _page(home, number)


@pr.command(epilog=example("ratchet pr merge 7", "ratchet pr merge 7 --squash"))
def merge(
    context: typer.Context,
    number: Number,
    squash: Annotated[bool, typer.Option("--squash", help="As one commit on the base.")] = False,
    admin: Annotated[bool, typer.Option("--admin", help="Past a required status; the reason is kept.")] = False,
    reason: Annotated[str, typer.Option(help="Why --admin is right here.")] = "",
) -> None:
    """Merge a pull request that is without conflict and has its required statuses; follow what that starts."""
    from ratchet.forge.pulls import asking, landing

    settings = repository_of(context)
    home = asking.home_of(settings.root)
    author = asking.author(settings.root, settings.actor)
    wish = landing.Wish(number=number, actor=settings.actor, author=author, squash=squash, admin=admin, reason=reason)
    pull = landing.land(home, wish)
    typer.echo(f"pull request {number} is merged into {pull.base} as {pull.merged_sha[:9]}")
    _page(home, number)


@pr.command(epilog=example("ratchet pr close 7"))
def close(context: typer.Context, number: Number) -> None:
    """Close a pull request without merging it; the branch stays."""
    from ratchet.forge.pulls import pulls

    home = _home(context)
    pull = pulls.close(home, number)
    typer.echo(f"pull request {number} is closed; the branch {pull.head} is still there")
    _page(home, number)


def _home(context: typer.Context) -> Home:
    from ratchet.forge.pulls import asking

    return asking.home_of(repository_of(context).root)


def _page(home: Home, number: int) -> None:
    """Make the page anew and say where it is."""
    from ratchet.forge.pulls import pull_page

    typer.echo(f"page: {pull_page.write(pull_page.look(home, number))}")


def _show(view: View, page: Path) -> None:
    from ratchet.forge.pulls.pull_page import comment_text, report_of

    pull = view.pull
    typer.echo(f"{pull.title} (#{pull.number}, by {pull.author}, {pull.created})")
    typer.echo(f"{pull.head} ({pull.head_sha[:9]}) -> {pull.base}: {view.standing}")
    for line in (f"labels: {', '.join(pull.labels)}" if pull.labels else "", pull.body):
        typer.echo(line) if line else None
    for sha, given in view.statuses:
        for status in given:
            typer.echo(f"{sha[:9]}  {status.context}  {status.state}  {status.description}")
    for run in view.runs:
        typer.echo(f"run {run.number}  {run.workflow}  {run.conclusion}  {report_of(run) or run.log}")
    for comment in view.comments:
        typer.echo(f"\n{comment.user}, {comment.updated_at}:\n{comment_text(comment.body)}\n")
    typer.echo(f"page: {page}")
