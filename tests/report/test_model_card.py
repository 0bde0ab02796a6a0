"""A model card says what a run is known by, in a reader's order, and shows text as text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ratchet.core.decision import Condition, Decision, Evidence, Seal
from ratchet.core.findings import Estimate, GroupGap, MetricRow, SliceCheck, SliceGain
from ratchet.core.judged import Evaluation
from ratchet.core.lineage_record import BatchLineage, Commit, Environment, Lineage, Machine
from ratchet.core.looked_at import LookedAt
from ratchet.core.model_card import CardFacts, ModelCard, build_card
from ratchet.core.model_record import Feature, ModelRecord, Recipe
from ratchet.core.params import Card, Features, Gate, Model, Project
from ratchet.io.model_card_page import card_html, card_markdown

HOSTILE = "</p><script>alert(1)</script> [x](javascript:alert(1)) | `a` @all"


def estimate(value: float) -> Estimate:
    return Estimate(
        value=value, low=value - 0.01, high=value + 0.01, standard_error=0.008, rows=4000, clusters=27,
        assumed_independent=False,
    )  # fmt: skip


def batch(name: str, **changes: Any) -> BatchLineage:
    facts = {
        "name": name, "used_for": "training", "raw": "abc123def456789.dir", "features": "f", "rows": 1200,
        "quarantined": 0, "warnings": 0, "first": "2013-01-01T05:00:00+00:00", "last": None, **changes,
    }  # fmt: skip
    return BatchLineage.model_validate(facts)


LINEAGE = Lineage(
    commit=Commit(commit="0123456789", changed=(), changes=0), lock="l", params="p", room="r", code="c",
    data_schema="s" * 64, batches=(batch("2013-01"), batch("2013-02", used_for="judging", rows=None)), lookups={},
    seed=7, environment=Environment(python="CPython 3.11.7", packages={"numpy": "2.4"}, lock=""),
    machine=Machine(system="Linux 6", architecture="x86_64", processor="A Processor", cores=8, threads={}),
)  # fmt: skip
RECORD = ModelRecord(
    task="binary", target="late", features=[Feature(name="hour", kind="number", nullable=False, example=5.0)],
    labels=["no", "yes"], baseline=[0.8, 0.2], threshold=0.5,
    recipe=Recipe(
        project=Project(name="m", room="r", task="binary", target="late"), features=Features(),
        model=Model(estimator="ridge", params={"alpha": 2.0}, seed=7),
    ),
    trained_on={"2013-01": "a"}, rows=1200, model_digest="d" * 64, libraries={"numpy": "2.4"},
)  # fmt: skip
EVALUATION = Evaluation(
    task="binary", labels=["no", "yes"], reference="champion", champion=1, champion_entry="e",
    challenger_is_champion=False, refit=False, no_comparison="", holdout={"2013-02": "a"}, contaminated=[], rows=4000,
    clusters=27,
    metrics=[
        MetricRow(
            name="log_loss", meaning="the mean loss", direction="lower",
            models={"champion": estimate(0.5591), "challenger": estimate(0.5387)}, gain=estimate(0.0204),
        )
    ],
    looked_at=LookedAt(kind="open", batches={"2013-01": "x"}, rows=4000, clusters=27),
)  # fmt: skip
DECISION = Decision(
    verdict="hold", reason="too few rows", would_change="more rows", missing=None,
    conditions=(Condition(name="sealed", passed=False, sentence="not shown"),),
    policy=Gate(metric="log_loss"),
    evidence=Evidence(
        task="binary", metric="log_loss", reference="champion", champion=1, challenger_is_champion=False,
        comparison=None, no_comparison="sealed", metrics=(), holdout=("2013-02",), contaminated=(),
    ),
    seal=Seal(evidence="1" * 64, decision="2" * 64, batches=("2013-02",), rows=28_110, clusters=31),
)  # fmt: skip
FACTS = CardFacts(
    model="m", run_id="run7", seal="5" * 64,
    about=Card(purpose="Tells who is late.", owner="Ana", limits=["No planes."]),
    record=RECORD, decision=DECISION, evaluation=EVALUATION, lineage=LINEAGE, slices=None, signer="release",
)  # fmt: skip


def section(card: ModelCard, title: str) -> str:
    """All text of the section with this title."""
    (found,) = [each for each in card.sections if each.title == title]
    cells = [cell for table in found.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(f"{name}: {line}" for name, line in found.lines), *cells, found.note])


def test_the_first_lines_say_what_it_is_for_and_what_it_answers() -> None:
    """Purpose, verdict, target, data, owner and signature, before any number."""
    card = build_card(FACTS)
    glance = section(card, "At a glance")
    assert (card.title, card.purpose, card.word) == ("m", "Tells who is late.", "not promoted")
    assert "late, as a probability of yes (binary; yes from 0.5)" in glance
    assert "1,200 rows of 2013-01, 1 feature" in glance
    assert "Ana" in glance
    assert "signed with the key release" in glance
    assert card.sections[0].title == "At a glance"


def test_what_nobody_said_is_said_to_be_missing() -> None:
    """Purpose, owner, signature, lineage: each with where it would come from."""
    card = build_card(replace(FACTS, about=Card(), lineage=None, signer=""))
    assert "card.purpose in params.yaml" in card.purpose
    assert "card.owner in params.yaml" in section(card, "At a glance")
    assert "not signed: the project has no key" in section(card, "At a glance")
    assert "before its lineage was kept" in section(card, "Lineage")
    assert "before its data was described" in section(card, "Data")


def test_metrics_have_intervals_and_their_rows() -> None:
    """The model's own, then the champion beside it, both on the rows that people may look at."""
    card = build_card(FACTS)
    assert "0.5387\n0.5287 to 0.5487\nthe mean loss" in section(card, "How good it is")
    assert "On 4,000 open rows in 27 clusters" in section(card, "How good it is")
    assert "0.5591" in section(card, "The same two models on open rows: against the champion (version 1)")


