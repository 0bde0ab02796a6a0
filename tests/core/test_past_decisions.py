"""Decisions of the past: read in any format, decided again bit for bit, put into words."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
import pytest

from ratchet.core.alpha_level import Level
from ratchet.core.comparison import compare
from ratchet.core.decision import CHALLENGER, CHAMPION, Decision, Evidence, Look, Provenance, Seal
from ratchet.core.evaluation import evaluate
from ratchet.core.explain import explain
from ratchet.core.gate import decide
from ratchet.core.gate.charged import question_of
from ratchet.core.gate_params import Reuse
from ratchet.core.leakage.records import LeakageCheck, Shared
from ratchet.core.metrics import row_losses
from ratchet.core.params import Bounds, Gate
from ratchet.core.past import read_past, shows
from ratchet.core.replay import SealedFiles, replay
from ratchet.core.seal import public

DAYS, ROWS = 10, 600
RANDOM = np.random.default_rng(0)
DAY = np.repeat(np.arange(DAYS), ROWS // DAYS)
TARGET = RANDOM.normal(size=ROWS) + RANDOM.normal(scale=0.5, size=DAYS)[DAY]
BEFORE, AFTER = (TARGET[:, None] + error * RANDOM.normal(size=(ROWS, 1)) for error in (0.7, 0.5))
CLEAN = LeakageCheck(
    rows=ROWS, training_rows=9000, exact=Shared(rows=0, expected=1.0), near=Shared(rows=0, expected=1.0, but="x"),
    keys=Shared(rows=0, expected=0.0), disorder=None, telling=(),
)  # fmt: skip
MADE = Provenance(
    challenger="c" * 64, champion="d" * 64, champion_entry="e" * 64, code="", holdout={"2013-07": "h"},
    trained_on={"2013-06": "t"}, seed=0, libraries={},
)  # fmt: skip
POLICY = Gate(metric="squared_error", floors={"r2": Bounds(min=0.2)})
SEALING = POLICY.model_copy(update={"reuse": Reuse(policy="ledger")})


def evidence(policy: Gate = POLICY, **known: Any) -> Evidence:
    losses = [row_losses("squared_error", TARGET, scores) for scores in (BEFORE, AFTER)]
    models = {CHAMPION: BEFORE, CHALLENGER: AFTER}
    facts: dict[str, Any] = {
        "task": "regression", "metric": "squared_error", "reference": "champion", "champion": 3,
        "challenger_is_champion": False, "comparison": compare(losses[0], losses[1], DAY, alpha=policy.alpha),
        "metrics": tuple(evaluate("regression", TARGET, models, clusters=DAY, pair=(CHAMPION, CHALLENGER), alpha=0.1)),
        "holdout": ("2013-07",), "contaminated": (), "leakage": CLEAN, "leakage_open": CLEAN, "provenance": MADE,
    }  # fmt: skip
    return Evidence(**{**facts, **known})


def as_file(decision: Decision | Evidence) -> bytes:
    return json.dumps(decision.model_dump(mode="json"), indent=2, sort_keys=True).encode()


def edited(decision: Decision, *place: str, value: object) -> bytes:
    """The decision's file with another value at a place."""
    tree = decision.model_dump(mode="json")
    inner = tree
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return json.dumps(tree).encode()


def sealed(verdict_of: Evidence | None = None) -> tuple[Decision, SealedFiles]:
    """A sealed decision as it is told, and the files that are kept back."""
    found = verdict_of or evidence(SEALING)
    judged = found.model_copy(update={"rules": "9" * 64})  # which evaluate does not know
    question = question_of(judged, SEALING)
    assert question is not None
    level = Level(
        alpha=0.1, run=1, promotions=0, unknown=0, fresh=True, cached=False, answer=None, runs_left=20, exhausted=""
    )
    whole = decide(judged.model_copy(update={"look": Look(question=question, level=level)}), SEALING)
    kept = SealedFiles(evidence=as_file(found), decision=as_file(whole))
    seal = Seal(
        evidence=hashlib.sha256(kept.evidence).hexdigest(), decision=hashlib.sha256(kept.decision).hexdigest(),
        batches=("2013-07",), rows=ROWS, clusters=DAYS,
    )  # fmt: skip
    return public(whole, seal), kept


