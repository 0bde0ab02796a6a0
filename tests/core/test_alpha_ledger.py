"""The alpha ledger: the levels of all histories sum to no more than the budget, whatever is asked, shown or crashed."""

from __future__ import annotations

import itertools
import json
import math
import random
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from ratchet.core.alpha_ledger import (
    Answer,
    Charge,
    Entry,
    Question,
    answered,
    append,
    asked,
    dump,
    holdout_of,
    load,
    newest_of,
    shown,
)
from ratchet.core.alpha_level import Level, charge, level
from ratchet.core.gate_params import Reuse
from ratchet.errors import PromotionRefused, TamperedFile

ANSWERS: tuple[Answer, Answer] = ("not", "promote")
FRESH = 0.1
NOW = "2026-01-01T00:00:00+00:00"
LEDGER = Reuse(policy="ledger", alpha=0.05, runs=20, max_promotions=3)


def terms(runs: int, **other: Any) -> Reuse:
    """A ledger that no number of promotions ends before its runs are spent."""
    return LEDGER.model_copy(update={"runs": runs, "max_promotions": 10_000, **other})


def question(challenger: object, **other: str) -> Question:
    return Question.model_validate(
        {"holdout": "h", "rows": "r", "challenger": f"m{challenger}", "champion": "c", "policy": "p"} | other
    )


def granted(charges: Sequence[Charge], challenger: object, reuse: Reuse = LEDGER, *, frozen: bool = False) -> Level:
    return level(charges, question(challenger), fresh_alpha=FRESH, reuse=reuse, frozen=frozen)


def told(
    charges: Sequence[Charge], challenger: object, answer: Answer | None, reuse: Reuse = LEDGER, *, frozen: bool = False
) -> list[Charge]:
    """The ledger after one more challenger, and what it was answered."""
    spent = granted(charges, challenger, reuse, frozen=frozen)
    line = charge(question(challenger), spent, reuse=reuse, actor="ada", time=NOW)
    return [*charges, line.model_copy(update={"answer": answer})]


def history(answers: Sequence[Answer | None], reuse: Reuse = LEDGER, *, frozen: bool = False) -> list[Charge]:
    charges: list[Charge] = []
    for which, answer in enumerate(answers):
        charges = told(charges, which, answer, reuse, frozen=frozen)
    return charges


def entered(charges: Sequence[Charge]) -> list[Entry]:
    """The file's entries: each question's charge, and its answer as a line of its own."""
    entries: list[Entry] = []
    for line in charges:
        entries.append(append(entries, line.model_copy(update={"answer": None})))
        if line.answer is not None:
            entries.append(append(entries, answered(entries, line, line.answer, actor="bob", time=NOW)))
    return entries


def levels_after(charges: list[Charge], reuse: Reuse, *, frozen: bool) -> Iterator[float]:
    """The level of every question that can follow, in every history of answers until the ledger is exhausted."""
    found = granted(charges, len(charges), reuse, frozen=frozen)
    if found.exhausted:
        return
    if not found.fresh:
        yield found.alpha
    for answer in ANSWERS:
        yield from levels_after(told(charges, len(charges), answer, reuse, frozen=frozen), reuse, frozen=frozen)


@pytest.mark.parametrize("runs", range(1, 13))
def test_all_histories_spend_at_most_the_budget(runs: int) -> None:
    """Over every possible sequence of answers the levels sum to alpha or less, and to nearly all of it.

    Every question counts once for each history that can lead to it, as each may bring another challenger.
    """
    found = list(levels_after([], terms(runs), frozen=True))
    assert len(found) == 2**runs - 1
    assert sum(found) == pytest.approx(0.05 / runs * sum(1 - 0.5**run for run in range(1, runs + 1)))
    assert sum(found) <= 0.05


@pytest.mark.parametrize("runs", range(1, 9))
def test_a_fresh_decision_is_part_of_every_history(runs: int) -> None:
    """The fresh answer doubles the histories that may follow, and their levels still sum to alpha or less."""
    found = list(levels_after([], terms(runs), frozen=False))
    assert len(found) == 2 ** (runs + 1) - 2
    assert 0.05 / 2 < sum(found) <= 0.05


