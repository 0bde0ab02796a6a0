"""Sentences about tables that were compared."""

from __future__ import annotations

from dataclasses import dataclass, field

NAMED = 3
"""Tables that a note names before it counts them."""


@dataclass
class Notes:
    """Sentences about tables, each once, with the tables it is true of."""

    said: dict[str, list[str]] = field(default_factory=dict)

    def say(self, about: str, sentence: str) -> None:
        """Add a sentence about one table."""
        self.said.setdefault(sentence, []).append(about)

    def text(self) -> str:
        """All sentences, in the order in which they were first said."""
        return "; ".join(f"{_named(about)}: {sentence}" for sentence, about in self.said.items())


def _named(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
