"""Sentences about tables that were compared."""

from __future__ import annotations

from dataclasses import dataclass, field

from ratchet.core.report.text import listed

NAMED = 3
"""Tables that a note names before it counts them."""
SAME_ROWS = "the same rows in another order or another form"


@dataclass
class Notes:
    """Sentences about tables, each once, with the tables it is true of."""

    said: dict[str, list[str]] = field(default_factory=dict)

    def say(self, about: str, sentence: str) -> None:
        """Add a sentence about one table."""
        self.said.setdefault(sentence, []).append(about)

    def text(self) -> str:
        """All sentences, in the order in which they were first said."""
        return "; ".join(f"{listed(about, NAMED)}: {sentence}" for sentence, about in self.said.items())
