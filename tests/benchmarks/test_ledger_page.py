"""The page of the ledger."""

from __future__ import annotations

import json
import re
from typing import Any

from benchmarks.registry_ledger import made_up
from ratchet.core.ledger import champion
from ratchet.core.ledger_entries import Entry, Line
from ratchet.io.ledger_page import LedgerFacts, ledger_page, timeline


def page(entries: tuple[Line, ...], **changed: Any) -> str:
    facts: dict[str, Any] = {
        "model": "late", "metric": "log_loss", "made": "2016-06-01T00:00:00+00:00", "head": entries[-1].hash,
        "count": len(entries), "entries": entries, "earlier": 0, "serving": champion(entries, "late"),
        "candidates": (), **changed,
    }  # fmt: skip
    return ledger_page(LedgerFacts(**facts))


ENTRIES = made_up("late", versions=50, entries=500)


def test_the_page_names_every_entry_and_loads_nothing() -> None:
    """Each entry is a row, the head and what serves are said, and no address of another place is loaded."""
    found = page(ENTRIES)
    assert re.findall(r'<td class="number">(\d+)</td><td class="when">', found) == [
        str(entry.sequence) for entry in reversed(ENTRIES)
    ]
    assert ENTRIES[-1].hash in found
    assert "version 49, since 2016-01-17 20:10:00 UTC" in found
    assert not re.search(r'(?:src|href)="(?!data:)', found.partition("<script>")[0])
    assert "default-src &#39;none&#39;" in found


def test_words_of_people_do_nothing_on_the_page() -> None:
    """A reason that is a script is shown, and does not run."""
    evil = ENTRIES[1].model_copy(update={"reason": "</script><script>alert(1)</script>"})
    found = page((ENTRIES[0], evil, *ENTRIES[2:]))
    assert "<script>alert" not in found
    assert "&lt;script&gt;alert(1)" in found


def test_the_picture_has_every_change_and_every_freeze() -> None:
    """Each promotion and rollback is a bar up to the next one and a mark; a freeze ends with its thaw."""
    spec = timeline(ENTRIES, "2016-06-01T00:00:00+00:00")
    assert spec is not None
    frozen, erased, _, bars, marks = (layer["data"]["values"] for layer in spec["layer"])
    assert erased == []
    changes = [entry for entry in ENTRIES if isinstance(entry, Entry)]
    assert [each["version"] for each in bars] == [entry.version for entry in changes]
    assert [each["end"] for each in bars[:-1]] == [entry.time for entry in changes[1:]]
    assert [each["kind"] for each in marks if each["size"] > 40] == [entry.kind for entry in changes]
    freeze, thaw = (next(entry for entry in ENTRIES if entry.kind == kind) for kind in ("freeze", "thaw"))
    assert [(each["time"], each["end"]) for each in frozen] == [(freeze.time, thaw.time)]
    json.dumps(spec, allow_nan=False)


def test_an_empty_ledger_has_no_picture() -> None:
    """Where nothing served there is nothing to draw."""
    assert timeline(ENTRIES[:3], "2016-06-01T00:00:00+00:00") is None


def test_what_is_not_on_the_page_is_said() -> None:
    """Of a long ledger the page says how many entries it leaves out."""
    assert "1,234 earlier ones" in page(ENTRIES, earlier=1_234)
