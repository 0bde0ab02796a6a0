"""Commands about the gate's decisions: explained, replayed, under other rules, planned for, overridden."""

from __future__ import annotations

from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from ratchet.cli.common import TRAIN, example, settings_of
from ratchet.cli.notify import telling
from ratchet.cli.typed import typed

if TYPE_CHECKING:
    from collections.abc import Iterable

gate = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")
RunId = Annotated[Optional[str], typer.Argument(help="An MLflow run; the decision that is here by default.")]
At = Annotated[Optional[str], typer.Option(help="The decision that a commit, branch or tag holds.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    words = "Explain, replay and question the gate's decisions."
    app.add_typer(gate, name="gate", rich_help_panel=TRAIN, help=words)


@gate.command(epilog=example("ratchet gate explain", "ratchet gate explain RUN_ID", "ratchet gate explain --at HEAD~3"))
def explain(context: typer.Context, run_id: RunId = None, at: At = None, json: AsJson = False) -> None:
    """Put a decision into plain words: what was asked, what decided it, how sure that is, what would change it."""
    from ratchet.cli.gate_text import explained_lines
    from ratchet.flows.gate_explain import explained

    told = explained(settings_of(context), run_id=run_id, at=at)
    if json:
        _say_json({"decision": told.found.name, "time": told.found.time, "opened": told.opened,
                   **told.explanation.model_dump(mode="json")})  # fmt: skip
    else:
        _say(explained_lines(told, get_terminal_size().columns))


@gate.command(epilog=example("ratchet gate replay", "ratchet gate replay RUN_ID", "ratchet gate replay --all"))
def replay(
    context: typer.Context,
    run_id: RunId = None,
    everything: Annotated[bool, typer.Option("--all", help="Every decision that is recorded.")] = False,
    at: At = None,
    json: AsJson = False,
) -> None:
    """Decide again what was decided, by the recorded evidence and rules; ends with 4 if anything differs."""
    from ratchet.cli.gate_text import replayed_lines
    from ratchet.errors import PromotionRefused, ServiceFailed
    from ratchet.flows.gate_replay import replayed

    results = replayed(settings_of(context), run_id=run_id, at=at, everything=everything)
    if json:
        for each in results:
            _say_json({"decision": each.found.name, "verdict": each.found.past.verdict, "entries": each.entries,
                       **each.replay.model_dump(mode="json")})  # fmt: skip
    else:
        _say(replayed_lines(results, get_terminal_size().columns))
    if not results:
        typer.echo("no decision is recorded yet")
    states = {each.replay.state for each in results}
    if "differs" in states:
        raise typer.Exit(PromotionRefused.exit_code)
    if "not replayed" in states:
        raise typer.Exit(ServiceFailed.exit_code)


@gate.command(
    "what-if",
    epilog=example("ratchet gate what-if --params new.yaml", "ratchet gate what-if --set gate.alpha=0.05 --last 10"),
)
def what_if(
    context: typer.Context,
    params: Annotated[Optional[Path], typer.Option(help="Parameters to judge by; this project's by default.")] = None,
    changes: Annotated[
        Optional[list[str]], typer.Option("--set", help="A key of the gate and its value; may be given several times.")
    ] = None,
    last: Annotated[int, typer.Option(help="So many decisions, the newest.", min=1)] = 20,
    json: AsJson = False,
) -> None:
    """Say which decisions of the past would have been others under other rules."""
    from ratchet.cli.gate_text import judgement_lines
    from ratchet.flows.gate_what_if import judged_by

    judgements = judged_by(settings_of(context), params=params, changes=changes or [], last=last)
    if json:
        for each in judgements:
            _say_json({**each.model_dump(mode="json"), "flips": each.flips})
    else:
        _say(judgement_lines(judgements))


@gate.command(epilog=example("ratchet gate advise", "ratchet gate advise --effect 0.005 --power 0.8"))
def advise(
    context: typer.Context,
    effect: Annotated[
        Optional[float], typer.Option(help="The gain to find, in the metric's unit; gate.min_effect by default.")
    ] = None,
    power: Annotated[Optional[float], typer.Option(help="The chance to find it; gate.power by default.")] = None,
    json: AsJson = False,
) -> None:
    """Plan labels before training: how many rows, clusters and weeks of traffic it takes to find a gain."""
    from ratchet.cli.gate_text import advised_lines
    from ratchet.flows.gate_advise import advised

    plan = advised(settings_of(context), effect=effect, power=power)
    if json:
        _say_json(plan.model_dump(mode="json"))
    else:
        _say(advised_lines(plan, get_terminal_size().columns))


@gate.command(epilog=example('ratchet gate override floor:roc_auc --reason "new shop, agreed" --expires 2026-03-01'))
@telling
def override(
    context: typer.Context,
    conditions: Annotated[list[str], typer.Argument(help="Conditions that failed, by name.")],
    reason: Annotated[str, typer.Option(help="Why; it stands in the ledger.")],
    expires: Annotated[str, typer.Option(help="The last day on which it may be used to promote, as 2026-03-01.")],
    run: Annotated[Optional[str], typer.Option(help="The MLflow run; the run of what is here by default.")] = None,
) -> None:
    """Take failed conditions of one run upon yourself: with all of them overridden, ratchet promote lets it serve."""
    from ratchet.flows.gate_override import override

    made = override(settings_of(context), conditions, reason=reason, expires=expires, run_id=run)
    names = ", ".join(made.entry.conditions)
    typer.echo(f"{names} of run {made.entry.run_id}: overridden by {made.entry.actor} until {made.entry.expires}")
    if made.left:
        typer.echo(f"still in the way: {', '.join(made.left)}")
    else:
        typer.echo(typed(context, f"nothing else is in the way: ratchet promote {made.entry.run_id}"))


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        typer.echo(line)


def _say_json(tree: object) -> None:
    import json

    typer.echo(json.dumps(tree, ensure_ascii=False))
