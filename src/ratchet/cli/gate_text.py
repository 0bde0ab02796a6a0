"""Decisions, replays and plans as `ratchet gate` shows them: lines that fit the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from ratchet.io.markdown import visible

if TYPE_CHECKING:
    from ratchet.core.past_rules import Judgement
    from ratchet.flows.gate_advise import Advised
    from ratchet.flows.gate_explain import Explained
    from ratchet.flows.gate_replay import Replayed

NARROWEST = 40
"""Columns; a terminal that says less (some say 0) is not believed."""
INDENT = "  "
SHOWN = 20
"""Fields that differ, of one decision."""
VALUE = 60
"""Characters of a value that differs."""


def explained_lines(told: Explained, width: int) -> Iterator[str]:
    """The decision in words, its conditions last."""
    words = told.explanation
    when = f", {told.found.time}" if told.found.time else ""
    yield f"{told.found.name}{when}"
    yield from _part("asked", [words.asked], width)
    yield from _part("answer", [words.answer], width)
    yield from _part("judged on", [words.judged_on], width)
    yield from _part("decided by", words.decided_by, width)
    yield from _part("how sure", words.how_sure, width)
    yield from _part("what would change it", [words.would_change] if words.would_change else [], width)
    yield from _part("kept back", [words.kept_back] if words.kept_back else [], width)
    if told.opened:
        yield from _part("told in full", ["its rows were sealed then; newer ones judge now"], width)
    yield "conditions"
    for each in words.conditions:
        yield _wrapped(f"{'holds' if each.holds else 'FAILS'}  {each.name}: {each.found}", width)
        yield _wrapped(f"({each.why})", width, indent=INDENT * 4)


def replayed_lines(results: Sequence[Replayed], width: int) -> Iterator[str]:
    """One line a decision, and below it what differs."""
    words = {
        "same": "decided again, and every field is the same",
        "differs": "DIFFERS",
        "older": "an older decision, not to be replayed",
        "not replayed": "not replayed",
    }
    for each in results:
        entries = f" (ledger entry {', '.join(map(str, each.entries))})" if each.entries else ""
        note = f": {each.replay.note}" if each.replay.note else ""
        verdict = f"{each.found.past.verdict} by {', '.join(each.found.past.holdout) or 'no batch'}"
        yield _wrapped(f"{each.found.name}{entries}, {verdict}: {words[each.replay.state]}{note}", width, indent="")
        for found in each.replay.differences[:SHOWN]:
            again = f"recorded {_short(found.recorded)}, now {_short(found.again)}"
            yield _wrapped(f"{found.field}: {again}", width)
        if (left := len(each.replay.differences) - SHOWN) > 0:
            yield f"{INDENT}and {left:,} more"


def judgement_lines(judgements: Sequence[Judgement]) -> Iterator[str]:
    """A table, and below it how many would have been others."""
    from ratchet.core.past_rules import cells, summary

    rows = [("decision", "date", "judged on", "verdict then", "now", "what decides"), *map(cells, judgements)]
    if judgements:
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        for row in rows:
            yield "  ".join(visible(cell).ljust(wide) for cell, wide in zip(row, widths, strict=True)).rstrip()
    yield summary(judgements)


def advised_lines(advised: Advised, width: int) -> Iterator[str]:
    """What a plan takes, and what the rows at hand can find."""
    yield from (_wrapped(line, width, indent="") for line in advised.lines)


def _part(title: str, lines: Iterable[str], width: int) -> Iterator[str]:
    found = [_wrapped(line, width) for line in lines]
    if found:
        yield title
        yield from found


def _short(value: str) -> str:
    return value if len(value) <= VALUE else f"{value[: VALUE - 1]}…"


def _wrapped(line: str, width: int, *, indent: str = INDENT) -> str:
    return textwrap.fill(
        visible(line),
        max(width, NARROWEST),
        initial_indent=indent,
        subsequent_indent=f"{indent}{INDENT}",
        break_long_words=False,
        break_on_hyphens=False,
    )