@settings(max_examples=60, deadline=None)
@given(n=st.integers(0, 400), j=st.integers(0, 400), runs=st.integers(1, 10_000))
def test_the_level_depends_on_how_many_promotions_not_on_which(n: int, j: int, runs: int) -> None:
    """After n answers with j promotions it is alpha 2^-(j + 1) / (T C(n, j)), however large the numbers are."""
    assume(j <= n < runs)
    log_level = math.log(0.05 / runs) - (j + 1) * math.log(2) - math.log(math.comb(n, j))
    found = granted(plain(n, j, runs), "next", terms(runs), frozen=True)
    assert (n + 1, j, 0, "") == (found.run, found.promotions, found.unknown, found.exhausted)
    assert found.alpha == pytest.approx(math.exp(log_level), rel=1e-9)


def plain(n: int, j: int, runs: int) -> list[Charge]:
    """A ledger of n answers, the last j of them promotions."""
    line = history(["not"], terms(runs), frozen=True)[0]
    return [
        line.model_copy(update={"challenger": f"m{which}", "answer": "promote" if which >= n - j else "not"})
        for which in range(n)
    ]


View = tuple[Answer | None, ...]


def adversary(seed: int, view: View) -> int:
    """What a search does that has seen `view`: asks one more (-1), or waits for the answer to a question."""
    choices = [-1, *(which for which, answer in enumerate(view) if answer is None)]
    return random.Random(f"{seed}{view}").choice(choices)  # noqa: S311 - a search that can be repeated, no secret


def moves(seed: int, truth: Sequence[Answer]) -> Iterator[View]:
    """What that search has seen whenever it asks, if the answers are those of `truth`."""
    view: View = ()
    while len(view) < len(truth):
        which = adversary(seed, view)
        if which < 0:
            yield view
            view = (*view, None)
        else:
            view = (*view[:which], truth[which], *view[which + 1 :])


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), runs=st.integers(1, 6))
def test_answers_that_are_not_known_yet_spend_no_more(seed: int, runs: int) -> None:
    """However a search asks several questions at once, by what it has seen so far, all its levels sum to alpha at most.

    A view is one history: the same view leads to the same next challenger, whatever the open answers will be.
    """
    truths = itertools.product(ANSWERS, repeat=runs)
    views = {view for truth in truths for view in moves(seed, truth)}
    reuse = terms(runs)
    total = sum(granted(history(view, reuse, frozen=True), "next", reuse, frozen=True).alpha for view in views)
    assert 0 < total <= 0.05 * (1 + 1e-12)


@settings(max_examples=60, deadline=None)
@given(view=st.lists(st.sampled_from(["promote", "not", None]), max_size=6))
def test_an_unknown_answer_counts_as_the_worse_one(view: list[Answer | None]) -> None:
    """The level is the smallest of those that the completions of the answers have."""
    reuse = terms(8)
    choices: list[tuple[Answer, ...]] = [ANSWERS if answer is None else (answer,) for answer in view]
    completed = [granted(history(each, reuse), "next", reuse).alpha for each in itertools.product(*choices)]
    found = granted(history(view, reuse), "next", reuse)
    assert (min(completed), view.count(None)) == (found.alpha, found.unknown)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), runs=st.integers(1, 5))
def test_policies_edited_on_the_way_spend_no_more(seed: int, runs: int) -> None:
    """Whoever edits budget and runs after each answer, by that answer, gets no more than was planned at first."""

    def edited(charges: list[Charge]) -> Reuse:
        drawn = random.Random(f"{seed}{[each.answer for each in charges]}")  # noqa: S311 - to be repeated, no secret
        return terms(drawn.randint(1, 7), alpha=drawn.choice([0.01, 0.05, 0.2])) if charges else terms(runs)

    def walk(charges: list[Charge]) -> Iterator[float]:
        reuse = edited(charges)
        found = granted(charges, len(charges), reuse, frozen=True)
        if not found.exhausted:
            yield found.alpha
            for answer in ANSWERS:
                yield from walk(told(charges, len(charges), answer, reuse, frozen=True))

    assert sum(walk([])) <= 0.05 * (1 + 1e-12)