def test_a_decision_is_made_again_bit_for_bit() -> None:
    """The evidence and the policy of the file give every field of it again."""
    decision = decide(evidence(), POLICY)
    assert (decision.verdict, replay(read_past(as_file(decision))).state) == ("promote", "same")


EDITS: dict[str, tuple[tuple[str, ...], object]] = {
    "verdict": (("verdict",), "hold"),
    "reason": (("reason",), "because"),
    "evidence.comparison.p_better": (("evidence", "comparison", "p_better"), 0.9),
    "policy.alpha": (("policy", "alpha"), 0.01),
    "policy.floors": (("policy", "floors"), {}),
    "policy_digest": (("policy_digest",), "0" * 64),
    "evidence.contaminated": (("evidence", "contaminated"), ["2013-07"]),
}


@pytest.mark.parametrize("field", EDITS)
def test_an_edited_decision_is_found(field: str) -> None:
    """Whatever is edited in a decision's file, its replay differs and says where."""
    place, value = EDITS[field]
    result = replay(read_past(edited(decide(evidence(), POLICY), *place, value=value)))
    assert (result.state, bool(result.differences)) == ("differs", True)
    if field in ("verdict", "reason", "policy_digest"):
        assert [each.field for each in result.differences] == [field]


def test_rules_of_before_are_called_older() -> None:
    """A decision that was made before policies had a digest, and comes out otherwise today, is no fault."""
    tree = decide(evidence(leakage=None), POLICY).model_dump(mode="json")
    old = {**tree, "policy_digest": "", "verdict": "promote", "conditions": tree["conditions"][2:]}
    result = replay(read_past(json.dumps(old)))
    assert (result.state, "digest of their policy" in result.note) == ("older", True)


OLDER: dict[str, Any] = {
    "verdict": "promote", "reason": "", "would_change": "", "missing": None, "conditions": [],
    "policy": POLICY.model_dump(mode="json"),
    "evidence": {"task": "binary", "metric": "log_loss", "holdout": ["2013-07"], "challenger_metrics": {"auc": 0.7}},
}  # fmt: skip


def test_a_decision_of_an_older_format_is_named() -> None:
    """A file of before says what it has and lacks, with its verdict and batches; it is no error."""
    past = read_past(json.dumps(OLDER))
    assert (past.decision, past.verdict, past.holdout) == (None, "promote", ("2013-07",))
    assert past.unread.startswith("of an older format than this version reads: it has evidence.challenger_metrics")
    assert (replay(past).state, replay(past).note) == ("older", past.unread)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"verdict": "promote"}', '"promote"'])
def test_what_is_no_decision_is_told(text: str) -> None:
    """Files that hold something else are named, too."""
    past = read_past(text)
    assert (past.decision, past.unread.startswith("the file is no")) == (None, True)


def test_an_open_decision_shows_the_batches_that_judged() -> None:
    """Late rows or not, and of any format; a sealed one shows none, neither as it is told nor in full."""
    opened, older = as_file(decide(evidence(holdout=("2013-07.late-1", "2013-07")), POLICY)), json.dumps(OLDER)
    assert [shows(text, batch) for text in (opened, older) for batch in ("2013-07", "2013-06")] == [True, False] * 2
    told, kept = sealed()
    assert [shows(text, "2013-07") for text in (as_file(told), kept.decision)] == [False, False]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"evidence": 3}', '{"evidence": {"holdout": null}, "policy": []}'])
def test_what_is_no_decision_shows_nothing(text: str) -> None:
    """A file that holds something else is passed over."""
    assert not shows(text, "2013-07")


