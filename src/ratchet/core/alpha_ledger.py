"""The ledger of questions that the same held-out rows were asked: a file of JSON lines, one chain for all holdouts.

A question is charged before it is decided, at the level that ratchet.core.alpha_level allows, and closed with its one
answer afterwards. A line without an answer is a decision that is still being made, or one that crashed: asked again,
it costs nothing and is closed then.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import Field

from ratchet.core import chain
from ratchet.core.chain import Link, linked
from ratchet.core.findings import Finite
from ratchet.errors import PromotionRefused

Answer = Literal["promote", "not"]


class Question(Finite):
    """What is asked of a holdout; the same digests are the same question, which has one answer."""

    holdout: str = Field(description="SHA-256 of the name of the newest batch that judges: what is charged")
    rows: str = Field(description="SHA-256 of what is in them: mended or late rows ask anew, of the same budget")
    challenger: str = Field(description="SHA-256 of the model")
    champion: str = Field(description="what it was compared with: the ledger's entry, or the baseline's digest")
    policy: str = Field(description="SHA-256 of everything that decides: the gate's section and code")

    def asks(self) -> tuple[str, ...]:
        """What makes it this question."""
        return self.holdout, self.rows, self.challenger, self.champion, self.policy


class Charge(Question):
    """A question with what it cost, written before it is answered; the same line again, with `answer`, closes it."""

    actor: str
    time: str = Field(description="ISO 8601, UTC")
    reuse: Literal["ledger", "fresh", "open"] = Field(description="gate.reuse.policy as it was")
    budget: float = Field(gt=0, description="gate.reuse.alpha as it was")
    runs: int = Field(ge=1, description="gate.reuse.runs as it was")
    alpha: float = Field(gt=0, description="the level it is decided at")
    run: int = Field(ge=1, description="which question of this holdout it is, from 1")
    promotions: int = Field(ge=0, description="of this holdout before it, as far as they were known")
    fresh: bool = Field(description="it was the first, and cost nothing of the budget")
    answer: Answer | None = Field(default=None, description="None: not known yet, or never written")


class Entry(Charge, Link):
    """A charge with its place in the chain."""


def asked(charges: Iterable[Charge], holdout: str) -> tuple[Charge, ...]:
    """The questions about `holdout` in the order of their charges, each with its answer if one was written."""
    found: dict[tuple[str, ...], Charge] = {}
    for charge in charges:
        if charge.holdout == holdout:
            first = found.setdefault(charge.asks(), charge)
            if first.answer is None and charge.answer is not None:
                found[charge.asks()] = first.model_copy(update={"answer": charge.answer})
    return tuple(found.values())


def answered(charges: Iterable[Charge], question: Question, answer: Answer, *, actor: str, time: str) -> Charge:
    """The line that closes `question`. Raises PromotionRefused if it was not charged, or has an answer."""
    for earlier in asked(charges, question.holdout):
        if earlier.asks() == question.asks():
            if earlier.answer is not None:
                raise refused(question, f"has an answer: {earlier.answer}")
            body = earlier.model_dump(include=set(Charge.model_fields))
            return Charge.model_validate(body | {"answer": answer, "actor": actor, "time": time})
    raise refused(question, "was never charged")


def append(entries: Sequence[Entry], line: Charge) -> Entry:
    """The entry that follows the last one.

    Raises PromotionRefused if `line` charges a question twice or at a level that others have overtaken, or answers one
    that is not open.
    """
    before = asked(entries, line.holdout)
    if line.answer is not None:
        answered(entries, line, line.answer, actor=line.actor, time=line.time)
    elif any(earlier.asks() == line.asks() for earlier in before):
        raise refused(line, "was charged before, and costs nothing again")
    elif line.run != len(before) + 1:
        raise refused(line, f"was to be run {line.run}, but {len(before):,} were charged before it")
    return linked(Entry, entries, line.model_dump(include=set(Charge.model_fields)))


def dump(entries: Iterable[Entry]) -> str:
    """The file's text: JSON lines."""
    return chain.dump(entries)


def load(text: str) -> tuple[Entry, ...]:
    """Read the file and verify its chain. Raises TamperedFile that names the first line that does not fit."""
    return chain.load(
        Entry, text, name="alpha ledger", next_step="compare it with another clone; no holdout judges on a broken chain"
    )


def refused(question: Question, why: str) -> PromotionRefused:
    """The error for a line that the ledger does not take."""
    return PromotionRefused(
        f"the question about challenger {question.challenger[:12]} on holdout {question.holdout[:12]} {why}",
        next_step="read the alpha ledger again, and ask for the level anew",
    )