def test_the_first_decision_is_fresh_and_costs_no_run() -> None:
    """It has gate.alpha, and the budget's runs all lie before it; a frozen holdout has no such decision."""
    found = granted([], 0)
    assert (FRESH, 1, True, False, 20, "") == (
        found.alpha, found.run, found.fresh, found.cached, found.runs_left, found.exhausted
    )  # fmt: skip
    frozen = granted([], 0, frozen=True)
    assert (0.05 / 20 / 2, False, 19) == (frozen.alpha, frozen.fresh, frozen.runs_left)


def test_the_second_one_is_charged() -> None:
    """After a fresh refusal the level is alpha/2T; after a fresh promotion it is halved again."""
    refused, promoted = (granted(history([answer]), "next") for answer in ANSWERS)
    assert (0.05 / 40, 0.05 / 80) == pytest.approx((refused.alpha, promoted.alpha))
    assert (2, 0, False, 19) == (refused.run, refused.promotions, refused.fresh, refused.runs_left)
    assert (2, 1, False, 19) == (promoted.run, promoted.promotions, promoted.fresh, promoted.runs_left)


@pytest.mark.parametrize("answer", [None, "not", "promote"])
@pytest.mark.parametrize("which", range(3))
def test_a_question_asked_again_costs_nothing(which: int, answer: Answer | None) -> None:
    """The same challenger, champion and policy on the same rows have the level they had, and no charge."""
    charges = history(["not", answer, "promote"])
    found = granted(charges, which)
    assert (charges[which].alpha, charges[which].run) == (found.alpha, found.run)
    assert (True, charges[which].answer, "") == (found.cached, found.answer, found.exhausted)
    with pytest.raises(PromotionRefused, match="charged before"):
        charge(question(which), found, reuse=LEDGER, actor="ada", time=NOW)


@pytest.mark.parametrize(
    "reuse", [LEDGER.model_copy(update={"runs": 1}), LEDGER.model_copy(update={"policy": "fresh"})]
)
def test_an_exhausted_holdout_still_knows_its_answers(reuse: Reuse) -> None:
    """Exhaustion never hits a question that was asked before."""
    charges = history(["promote", "not"])
    assert granted(charges, "next", reuse).exhausted
    assert (granted(charges, 0, reuse).exhausted, granted(charges, 1, reuse).answer) == ("", "not")


@pytest.mark.parametrize("changed", ["challenger", "champion", "policy"])
def test_another_question_is_charged(changed: str) -> None:
    """The same rows asked about another model, against another champion or by another rule are a new question."""
    found = level(history(["not"]), question(0).model_copy(update={changed: "other"}), fresh_alpha=FRESH, reuse=LEDGER)
    assert (2, False, False) == (found.run, found.cached, found.fresh)


def test_another_holdout_is_fresh() -> None:
    """Each holdout has a ledger of its own, in one file."""
    found = level(history(["not", "promote"]), question(0, holdout="new"), fresh_alpha=FRESH, reuse=LEDGER)
    assert (FRESH, 1, 0, True) == (found.alpha, found.run, found.promotions, found.fresh)


def test_runs_are_exhausted() -> None:
    """After the fresh one and all runs of the budget nothing can be shown any more, and the reason is told."""
    reuse = terms(3)
    left = [granted(history(["not"] * n, reuse), "next", reuse).runs_left for n in range(4)]
    found = granted(history(["not"] * 4, reuse), "next", reuse)
    assert ([3, 2, 1, 0], 0.0, 0) == (left, found.alpha, found.runs_left)
    assert "all 3 runs of the budget are spent" in found.exhausted
    with pytest.raises(PromotionRefused, match=r"cannot judge .* runs of the budget are spent\n.*new rows"):
        charge(question("next"), found, reuse=reuse, actor="ada", time=NOW)