def test_a_sealed_decision_is_replayed_from_what_is_kept_back() -> None:
    """With its two files it comes out the same; without them it is not replayed, and that is said."""
    told, kept = sealed()
    past = read_past(as_file(told))
    assert (replay(past, kept).state, replay(past).state) == ("same", "not replayed")


def test_an_exchanged_file_of_a_sealed_decision_is_found() -> None:
    """Evidence that is not the seal's differs; while the rows are sealed no field of it is named."""
    told, kept = sealed()
    other = SealedFiles(evidence=kept.evidence.replace(b"2013-07", b"2013-08"), decision=kept.decision)
    result, secret = (replay(read_past(as_file(told)), other, may_tell=may) for may in (True, False))
    assert (result.state, secret.state) == ("differs", "differs")
    assert any("holdout" in each.field for each in result.differences)
    assert [(each.field, each.recorded) for each in secret.differences] == [("data/sealed", "(sealed)")]


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"[1]"])
def test_a_damaged_file_of_a_sealed_decision_is_found(content: bytes) -> None:
    """Files that cannot be read any more differ, and are no crash."""
    told, kept = sealed()
    for damaged in (
        SealedFiles(evidence=content, decision=kept.decision),
        SealedFiles(evidence=kept.evidence, decision=content),
    ):
        assert replay(read_past(as_file(told)), damaged).state == "differs"


def test_a_public_decision_that_says_otherwise_than_the_sealed_one_is_found() -> None:
    """Nobody turns a sealed no into a yes by editing the public file."""
    told, kept = sealed(evidence(SEALING, contaminated=("2013-07",)))
    result = replay(read_past(edited(told, "verdict", value="promote")), kept)
    assert ([each.field for each in result.differences], told.verdict) == (["verdict"], "hold")


def test_a_promotion_is_explained() -> None:
    """Who asked what, on which rows, what decided it, how sure that is, and each condition with its reason."""
    words = explain(decide(evidence(), POLICY))
    assert words.asked.startswith("may the challenger (model cccccccccccc), another recipe or other code, replace")
    assert words.answer == "yes. All that is asked for was shown"
    assert words.judged_on == "600 rows of 2013-07 in 10 clusters that fail together; compared with the champion"
    assert [each.name for each in words.conditions][-1] == "better"
    assert "the policy takes a risk of 0.1" in words.how_sure[0]
    assert "tell as much as" in words.how_sure[1]
    assert words.kept_back == ""


def test_a_refusal_names_what_decided() -> None:
    """Harm stands before what was merely not shown."""
    words = explain(decide(evidence(contaminated=("2013-07",)), POLICY.model_copy(update={"min_clusters": 90})))
    assert words.answer == "no. Harm was shown"
    assert words.decided_by == ("a model was trained on the batches that judge: 2013-07",)


def test_a_sealed_decision_is_explained_without_its_numbers() -> None:
    """Nothing that the sealed labels say is in the words, but the answer; and when more is told."""
    told, kept = sealed()
    words = explain(told)
    text = words.model_dump_json()
    whole = read_past(kept.decision).decision
    assert whole is not None
    assert whole.evidence.comparison is not None
    assert f"{whole.evidence.comparison.gain:+.4f}" in explain(whole).model_dump_json()
    assert f"{whole.evidence.comparison.gain:+.4f}" not in text
    assert "p_better" not in text
    assert (words.answer, "--at COMMIT" in words.kept_back) == ("yes. All that is asked for was shown", True)


def test_a_sealed_refusal_says_whether_the_rows_were_the_reason() -> None:
    """Where something else stands against it, the rows are not blamed."""
    dirty, _ = sealed(evidence(SEALING, contaminated=("2013-07",)))
    worse, _ = sealed(evidence(SEALING, metrics=()))
    assert explain(dirty).answer == "no. What is known without the sealed rows stands against it"
    assert explain(worse).answer.endswith("is kept with the sealed rows")