def test_slices_come_worst_first() -> None:
    """Those that are not defined are last, and what was not looked at is counted."""
    gains = [("a", 0.2), ("b", -0.1), ("c", None), ("d", 0.0)]
    found = SliceCheck(
        min_rows=200, tested={"x": 4}, too_small=3,
        gains=tuple(
            SliceGain(
                column="x", value=name, p_worse=None,
                gain=estimate(gain or 0).model_copy(update={"value": gain, "low": gain and gain - 1}),
            )
            for name, gain in gains
        ),
    )  # fmt: skip
    text = section(build_card(replace(FACTS, slices=found)), "Slices, worst first")
    assert [line for line in text.splitlines() if line.startswith("x = ")] == ["x = b", "x = d", "x = a", "x = c"]
    assert "3 slices of fewer than 200 rows not looked at" in text


def test_gaps_between_groups_are_shown_where_the_policy_names_them() -> None:
    """Each with both models, and the rows of each group."""
    gap = GroupGap(
        column="sex", gap="true_positive_rate", groups={"f": 900, "m": 1100}, challenger=estimate(0.08),
        reference=estimate(0.05), increase=None,
    )  # fmt: skip
    evidence = DECISION.evidence.model_copy(update={"gaps": (gap,)})
    decision = DECISION.model_copy(update={"evidence": evidence})
    text = section(build_card(replace(FACTS, decision=decision)), "How far groups are apart")
    assert "sex\ntrue positive rate\n0.0800\n0.0500\nf (900), m (1,100)" in text


def test_limits_are_those_that_people_wrote_and_those_that_were_found() -> None:
    """Quarantined rows, warnings, failed conditions, work that was not committed, inputs that must be there."""
    batches = (batch("2013-01", quarantined=12, warnings=1), batch("2013-02", used_for="judging", quarantined=1))
    dirty = LINEAGE.model_copy(
        update={"batches": batches, "commit": Commit(commit="c", changed=("src/x.py",), changes=1)}
    )
    text = section(build_card(replace(FACTS, lineage=dirty)), "Limits")
    for words in (
        "No planes.",
        "The gate's conditions sealed do not hold.",
        "It answers no row that lacks hour.",
        "12 rows of the batches that trained it are in quarantine",
        "1 row of the batches that judged it",
        "Validation had 1 warning about the batches that trained it.",
        "it cannot be rebuilt from git alone",
    ):
        assert words in text
    clean = section(build_card(FACTS), "Limits")
    assert "quarantine" not in clean
    assert "rebuilt" not in clean


def test_lineage_names_what_a_rebuild_needs() -> None:
    """Commit, lock, data, packages, seed and machine."""
    card = build_card(FACTS)
    text = section(card, "Lineage")
    for words in ("run7", "0123456, clean", "CPython 3.11.7", "A Processor, 8 cores", "seed: 7", "d" * 64):
        assert words in text
    assert "2013-01\ntraining\n1,200\n0\n2013-01-01 05:00 UTC\n–\nabc123def456" in section(card, "Data")


@pytest.mark.parametrize("field", ["purpose", "owner", "limits", "batch", "feature", "processor"])
def test_text_stays_text(field: str, tmp_path: Path) -> None:
    """Whatever a pull request writes into params.yaml or data: no tag, link, cell or mention comes out of it."""
    facts = FACTS
    if field in ("purpose", "owner"):
        facts = replace(facts, about=Card.model_validate({field: HOSTILE}))
    elif field == "limits":
        facts = replace(facts, about=Card(limits=[HOSTILE]))
    elif field == "feature":
        feature = Feature(name=HOSTILE, kind="category", nullable=True, example=HOSTILE)
        facts = replace(facts, record=RECORD.model_copy(update={"features": [feature]}))
    elif field == "batch":
        facts = replace(facts, lineage=LINEAGE.model_copy(update={"batches": (batch(HOSTILE),)}))
    else:
        machine = LINEAGE.machine.model_copy(update={"processor": HOSTILE})
        facts = replace(facts, lineage=LINEAGE.model_copy(update={"machine": machine}))
    card = build_card(facts)
    page, markdown = card_html(card, tmp_path), card_markdown(card)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "<script" not in markdown
    assert "](javascript" not in markdown.replace("\\](", "")
    assert " @all" not in markdown


def test_a_page_needs_nothing_beside_it(tmp_path: Path) -> None:
    """Its policy lets nothing run or load; pictures of the evaluation are part of it."""
    (tmp_path / "curves.png").write_bytes(b"\x89PNG")
    page = card_html(build_card(FACTS), tmp_path)
    assert "script-src 'none'" in page or "script-src 'none'" in page.replace("&#39;", "'")
    assert 'src="data:image/png;base64,iVBORw=="' in page
    assert "http" not in page.partition("</style>")[2].replace("https://in-toto", "")
