"""How `ratchet history` shows an entry."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ratchet.cli.ledger_text import INDENT, NARROWEST, entry_text
from ratchet.core.ledger import append
from ratchet.core.ledger_entries import Change, Entry

WORDS = st.lists(st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=20), min_size=1, max_size=60)


def _entry(*, reason: str = "better", batches: tuple[str, ...] = ("2013-01", "2013-02")) -> Entry:
    digest = "a" * 64
    change = Change(
        kind="promotion", model="late", version=1, replaces=None, run_id="r", fingerprint=digest, model_digest=digest,
        seal=digest, decision_digest=digest, commit="c" * 40, trained_on=dict.fromkeys(batches, digest),
        metrics={"log_loss": 0.48334, "accuracy": 0.9}, actor="ana", time="2026-11-23T09:23:19+00:00", reason=reason,
    )  # fmt: skip
    return append((), change)


def test_entry_says_when_what_who_on_what_and_why() -> None:
    """One block has the time, the version, the kind, the person, the data, the gate's metric and the reason."""
    assert entry_text(_entry(), metric="log_loss", width=80).splitlines() == [
        " 1  2026-11-23 09:23:19 UTC  version 1, promotion by ana",
        f"{INDENT}trained on 2013-01 to 2013-02 (2 batches); log_loss 0.4833",
        f"{INDENT}better",
    ]


def test_one_batch_is_no_period() -> None:
    """A model of a single batch names it, and a metric that was not measured is left out."""
    shown = entry_text(_entry(batches=("2013-01",)), metric="brier", width=80)
    assert shown.splitlines()[1] == f"{INDENT}trained on 2013-01"


@given(words=WORDS, width=st.integers(0, 200))
def test_block_fits_the_terminal_and_keeps_every_word(words: list[str], width: int) -> None:
    """Whatever the reason and the width, no line is wider than the terminal and no word is lost or broken."""
    lines = entry_text(_entry(reason=" ".join(words)), metric="log_loss", width=width).splitlines()
    body = lines[next(place for place, line in enumerate(lines) if "log_loss" in line) + 1 :]
    assert " ".join(" ".join(body).split())[-len(" ".join(words)) :] == " ".join(words)
    assert max(map(len, lines[1:])) <= max(width, NARROWEST)
