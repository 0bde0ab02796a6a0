"""A change that edits how it is judged: the verdict on it is by its own rules, and a reader has to know."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ratchet.core.report.text import listed, moved

if TYPE_CHECKING:
    from ratchet.core.change.records import ParamChange

RULES = ("gate", "split", "project")
"""Sections of params.yaml that say what is required, on which rows, and of which task."""
NAMED = 3
"""Keys that the sentence names."""


def edited_rules(params: Iterable[ParamChange]) -> tuple[ParamChange, ...]:
    """The keys among `params` that decide how a model is judged, those of the gate first."""
    found = [each for each in params if each.key.partition(".")[0] in RULES]
    return tuple(sorted(found, key=lambda each: RULES.index(each.key.partition(".")[0])))


def own_rules(params: Iterable[ParamChange]) -> str:
    """The sentence that stands under the verdict; empty where the rules are the base's."""
    rules = edited_rules(params)
    if not rules:
        return ""
    named = listed((moved(each.key, each.old, each.new) for each in rules), NAMED)
    return f"This change edits how it is judged ({named}): the verdict is by its own rules."
