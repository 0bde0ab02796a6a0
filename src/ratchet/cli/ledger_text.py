"""A ledger entry as `ratchet history` shows it: a block of lines that fits the terminal."""

from __future__ import annotations

import textwrap

from ratchet.core.ledger_entries import Line
from ratchet.core.ledger_words import details, exceptions, what, when

NARROWEST = 40
"""Columns; a terminal that says less (some say 0) is not believed."""
INDENT = "    "


def entry_text(entry: Line, *, metric: str, width: int) -> str:
    """Who did what when, what is to be known of it, why, and what was put up with for it.

    `metric` is the gate's; `width` is in characters.
    """
    head = f"{entry.sequence:>2}  {when(entry.time)}  {what(entry)} by {entry.actor}"
    lines = [*details(entry, metric), entry.reason, *exceptions(entry)]
    return "\n".join((head, *(_wrapped(line, width) for line in lines)))


def earlier_text(count: int) -> str:
    """How many entries are not shown.

    >>> earlier_text(1)
    '(1 entry before these: --last 0 shows all)'
    """
    return f"({count:,} {'entry' if count == 1 else 'entries'} before these: --last 0 shows all)"


def _wrapped(line: str, width: int) -> str:
    return textwrap.fill(
        line,
        max(width, NARROWEST),
        initial_indent=INDENT,
        subsequent_indent=INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