def test_promotions_are_exhausted() -> None:
    """After max_promotions nothing more is promoted on the same rows."""
    found = granted(history(["promote", "not", "promote", "promote"]), "next")
    assert (0.0, 3) == (found.alpha, found.promotions)
    assert "3 promotions" in found.exhausted


def test_fresh_rows_judge_once() -> None:
    """Under the policy `fresh` the first challenger has gate.alpha, and another one nothing."""
    reuse = LEDGER.model_copy(update={"policy": "fresh"})
    assert (FRESH, "", 0) == (
        granted([], 0, reuse).alpha,
        granted([], 0, reuse).exhausted,
        granted([], 0, reuse).runs_left,
    )
    for found in (granted(history([None], reuse), "next", reuse), granted([], 0, reuse, frozen=True)):
        assert (0.0, True) == (found.alpha, "not fresh" in found.exhausted)


def test_open_rows_promise_nothing() -> None:
    """Under `open` each decision has gate.alpha for ever; a ledger that is turned on later refuses those rows."""
    reuse = LEDGER.model_copy(update={"policy": "open"})
    charges = history(["promote"] * 30, reuse)
    found = granted(charges, "next", reuse)
    assert (FRESH, None, "") == (found.alpha, found.runs_left, found.exhausted)
    for policy in ("ledger", "fresh"):
        later = granted(charges[:1], "next", LEDGER.model_copy(update={"policy": policy}))
        assert (0.0, True) == (later.alpha, "numbers were shown" in later.exhausted)


def noted(charges: Sequence[Charge], reuse: Reuse = LEDGER) -> Charge | None:
    return shown(charges, "h", reuse=reuse, actor="ada", time=NOW)


@pytest.mark.parametrize("answers", [[], ["not"], ["promote", None]])
@pytest.mark.parametrize("policy", ["ledger", "fresh"])
def test_rows_whose_numbers_were_shown_judge_nobody(answers: list[Answer | None], policy: str) -> None:
    """Before the first look or after some, one line says so, and no challenger has a level from then on."""
    entries = entered(history(answers))
    line = noted(entries)
    assert line is not None
    entries = [*entries, append(entries, line)]
    found = granted(load(dump(entries)), "next", LEDGER.model_copy(update={"policy": policy}))
    assert (0.0, False, True) == (found.alpha, found.fresh, "numbers were shown" in found.exhausted)
    assert noted(entries) is None
    assert granted(entries, "next", LEDGER.model_copy(update={"policy": "open"})).alpha == FRESH


def test_rows_are_charged_by_their_newest_batch() -> None:
    """What came late, and older batches that judge beside it, make no other holdout; no batch at all is one, too."""
    assert holdout_of(["2013-07"]) == holdout_of(["2013-06", "2013-07.late-1", "2013-07"])
    assert len({holdout_of([]), holdout_of(["2013-07"]), holdout_of(["2013-08"])}) == 3
    assert (newest_of(["b.late-2", "a"]), newest_of([])) == ("b", None)


@settings(max_examples=30, deadline=None)
@given(answers=st.lists(st.sampled_from(["promote", "not", None]), max_size=6))
def test_the_file_reads_back_equal(answers: list[Answer | None]) -> None:
    """What was written is read, and a question's answer is found wherever its line stands."""
    charges = history(answers, terms(9))
    entries = entered(charges)
    assert tuple(entries) == load(dump(entries))
    assert [each.answer for each in asked(load(dump(entries)), "h")] == answers
    assert granted(entries, "next", terms(9)) == granted(charges, "next", terms(9))


def test_an_answer_may_come_after_other_questions() -> None:
    """Questions keep the order of their charges, whichever is answered first; the answer says who wrote it."""
    entries = entered(history([None, None]))
    late = answered(entries, question(1), "promote", actor="bob", time=NOW)
    found = asked([*entries, append(entries, late)], "h")
    assert [("m0", None, "ada"), ("m1", "promote", "ada")] == [
        (each.challenger, each.answer, each.actor) for each in found
    ]
    assert ("bob", found[1].alpha) == (late.actor, late.alpha)


