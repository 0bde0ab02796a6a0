"""The ledger of questions that the same held-out rows were asked: a file of JSON lines, one chain for all holdouts.

A question is charged before it is decided, at the level that ratchet.core.alpha_level allows, and closed with its one
answer afterwards. A line without an answer is a decision that is still being made, or one that crashed: asked again,
it costs nothing and is closed then.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypeVar

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from ratchet.core import chain
from ratchet.core.chain import Link, linked
from ratchet.core.deliveries import without_late
from ratchet.core.findings import Finite
from ratchet.core.gate_params import Reuse
from ratchet.core.manifest import digest_of
from ratchet.errors import PromotionRefused

Answer = Literal["promote", "not"]
SHOWN = "shown"
"""What stands for a question where there was none: people looked at all numbers, under the policy `open`."""


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


def holdout_of(batches: Iterable[str]) -> str:
    """What is charged where these batches judge: the newest of them, by its name.

    What is in it follows from the project's own code, and how many are held out from its parameters: by content, or all
    together, they could buy one budget after the other for the same rows.
    """
    return digest_of({"newest": newest_of(batches)})


def newest_of(batches: Iterable[str]) -> str | None:
    """The newest of some batches and of what came late for them; None if there are none."""
    return max(map(without_late, batches), default=None)


class Charge(Question):
    """A question with what it cost, written before it is answered; the same line again, with `answer`, closes it."""

    model: str = Field(default="", description="whose holdout it is; empty: of before several models could share it")
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

    @model_serializer(mode="wrap")
    def _as_before(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without a model the field is left out: a line of before has the same bytes, and the same hash."""
        tree: dict[str, Any] = dump(self)
        if not self.model:
            tree.pop("model", None)
        return tree


class Entry(Charge, Link):
    """A charge with its place in the chain."""


Told = TypeVar("Told", bound=Charge)


def of_model(charges: Iterable[Told], model: str) -> tuple[Told, ...]:
    """The lines about one model. What was written before lines named one counts for each: nobody's budget grows."""
    return tuple(charge for charge in charges if charge.model in ("", model))


def shown(entries: Sequence[Charge], holdout: str, *, reuse: Reuse, actor: str, time: str) -> Charge | None:
    """The line that says that the numbers of a holdout were shown to people; None if one says so already.

    It stands for all looks of that kind: how much they told is not known, so that one is as good as many.
    """
    before = asked(entries, holdout)
    if is_shown(before, holdout):
        return None
    return Charge(
        holdout=holdout,
        rows=SHOWN,
        challenger=SHOWN,
        champion=SHOWN,
        policy=SHOWN,
        actor=actor,
        time=time,
        reuse="open",
        budget=reuse.alpha,
        runs=reuse.runs,
        alpha=1.0,
        run=len(before) + 1,
        promotions=0,
        fresh=not before,
    )


def is_shown(charges: Iterable[Charge], holdout: str) -> bool:
    """Whether the numbers of a holdout were shown to people: then any challenger may have been chosen by them."""
    return any(each.reuse == "open" and each.holdout == holdout for each in charges)


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
    own = of_model(entries, line.model) if line.model else entries
    before = asked(own, line.holdout)
    if line.answer is not None:
        answered(own, line, line.answer, actor=line.actor, time=line.time)
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
