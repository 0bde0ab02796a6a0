"""Workflow commands that mark the lines of params.yaml which decided: GitHub shows them beside the change.

Form and escapes: https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ratchet.core.decision import Condition, Decision

FILE = "params.yaml"

Level = Literal["error", "warning", "notice"]


def annotations_of(decision: Decision, lines: Mapping[str, int]) -> list[str]:
    """One command for each condition that failed, at the line of the key that set it; harm is an error, else a notice.

    `lines` maps dotted keys of params.yaml to line numbers. A condition that no key sets is marked at the gate section.
    A model that is the champion itself has nothing to be marked.
    """
    if decision.evidence.challenger_is_champion:
        return []
    return [_annotation(condition, decision, lines) for condition in decision.conditions if not condition.passed]


def command(level: Level, message: str, properties: Mapping[str, str | int]) -> str:
    """A workflow command, such as `::error file=a.yaml,line=3::what is wrong`."""
    said = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    return f"::{level}{f' {said}' if said else ''}::{_data(message)}"


def keys_of(condition: Condition, decision: Decision) -> Iterator[str]:
    """The keys that set a condition, the most telling first."""
    if condition.name.startswith("floor:"):
        yield f"gate.floors.{condition.name.removeprefix('floor:')}"
        yield "gate.floors"
    elif condition.name == "enough_clusters":
        yield "gate.min_clusters"
    elif condition.name == "better":
        yield from _keys_of_better(condition, decision)
    elif condition.name == "leakage":
        yield "gate.leakage"
    elif condition.name == "untouched":
        yield "split.holdout"
    yield "gate"


def _keys_of_better(condition: Condition, decision: Decision) -> Iterator[str]:
    """Without an estimate there was nothing to compare by that metric; with one, margin or risk was not met."""
    if condition.estimate is None:
        yield "gate.metric"
    elif decision.evidence.refit:
        yield "gate.refit_margin"
    yield from ("gate.margin", "gate.alpha") if decision.policy.margin else ("gate.alpha", "gate.margin")
    yield "gate.metric"


def _annotation(condition: Condition, decision: Decision, lines: Mapping[str, int]) -> str:
    line = next((lines[key] for key in keys_of(condition, decision) if key in lines), 1)
    properties: dict[str, str | int] = {"file": FILE, "line": line, "title": f"{decision.verdict}: {condition.name}"}
    remedy = f"\nWhat would change it: {condition.remedy}" if condition.remedy else ""
    return command("error" if condition.harm else "notice", condition.sentence + remedy, properties)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
