"""What another look at the same held-out rows may still risk: the rule that keeps many decisions honest.

The first decision on a holdout is fresh: no model was chosen by what the holdout said, and it has a level of its own.
Every later challenger may have been chosen by the answers before, by a person or by a search. Its level is

    alpha * 2^-(j + 1) / (T * C(n, j))

after n answers of which j were promotions, for a budget alpha over T such runs. Nothing leaves the gate but one answer
per question, so that after n answers with j promotions there are at most C(n, j) different histories, and as many
different challengers. Over all of them the levels of one run sum to at most alpha / T, those of all T runs to alpha: by
the union bound this is the risk of any false promotion, however the challengers were chosen (adaptive data analysis
as description length: Dwork et al., "Generalization in Adaptive Data Analysis and Holdout Reuse", NeurIPS 2015;
prefix code: Blum and Langford, "PAC-MDL Bounds", COLT 2003). The fresh answer is one of the n: it was an answer too.

An answer that is not known (a crash, or a decision that is still being made) may be either; the level is the smallest
that any of them allows, which is at most the level of what is true. Budget and runs hold as they stood when the holdout
was first used: they can be tightened later and not loosened, or a budget could be chosen by the answers. A question
asked again has the same level and costs nothing. The proof takes one answer per question: where the numbers of a
holdout were shown (policy `open`), nothing is promised about it any more.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction

from pydantic import Field

from ratchet.core.alpha_ledger import Answer, Charge, Question, asked, is_shown, refused
from ratchet.core.findings import Finite
from ratchet.core.gate_params import Reuse
from ratchet.errors import PromotionRefused


class Level(Finite):
    """What a question may risk, and how that came about."""

    alpha: float = Field(description="the one-sided level; 0 where `exhausted` says why: then nothing can be shown")
    run: int = Field(description="which question of this holdout it is, from 1")
    promotions: int = Field(description="of this holdout before it, as far as they are known")
    unknown: int = Field(description="questions before it whose answer is not known; the level holds for either")
    fresh: bool = Field(description="no answer about these rows was given before")
    cached: bool = Field(description="the question was asked before: the same level, and no charge")
    answer: Answer | None = Field(description="what it was answered then, if that is known")
    runs_left: int | None = Field(description="further challengers after this one; None: not limited")
    exhausted: str = Field(description="why these rows judge no further challenger; empty: they do")


def level(
    charges: Iterable[Charge], question: Question, *, fresh_alpha: float, reuse: Reuse, frozen: bool = False
) -> Level:
    """What `question` may risk after these charges.

    `fresh_alpha` (gate.alpha) is the level of a decision that nothing was chosen for by the same rows; `frozen` says
    that there is none: the holdout is kept to be used again and again, and its first question is charged as well.
    """
    before = asked(charges, question.holdout)
    for earlier in before:
        if earlier.asks() == question.asks():
            return _again(earlier, before, reuse)
    fresh = not before and not frozen
    exhausted = "" if fresh else _exhausted(before, reuse)
    whole = fresh or reuse.policy == "open"
    return Level(
        alpha=0.0 if exhausted else fresh_alpha if whole else _charged_level(before, reuse),
        run=len(before) + 1,
        promotions=_promotions(before),
        unknown=_unknown(before),
        fresh=fresh,
        cached=False,
        answer=None,
        runs_left=0 if exhausted else _runs_left(before, reuse, now=0 if fresh else 1),
        exhausted=exhausted,
    )


def charge(question: Question, spent: Level, *, reuse: Reuse, actor: str, time: str) -> Charge:
    """The line that must be in the ledger before `question` is decided at the level `spent`.

    Raises PromotionRefused if the holdout is exhausted, or if the question was charged before.
    """
    if spent.exhausted:
        raise PromotionRefused(
            f"holdout {question.holdout[:12]} cannot judge challenger {question.challenger[:12]}: {spent.exhausted}",
            next_step="label new rows: a new holdout has a new budget",
        )
    if spent.cached:
        raise refused(question, "was charged before, and costs nothing again")
    return Charge(
        **question.model_dump(include=set(Question.model_fields)),
        actor=actor,
        time=time,
        reuse=reuse.policy,
        budget=reuse.alpha,
        runs=reuse.runs,
        alpha=spent.alpha,
        run=spent.run,
        promotions=spent.promotions,
        fresh=spent.fresh,
    )


def _again(earlier: Charge, before: tuple[Charge, ...], reuse: Reuse) -> Level:
    return Level(
        alpha=earlier.alpha,
        run=earlier.run,
        promotions=earlier.promotions,
        unknown=0,
        fresh=earlier.fresh,
        cached=True,
        answer=earlier.answer,
        runs_left=_runs_left(before, reuse, now=0),
        exhausted="",
    )


def _exhausted(before: tuple[Charge, ...], reuse: Reuse) -> str:
    """Why these rows judge no further challenger, or nothing."""
    if reuse.policy == "open":
        return ""
    if before and is_shown(before, before[0].holdout):
        return "its numbers were shown (gate.reuse.policy was open), and a challenger may have been chosen by them"
    if reuse.policy == "fresh":
        return "they are not fresh, and gate.reuse.policy asks for rows that judged nobody before"
    if _runs_left(before, reuse, now=0) == 0:
        return f"all {_terms(before, reuse)[1]:,} runs of the budget are spent"
    if _promotions(before) >= reuse.max_promotions:
        return f"{_promotions(before)} promotions were made on them, and gate.reuse.max_promotions allows no more"
    return ""


def _charged_level(before: tuple[Charge, ...], reuse: Reuse) -> float:
    """The smallest level that any completion of the answers allows. Fractions, as C(n, j) outgrows a float."""
    share, count = _terms(before, reuse)[0], len(before)
    known = _promotions(before)
    possible = range(known, known + _unknown(before) + 1)
    return float(min(share / (2 ** (made + 1) * math.comb(count, made)) for made in possible))


def _terms(before: tuple[Charge, ...], reuse: Reuse) -> tuple[Fraction, int]:
    """Each run's share of the budget, and the number of runs: the present ones, no looser than at the first use."""
    share, runs = Fraction(reuse.alpha) / reuse.runs, reuse.runs
    if not before:
        return share, runs
    first = before[0]
    return min(share, Fraction(first.budget) / first.runs), min(runs, first.runs)


def _runs_left(before: tuple[Charge, ...], reuse: Reuse, *, now: int) -> int | None:
    """Runs of the budget after `now` more; None under `open`, and none under `fresh`."""
    if reuse.policy != "ledger":
        return None if reuse.policy == "open" else 0
    return max(0, _terms(before, reuse)[1] - sum(not earlier.fresh for earlier in before) - now)


def _promotions(before: tuple[Charge, ...]) -> int:
    return sum(earlier.answer == "promote" for earlier in before)


def _unknown(before: tuple[Charge, ...]) -> int:
    return sum(earlier.answer is None for earlier in before)
