"""A look at the sealed rows is paid for before the gate decides, and closed with the gate's answer afterwards.

`data/level.json`, which the gate waits for, follows from the evidence and the alpha ledger alone: whoever runs the same
question again, here or in another clone, finds the same level and pays nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from ratchet.core.alpha_ledger import Answer, Charge, Entry, Question, answered, asked
from ratchet.core.alpha_level import Level, charge, level
from ratchet.core.decision import Decision, Evidence, Look
from ratchet.core.gate.charged import question_of
from ratchet.core.gate.unasked import unasked
from ratchet.core.params import Gate, Params
from ratchet.errors import PromotionRefused, RatchetError, ServiceFailed
from ratchet.flows.clock import Clock, now, stamp
from ratchet.flows.shown_rows import alpha_ledger, find_shown, is_cut_off
from ratchet.io import sealed
from ratchet.io.progress import say
from ratchet.settings import Settings

TOLD = {"cached": False, "answer": None}
"""A level as it was when it was paid for: the file is the same whoever asks again."""


def charge_look(settings: Settings, params: Params, *, clock: Clock = now) -> Look | None:
    """Pay for the look that the gate is about to take, and write `data/level.json`.

    What keeps it from being paid for stands in the file, and the gate holds: that is a result. Nothing is paid for
    where the rows need not be asked. Raises ServiceFailed, TamperedFile.
    """
    look = _look(settings, params, clock)
    sealed.write_look_if_new(settings.root, look)
    return look


def answer_look(settings: Settings, params: Params, decision: Decision, *, clock: Clock = now) -> None:
    """Close the look that a sealed decision took; does nothing where none was paid for, or it has its answer.

    What cannot be written is said and is no failure: a look without an answer counts as if it had either.
    """
    question = _paid_for(decision)
    if question is None:
        return
    answer: Answer = "promote" if decision.verdict == "promote" else "not"

    def decide(entries: tuple[Entry, ...]) -> Charge | None:
        if all(each.answer is not None for each in _charges(entries, question)):
            return None
        return answered(entries, question, answer, actor=settings.actor, time=stamp(clock()))

    try:
        alpha_ledger(settings, params).append(decide)
    except RatchetError as error:
        say(f"the gate's answer is not in the alpha ledger yet, the next ratchet run writes it: {error.message}")


def require_paid(settings: Settings, params: Params, decision: Decision) -> None:
    """Raises PromotionRefused unless the alpha ledger has the look of a sealed promotion, at the level it was made at.

    A level that somebody wrote by hand is paid for by nobody. Raises ServiceFailed, TamperedFile.
    """
    if decision.seal is None or decision.verdict != "promote":
        return
    question, look = _paid_for(decision), decision.evidence.look
    entries = alpha_ledger(settings, params).read()
    charges = _charges(entries, question) if question else []
    if look is None or look.level is None or [each.alpha for each in charges] != [look.level.alpha]:
        raise PromotionRefused(
            f"the look at the sealed rows of {', '.join(decision.seal.batches)} that this decision rests on is not in "
            "the alpha ledger, or not at its level",
            next_step="ratchet run charges it; a level cannot be written by hand",
        )


def _paid_for(decision: Decision) -> Question | None:
    """The question that a decision answered with a level of its own; None: it asked nothing."""
    look = decision.evidence.look
    asked_nothing = decision.seal is None or look is None or look.level is None or look.level.exhausted
    return None if asked_nothing or look is None else look.question


def _charges(entries: Sequence[Entry], question: Question) -> list[Charge]:
    return [each for each in asked(entries, question.holdout) if each.asks() == question.asks()]


def _level_of(entries: Sequence[Entry], question: Question, policy: Gate) -> Level:
    """What a question may risk: as it was when it was charged, or as it would be charged now.

    A charge is written on top of the very lines that its level was computed from, so that these give it again.
    """
    first = next((place for place, each in enumerate(entries) if each.asks() == question.asks()), len(entries))
    found = level(entries[:first], question, fresh_alpha=policy.alpha, reuse=policy.reuse)
    paid = {"alpha": entries[first].alpha} if first < len(entries) else {}
    return found.model_copy(update=paid | TOLD)


def _look(settings: Settings, params: Params, clock: Clock) -> Look | None:
    evidence = sealed.read_evidence(settings.root)
    question = question_of(evidence, params.gate)
    if question is None:
        return None
    if reason := unasked(evidence, params.gate):
        return Look(question=question, level=None, problem=f"there is nothing to ask: {reason}")
    problem = _unknown(settings, params, question, evidence, clock)
    return Look(question=question, level=None, problem=problem) if problem else _paid(settings, params, question, clock)


def _unknown(settings: Settings, params: Params, question: Question, evidence: Evidence, clock: Clock) -> str:
    """Why nobody can say whether the numbers of these rows were shown before; empty once the alpha ledger says it."""
    branch = alpha_ledger(settings, params)
    try:
        if _charges(branch.read(), question):
            return ""
        if is_cut_off(settings.root):
            return "older decisions, which may show what is sealed now, are cut off here: git fetch --unshallow"
        find_shown(settings, params, evidence.holdout, clock=clock)
    except ServiceFailed as error:
        return _unwritten(branch.branch, error)
    return ""


def _unwritten(branch: str, error: ServiceFailed) -> str:
    # Git's words may hold paths and addresses: they are for whoever runs this, not for a file that git tracks.
    say(f"the look at the sealed rows is not paid for: {error.message}")
    return f"the alpha ledger on the branch {branch} cannot be written from here"


def _paid(settings: Settings, params: Params, question: Question, clock: Clock) -> Look:
    branch = alpha_ledger(settings, params)

    def decide(entries: tuple[Entry, ...]) -> Charge | None:
        spent = level(entries, question, fresh_alpha=params.gate.alpha, reuse=params.gate.reuse)
        if spent.cached or spent.exhausted:
            return None
        return charge(question, spent, reuse=params.gate.reuse, actor=settings.actor, time=stamp(clock()))

    try:
        entries = branch.append(decide)
    except ServiceFailed as error:
        return Look(question=question, level=None, problem=_unwritten(branch.branch, error))
    return Look(question=question, level=_level_of(entries, question, params.gate))


def settled(settings: Settings, params: Params) -> bool:
    """Whether the last decision here took the look that the alpha ledger says, closed with its answer, or needed none.

    A level that somebody wrote by hand is not settled. Raises ServiceFailed, TamperedFile.
    """
    try:
        evidence, look = sealed.read_evidence(settings.root), sealed.read_look(settings.root)
    except (RatchetError, ValueError):
        return False
    question = question_of(evidence, params.gate)
    if look is None or question is None or look.question != question:
        return False
    if look.level is None or unasked(evidence, params.gate):
        return look.level is None and bool(unasked(evidence, params.gate))
    entries = alpha_ledger(settings, params).read()
    due = _level_of(entries, question, params.gate)
    answered_before = any(each.answer is not None for each in _charges(entries, question))
    return bool(due.exhausted and look.level.exhausted) or (look.level == due and answered_before)
