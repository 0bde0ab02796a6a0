"""The ledger as one page that needs nothing beside it: a picture of what served when, the entries, what waits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from ratchet.core.candidates import Candidate
from ratchet.core.ledger_entries import Entry, EraseEntry, FreezeEntry, Line, OpinionEntry
from ratchet.core.ledger_words import details, exceptions, what, when
from ratchet.io import html_page
from ratchet.io.chart_parts import BLUE, CONFIG, GREEN, GREY, QUIET, RED, SCHEMA, Spec, Values, label, still
from ratchet.io.charts import bundle

TONES = {
    "promotion": "better", "rollback": "worse", "rejection": "worse", "freeze": "wait", "override": "wait",
    "erase": "wait",
}  # fmt: skip
MARKS = {
    "promotion": (GREEN, "triangle-up"), "rollback": (RED, "triangle-down"), "approval": (BLUE, "circle"),
    "rejection": (RED, "cross"),
}  # fmt: skip
"""By kind: colour and shape in the picture."""
HEIGHT, STILL_WIDTH = 300, 900
"""Pixels."""
BEYOND = 0.15
"""Of the time that the entries span: so far the picture goes on after the last one at most."""
SEARCH = """
const asked = document.getElementById("search"), found = document.getElementById("found");
const rows = [...document.querySelectorAll("#entries tbody tr")];
const texts = rows.map(row => row.textContent.toLowerCase());
function search() {
  const words = asked.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let count = 0;
  rows.forEach((row, place) => {
    row.hidden = !words.every(word => texts[place].includes(word));
    count += !row.hidden;
  });
  found.textContent = words.length ? `${count.toLocaleString("en")} of ${rows.length.toLocaleString("en")}` : "";
}
asked.addEventListener("input", search);
asked.hidden = false;
"""
"""Leaves the rows that hold every word that is typed."""


@dataclass(frozen=True, kw_only=True)
class LedgerFacts:
    """What the page shows: the newest entries of a model, oldest first, and how many there are before them.

    `metric` is the gate's, `made` when the page was made (ISO 8601, UTC), `head` the hash of the ledger's last entry,
    of `count` in all. `progress` says by version how far a candidate's phase was, seen from where the page was made.
    """

    model: str
    metric: str
    made: str
    head: str
    count: int
    entries: Sequence[Line]
    earlier: int
    serving: Entry | None
    candidates: Sequence[Candidate]
    progress: Mapping[int, str] = field(default_factory=dict)


def ledger_page(facts: LedgerFacts) -> str:
    """The page as HTML. It loads nothing, and only the scripts that it names may run."""
    spec = timeline(facts.entries, facts.made)
    scripts = [*([bundle(), html_page.START] if spec else []), SEARCH]
    return html_page.environment().get_template("ledger.html.j2").render(
        facts=facts,
        chart=html_page.figure("What served when", spec, still(spec, STILL_WIDTH)) if spec else None,
        rows=[_row(line, facts.metric) for line in reversed(facts.entries)],
        when=when,
        scripts=html_page.trusted(scripts),
        policy=html_page.policy(scripts),
    )  # fmt: skip


def timeline(entries: Sequence[Line], until: str) -> Spec | None:
    """What served when over time, with promotions, rollbacks, approvals and freezes; None if nothing served.

    `until` is when the page was made (ISO 8601): what serves is drawn up to then, or not far beyond the last entry.
    """
    changes = [line for line in entries if isinstance(line, Entry)]
    if not changes:
        return None
    span = datetime.fromisoformat(entries[-1].time) - datetime.fromisoformat(entries[0].time)
    soon = datetime.fromisoformat(entries[-1].time) + max(span * BEYOND, timedelta(hours=1))
    until = max(min(until, soon.isoformat()), entries[-1].time)
    ends = [*(line.time for line in changes[1:]), until]
    served = [{"time": line.time, "end": end, "version": line.version} for line, end in zip(changes, ends, strict=True)]
    domain, colours, shapes = list(MARKS), [each[0] for each in MARKS.values()], [each[1] for each in MARKS.values()]
    kind: Spec = {"field": "kind", "type": "nominal", "scale": {"domain": domain, "range": colours}}
    marks: Spec = {
        "data": {"values": _marks(entries)},
        "mark": {"type": "point", "filled": True, "opacity": 1},
        "encoding": {
            "y": _VERSION, "color": kind, "size": {"field": "size", "type": "quantitative", "scale": None},
            "shape": {**kind, "scale": {"domain": domain, "range": shapes}},
            "tooltip": [{"field": name, "type": "nominal"} for name in ("kind", "of", "by", "at", "why")],
        },
    }  # fmt: skip
    bars: Spec = {
        "data": {"values": served}, "mark": {"type": "rule", "strokeWidth": 5, "color": GREY, "opacity": 0.55},
        "encoding": {"x2": {"field": "end"}, "y": _VERSION},
    }  # fmt: skip
    frozen: Spec = {
        "data": {"values": _frozen(entries, until)}, "mark": {"type": "rect", "color": BLUE, "opacity": 0.13},
        "encoding": {"x2": {"field": "end"}, "tooltip": [{"field": "why", "type": "nominal", "title": "frozen"}]},
    }  # fmt: skip
    return {
        "$schema": SCHEMA, "config": CONFIG, "width": "container", "height": HEIGHT,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "encoding": {"x": {
            "field": "time", "type": "temporal", "title": None, "scale": {"type": "utc"},
            "axis": {"format": "%d %b %Y" if span > timedelta(days=4) else "%d %b %H:%M", "tickCount": 6},
        }},
        "layer": [frozen, _erased(entries), _steps(changes), bars, marks],
    }  # fmt: skip


_VERSION: Spec = {
    "field": "version", "type": "quantitative", "title": "version",
    "axis": {"labelExpr": "datum.value % 1 ? '' : datum.label", "format": "d"},
    "scale": {"zero": False, "nice": False, "padding": 14},
}  # fmt: skip


def _steps(changes: Sequence[Entry]) -> Spec:
    """From what served to what served then."""
    values = [
        {"time": after.time, "version": before.version, "next": after.version} for before, after in pairwise(changes)
    ]
    return {
        "data": {"values": values},
        "mark": {"type": "rule", "color": QUIET, "strokeDash": [2, 3]},
        "encoding": {"y": _VERSION, "y2": {"field": "next"}},
    }


def _marks(entries: Iterable[Line]) -> Values:
    marked = (line for line in entries if isinstance(line, Entry | OpinionEntry) and line.kind in MARKS)
    return [
        {"time": line.time, "version": line.version, "kind": line.kind, "of": f"version {line.version}",
         "by": label(line.actor), "at": when(line.time), "why": label(line.reason),
         "size": 110 if isinstance(line, Entry) else 40}
        # What changes what serves is drawn last, over what people said.
        for line in sorted(marked, key=lambda line: isinstance(line, Entry))
    ]  # fmt: skip


def _frozen(entries: Sequence[Line], until: str) -> Values:
    """Each freeze from when it was called to its end, or to the thaw that ended it."""
    found: Values = []
    for place, line in enumerate(entries):
        if isinstance(line, FreezeEntry) and line.kind == "freeze":
            later = (each for each in entries[place + 1 :] if isinstance(each, FreezeEntry))
            thawed = (each.time for each in later if each.kind == "thaw" and each.everything == line.everything)
            end = min(filter(None, (line.until, next(thawed, until), until)))
            found.append({"time": line.time, "end": end, "why": label(f"by {line.actor}: {line.reason}")})
    return found


def _erased(entries: Iterable[Line]) -> Spec:
    """A line where batches were erased: the versions before it may have learned from them."""
    erased = (line for line in entries if isinstance(line, EraseEntry))
    return {
        "data": {"values": [
            {"time": line.time, "why": label(f"{', '.join(line.batches)} by {line.actor}: {line.reason}")}
            for line in erased
        ]},
        "mark": {"type": "rule", "color": RED, "strokeDash": [6, 3], "strokeWidth": 1.5},
        "encoding": {"tooltip": [{"field": "why", "type": "nominal", "title": "erased"}]},
    }  # fmt: skip


def _row(line: Line, metric: str) -> dict[str, object]:
    more = [*details(line, metric), *exceptions(line)]
    tone = "worse" if getattr(line, "outcome", "") == "failed" else TONES.get(line.kind, "")
    return {"line": line, "when": when(line.time), "what": what(line), "more": more, "tone": tone}
