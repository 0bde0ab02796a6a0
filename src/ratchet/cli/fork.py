"""Commands for pull requests from forks: the public sample, and the trusted second look."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from ratchet.cli.common import TRAIN, example, repository_of, settings_kept, settings_of
from ratchet.cli.typed import from_here

if TYPE_CHECKING:
    from ratchet.flows.vet import Vetted
    from ratchet.settings import Settings

sample = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")

OUTCOMES = {
    "posted": "posted to #{}",
    "not posted": "GitHub did not take the comment for #{}",
    "outdated": "#{} has moved on since: nothing is posted, its newest commit has a run of its own",
    "gone": "there is no open pull request with this commit: nothing is posted",
    "nothing": "the run of #{} was called off or has not begun: nothing is posted",
}


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(
        sample, name="sample", rich_help_panel=TRAIN, help="A public sample of the data, for pull requests from forks."
    )
    app.command("vet", rich_help_panel=TRAIN, epilog=example("ratchet vet --run-id 4711"))(vet)


@sample.command(epilog=example("ratchet sample make --public --rows 1500 --batches 4"))
def make(
    context: typer.Context,
    public: Annotated[
        bool, typer.Option("--public", help="Yes: everybody may see these rows, and git keeps them for ever.")
    ] = False,
    rows: Annotated[int, typer.Option(help="Rows of each batch, drawn by the digest of their keys.", min=1)] = 1500,
    batches: Annotated[int, typer.Option(help="How many batches, the newest ones.", min=2)] = 4,
) -> None:
    """Write data/sample/, which is committed to git: a few rows of the newest batches."""
    from ratchet.flows.sample import make
    from ratchet.io.sample_files import FOLDER

    settings = settings_of(context)
    made = make(settings, rows=rows, batches=batches, public=public)
    for name, count in (*made.rows.items(), *made.lookups.items()):
        typer.echo(f"{name:<16}{count:>8,} rows")
    place = from_here(settings.root / FOLDER)
    typer.echo(f"{made.size / 1e3:.0f} kB in {place}/; say in its README where they come from, then git add it")


@sample.command(epilog=example("ratchet sample run --base origin/main --into reports"))
def run(
    context: typer.Context,
    base: Annotated[str, typer.Option(help="What the change is compared with: a branch or a commit.")] = "origin/main",
    into: Annotated[Optional[Path], typer.Option(help="The folder to write to; reports/ by default.")] = None,
) -> None:
    """Train this commit and its base on the sample, and compare them: needs no secret and no remote."""
    from ratchet.flows.sample_run import run
    from ratchet.io.layout import REPORTS

    settings = settings_kept(context)
    markdown = run(settings, base=base, into=into or settings.root / REPORTS)
    typer.echo(markdown)
    _summarise(settings.github.summary, markdown)


def vet(
    context: typer.Context,
    run_id: Annotated[int, typer.Option(help="The run of the fork's pull request that has ended.", envvar="RUN_ID")],
) -> None:
    """Check what the run of a fork's pull request left, and post it; with the default branch's code alone."""
    from contextlib import closing

    from ratchet.errors import DataRefused
    from ratchet.flows.vet import touched_roots, vet
    from ratchet.io.github.client import connect
    from ratchet.settings import load_settings

    settings = repository_of(context)
    refused: list[DataRefused] = []
    with closing(connect(settings.github)) as hub:
        for root in touched_roots(settings, run_id=run_id, hub=hub):
            try:
                _say_vetted(settings, vet(load_settings(root), run_id=run_id, hub=hub))
            except DataRefused as error:
                refused.append(error)
    for each in refused[1:]:
        typer.echo(f"refused, too: {each}", err=True)
    if refused:
        raise refused[0]


def _say_vetted(settings: Settings, vetted: Vetted) -> None:
    typer.echo(OUTCOMES[vetted.state].format(vetted.number))
    for problem in vetted.problems:
        typer.echo(f"not posted: {problem}", err=True)
    _summarise(settings.github.summary, vetted.markdown)


def _summarise(summary: Path | None, markdown: str) -> None:
    """Show it on the run's page, where there is one."""
    if summary is not None and markdown:
        with summary.open("a", encoding="utf-8") as file:
            file.write(f"{markdown}\n")
