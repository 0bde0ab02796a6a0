"""How `ratchet gate` shows decisions: texts as people read them."""

from __future__ import annotations

from ratchet.cli.gate_text import explained_lines, judgement_lines, replayed_lines
from ratchet.core.explain import Explanation, Reading
from ratchet.core.past import read_past
from ratchet.core.past_rules import Judgement
from ratchet.core.replay import Difference, Replay
from ratchet.core.what_if import WhatIf
from ratchet.flows.gate_explain import Explained
from ratchet.flows.gate_replay import Replayed
from ratchet.flows.past_decisions import Found

FOUND = Found(past=read_past("{}"), digest="d", run_id="7", time="2026-03-01T09:00:00+00:00")
EXPLAINED = """\
run 7, 2026-03-01T09:00:00+00:00
asked
  may the challenger replace version 3?
answer
  not yet
judged on
  900 rows of 2013-07
decided by
  too small a gain
how sure
  p 0.2
what would change it
  more rows
conditions
  FAILS better: too small a gain
        (the difference must be more than luck)"""
REPLAYED = """\
run 7 (ledger entry 2), unknown by no batch: DIFFERS
  verdict: recorded promote, now hold
run 7, unknown by no batch: not replayed: it is not here"""
TABLE = """\
decision  date        judged on  verdict then  now             what decides
run 7     2026-03-01  2013-07    hold          FLIPS: promote
run 6     2026-02-01  2013-06    hold          cannot be told  it is no decision
1 of 2 past decisions would let another model serve; 1 cannot be told."""


def test_an_explanation_reads_from_the_question_to_the_conditions() -> None:
    """Each part has its heading, and a part that is empty has none."""
    words = Explanation(
        asked="may the challenger replace version 3?", answer="not yet", judged_on="900 rows of 2013-07",
        decided_by=("too small a gain",), how_sure=("p 0.2",), would_change="more rows",
        conditions=(Reading(name="better", holds=False, found="too small a gain",
                            why="the difference must be more than luck"),),
    )  # fmt: skip
    told = Explained(found=FOUND, explanation=words, opened=False)
    assert "\n".join(explained_lines(told, 80)) == EXPLAINED
    assert "told in full" in list(explained_lines(Explained(found=FOUND, explanation=words, opened=True), 80))


def test_a_replay_is_a_line_and_what_differs_below_it() -> None:
    """The ledger's entry stands with the decision, and each field with both of its values."""
    difference = Difference(field="verdict", recorded="promote", again="hold")
    results = [
        Replayed(found=FOUND, replay=Replay(state="differs", differences=(difference,)), entries=(2,)),
        Replayed(found=FOUND, replay=Replay(state="not replayed", note="it is not here"), entries=()),
    ]
    assert "\n".join(replayed_lines(results, 80)) == REPLAYED


def test_past_decisions_stand_in_a_table() -> None:
    """Columns line up, flips are marked, and a decision that cannot be read has its reason."""
    rows = [
        Judgement(
            decision="run 7", time="2026-03-01T09", holdout=("2013-07",), recorded="hold",
            what_if=WhatIf(verdict="promote", decided_by=()),
        ),
        Judgement(
            decision="run 6", time="2026-02-01", holdout=("2013-06",), recorded="hold", what_if=None,
            unread="it is no decision",
        ),
    ]  # fmt: skip
    assert "\n".join(judgement_lines(rows)) == TABLE
    assert list(judgement_lines([])) == ["No decision is recorded yet."]
