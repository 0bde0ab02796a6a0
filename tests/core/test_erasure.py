"""What the ledger says of erased batches: what they were, which versions they made, and who is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ratchet.core.candidates import candidates
from ratchet.core.erasure import (
    Contents,
    digests_in,
    erased_contents,
    erased_of,
    erased_words,
    erasures,
    joined,
    made_of,
    not_yet_erased,
)
from ratchet.core.ledger import append, champion, dump, load
from ratchet.core.ledger_audit import audit
from ratchet.core.ledger_entries import Change, Erase, EraseEntry, Event, Line, Registration
from ratchet.core.ledger_events import ledger_events
from ratchet.core.ledger_words import details, what
from ratchet.core.lineage import told_by
from ratchet.core.lineage_descent import descent, with_erased
from ratchet.core.phases import GatePhase, Phase
from ratchet.core.promotable import require_allowed
from ratchet.errors import TamperedFile

START = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = st.sampled_from(["b1", "b2", "b3"])
DIGESTS = st.sampled_from([f"{number}.dir" for number in range(6)])
CONTENTS = st.dictionaries(NAMES, st.lists(DIGESTS, min_size=1, unique=True).map(tuple), min_size=1)


def said(minute: int = 0, model: str = "m") -> dict[str, Any]:
    """Who, when and why."""
    return {"model": model, "actor": "ada", "time": (START + timedelta(minutes=minute)).isoformat(), "reason": "4711"}


def facts(version: int, trained: str, minute: int) -> dict[str, Any]:
    """What a registration and a promotion have in common; batches are letters."""
    return {
        **said(minute), "version": version, "run_id": f"run{version}", "fingerprint": "f", "seal": "s",
        "model_digest": f"m{version}", "decision_digest": "d", "commit": "c", "metrics": {},
        "trained_on": dict.fromkeys(trained, "features"),
    }  # fmt: skip


def registered(version: int, trained: str, judged: str, **raw: str) -> Registration:
    """A version that learned from the batches `trained`, and was judged on `judged`; `raw` has their digests."""
    return Registration(
        **facts(version, trained, version), verdict="promote", decided="better", champion=None, policy="p",
        authors=(), batches=raw, judged_on=tuple(judged), phases=(Phase(gate=GatePhase()),),
    )  # fmt: skip


def promoted(version: int, trained: str, replaces: int | None = None) -> Change:
    """It serves."""
    return Change(**facts(version, trained, version), kind="promotion", replaces=replaces)


def erasure(batches: Contents, model: str = "m") -> Erase:
    """Of these batches."""
    return Erase(
        **said(50, model), batches={name: tuple(each) for name, each in batches.items()}, trained=(1,), judged=(2,)
    )


def written(*events: Event) -> tuple[Line, ...]:
    """The ledger that they make, as its branch takes them."""
    entries: tuple[Line, ...] = ()
    for event in events:
        require_allowed(entries, event)
        entries = (*entries, append(entries, event))
    return entries


def test_an_erasure_survives_its_file_and_cannot_be_changed() -> None:
    """It is read as it was written, in the chain; an edited batch, digest or reason is found."""
    entries = written(registered(1, "a", "b", a="1.dir"), erasure({"a": ("1.dir", "2.dir")}))
    text = dump(entries)
    assert load(text) == entries
    assert isinstance(entries[1], EraseEntry)
    assert entries[1].previous == entries[0].hash
    for old, new in (("2.dir", "3.dir"), ("4711", "4712"), ('"trained":[1]', '"trained":[]')):
        with pytest.raises(TamperedFile, match="entry 2 was edited"):
            load(text[: text.index("\n")] + text[text.index("\n") :].replace(old, new))


@pytest.mark.parametrize("wrong", [{"reason": ""}, {"actor": ""}, {"batches": {}}, {"batches": {"a": ("",)}}])
def test_an_erasure_of_nothing_or_without_a_reason_is_none(wrong: dict[str, Any]) -> None:
    """The record itself refuses it."""
    with pytest.raises(ValidationError):
        Erase.model_validate({**erasure({"a": ("1.dir",)}).model_dump(), **wrong})


@given(CONTENTS, CONTENTS)
def test_what_is_erased_is_not_erased_again(
    first: dict[str, tuple[str, ...]], second: dict[str, tuple[str, ...]]
) -> None:
    """What two entries say is what both contents are; what the first says is not new, all else is."""
    entries = written(erasure(first))
    new = not_yet_erased(second, erasures(entries, "m"))
    assert set(digests_in(new)) == set(digests_in(second)) - set(digests_in(first))
    assert not_yet_erased(first, erasures(entries, "m")) == {}
    both = written(erasure(first), *([erasure(new)] if new else []))
    assert set(digests_in(erased_contents(both, "m"))) == set(digests_in(joined(first, second)))
    assert erasures(both, "other") == {}
    for digest, entry in erasures(both, "m").items():
        assert (entry.sequence == 1) == (digest in digests_in(first))


def test_versions_are_those_of_the_very_content() -> None:
    """A version of other rows under the same name is not concerned; without a digest on record, the name decides."""
    entries = written(
        registered(1, "a", "b", a="1.dir", b="2.dir"),
        promoted(1, "a"),
        registered(2, "ab", "c", a="9.dir", b="2.dir", c="3.dir").model_copy(update={"champion": 1}),
        registered(3, "a", "", c="3.dir").model_copy(update={"champion": 1}),
        registered(4, "a", "a", a="1.dir").model_copy(update={"model": "other"}),
    )
    assert made_of(entries, "m", {"a": ("1.dir",)}) == ((1, 3), ())
    assert made_of(entries, "m", {"b": ("2.dir", "7.dir")}) == ((2,), (1,))
    assert made_of(entries, "m", {"c": ("4.dir",)}) == ((), ())
    assert made_of(entries, "other", {"a": ("1.dir",)}) == ((4,), (4,))


def test_versions_of_before_registrations_count_by_name() -> None:
    """Their promotion is all that there is."""
    assert made_of(written(promoted(1, "ab")), "m", {"a": ("1.dir",)}) == ((1,), ())


def test_what_was_made_of_it_says_so() -> None:
    """The batches of a version by digest, and its lineage; other rows under the same name are not erased."""
    entries = written(registered(1, "a", "b", a="1.dir", b="2.dir"), erasure({"a": ("1.dir",)}))
    assert isinstance(entries[-1], EraseEntry)
    words = erased_words(entries[-1])
    assert words == "erased on 2026-01-01 by ada (ledger entry 2)"
    assert erased_of(entries, "m", {"a": "1.dir", "b": "2.dir"}) == {"a": entries[-1]}
    assert erased_of(entries, "m", {"a": "5.dir"}) == {}
    (told,) = told_by(entries, "m").values()
    found = with_erased(descent(told), erasures(entries, "m"))
    assert {each.name: each.erased for each in found.batches} == {"a": words, "b": ""}


def test_it_decides_nothing_about_what_serves() -> None:
    """Candidates stand where they stood, the same version serves, and the audit finds nothing to complain about."""
    before = written(registered(1, "a", "b", a="1.dir"), promoted(1, "a"))
    after = (*before, append(before, erasure({"a": ("1.dir",)})))
    assert champion(after, "m") == champion(before, "m")
    assert candidates(after, "m", START) == candidates(before, "m", START)
    assert (audit(after).problems, audit(after).promotions) == ([], 1)


def test_history_names_batches_digests_and_versions() -> None:
    """In the words of the command line and of the page."""
    (entry,) = written(erasure({"a": ("1.dir",), "b": ("2.dir", "3.dir")}))
    assert what(entry) == "erasure of a, b"
    assert details(entry, "auc") == [
        "a: 1.dir; b: 2.dir, 3.dir", "learned from them: version 1; judged on them: version 2"
    ]  # fmt: skip


def test_webhooks_are_told_of_the_models_own() -> None:
    """As `erased`, with the batches by name; another model's is none of its events."""
    entries = written(erasure({"a": ("1.dir",)}, "other"), erasure({"b": ("2.dir",)}))
    (event,) = ledger_events(entries, "m", after=0)
    told = event.data("m")
    assert (event.name, told["batches"], told["reason"], told["entry"]) == ("erased", ["b"], "4711", 2)
    assert "version" not in told