def test_of_two_that_were_granted_the_same_run_one_wins() -> None:
    """Two challengers that read the same ledger cannot both be its next run, nor the fresh one."""
    for answers in ((), ("not",)):
        entries = entered(history(answers))
        first, second = (told(entries, name, None)[-1] for name in ("one", "other"))
        with pytest.raises(PromotionRefused, match="were charged before it"):
            append([*entries, append(entries, first)], second)


def test_a_question_is_charged_and_answered_once() -> None:
    """A second charge, a second answer and an answer to nothing are refused."""
    entries = entered(history(["not"]))
    with pytest.raises(PromotionRefused, match="charged before"):
        append(entries, entries[0])
    with pytest.raises(PromotionRefused, match="has an answer: not"):
        append(entries, entries[1])
    with pytest.raises(PromotionRefused, match="has an answer: not"):
        answered(entries, question(0), "promote", actor="eve", time=NOW)
    with pytest.raises(PromotionRefused, match="was never charged"):
        answered(entries, question(1), "promote", actor="eve", time=NOW)


EDITS = {
    "holdout": "x", "rows": "x", "challenger": "x", "champion": "x", "policy": "x", "actor": "x", "time": "x",
    "reuse": "open", "budget": 0.5, "runs": 99, "alpha": 0.5, "run": 9, "promotions": 9, "fresh": None,
    "answer": "promote", "model": "x", "sequence": 9, "previous": "x", "hash": "x",
}  # fmt: skip


@pytest.mark.parametrize("field", sorted(Entry.model_fields))
def test_an_edited_line_is_found(field: str) -> None:
    """Whatever is changed in a line, the file is not read, and the line is named."""
    lines = dump(entered(history(["not", "not"]))).splitlines()
    body = json.loads(lines[1])
    lines[1] = json.dumps(body | {field: not body["fresh"] if field == "fresh" else EDITS[field]})
    with pytest.raises(TamperedFile, match=r"^alpha ledger entry 2 "):
        load("\n".join(lines) + "\n")


def test_a_removed_charge_is_found() -> None:
    """A budget is not won back by deleting a line before the last."""
    lines = dump(entered(history(["not", "not"]))).splitlines(keepends=True)
    with pytest.raises(TamperedFile, match="entry 1 does not follow"):
        load("".join(lines[1:]))


def test_without_promotions_it_is_bonferroni_over_half_the_budget() -> None:
    """As long as nothing is promoted, it decides as online-fdr's spending of alpha/2 over T tests."""
    from online_fdr.p_values.spending.alpha_spending import AlphaSpending
    from online_fdr.p_values.spending.functions.bonferroni import Bonferroni

    oracle = AlphaSpending(alpha=0.025, spend_func=Bonferroni(k=20))
    p_values = np.random.default_rng(0).uniform(0.00125, 0.003, size=20)
    ours = [
        value <= granted(history(["not"] * n, frozen=True), "next", frozen=True).alpha
        for n, value in enumerate(p_values.tolist())
    ]
    assert [oracle.test_one(value) for value in p_values.tolist()] == ours


def test_a_search_on_one_holdout_seldom_wins() -> None:
    """Twenty equal challengers on the same rows: one is promoted in most tries at .05 each, in few by the ledger."""
    levels = [granted(history(["not"] * n, frozen=True), "next", frozen=True).alpha for n in range(20)]
    p_values = ndtr(np.random.default_rng(0).normal(size=(4000, 20)))
    assert np.mean((p_values < 0.05).any(axis=1)) > 0.6
    assert np.mean((p_values < np.array(levels)).any(axis=1)) <= 0.05


def test_mended_rows_of_the_same_batch_ask_anew_of_the_same_budget() -> None:
    """Rows that came late or were mended make another question, and it is not fresh: most rows are the same."""
    first = history(["not"])
    found = level(first, question(0, rows="mended"), fresh_alpha=FRESH, reuse=LEDGER)
    assert (found.cached, found.fresh, found.run) == (False, False, 2)
