"""A ledger entry as `ratchet history` shows it: a block of lines that fits the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from ratchet.core.ledger import Entry, Overridden

NARROWEST = 40
"""Columns; a terminal that says less (some say 0) is not believed."""
INDENT = "    "


def entry_text(entry: Entry, *, metric: str, width: int) -> str:
    """Who put what into service when, what it was trained on and how good it is, why, and what was overridden for it.

    `metric` is the gate's; `width` is in characters.
    """
    since = entry.time.removesuffix("+00:00").replace("T", " ")
    head = f"{entry.sequence:>2}  {since} UTC  version {entry.version}, {entry.kind} by {entry.actor}"
    measured = f"; {metric} {entry.metrics[metric]:.4f}" if metric in entry.metrics else ""
    lines = (f"trained on {_period(entry.trained_on)}{measured}", entry.reason, *map(_overridden, entry.overrides))
    return "\n".join((head, *(_wrapped(line, width) for line in lines)))


def _overridden(override: Overridden) -> str:
    until = override.expires.removesuffix("+00:00").replace("T", " ")
    return f"overridden by {override.actor} until {until} UTC: {', '.join(override.conditions)}; {override.reason}"


def _period(batches: Iterable[str]) -> str:
    """The batches by name, as a period where there are several."""
    ordered = sorted(batches)
    return f"{ordered[0]} to {ordered[-1]} ({len(ordered)} batches)" if len(ordered) > 1 else ", ".join(ordered)


def _wrapped(line: str, width: int) -> str:
    return textwrap.fill(
        line,
        max(width, NARROWEST),
        initial_indent=INDENT,
        subsequent_indent=INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
