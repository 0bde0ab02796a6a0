"""How far a phase is stands in the queue: approvals by name, rows and labels by the log, and what is not known here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl
import pytest
import yaml

from ratchet.cli.queue_text import queue_json, queue_table
from ratchet.flows.advance import advance
from ratchet.flows.opinions import give_opinion
from ratchet.flows.promote import Terms
from ratchet.flows.queue import Waiting, queue
from ratchet.flows.register import register
from ratchet.io.prediction_labels import keep
from ratchet.io.prediction_log import Prediction, Scored

if TYPE_CHECKING:
    from tests.promotion.conftest import Site

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*:DeprecationWarning:mlflow"),
    pytest.mark.filterwarnings("ignore:.*:FutureWarning:mlflow"),
    pytest.mark.filterwarnings("ignore:.*:UserWarning:mlflow"),
]
LABELS = ["no", "yes"]
PHASES: tuple[Any, ...] = (
    "gate",
    {"approval": {"count": 2, "of": ["bob", "cleo", "dan"]}},
    {"canary": {"share": 0.25, "rows": 40, "days": 2, "labels": 20}},
)


@pytest.fixture(scope="module")
def tried(new_site: Callable[..., Site]) -> Site:
    """Version 1 serves; version 2 was compared with it and registered."""
    site = new_site(*PHASES)
    run = site.record(None)
    register(site.settings(), run, clock=site.clock)
    for who in ("bob", "cleo"):
        approve(site, 1, who)
    # Nothing serves that it could be tried beside: the canary passes.
    advance(site.settings(), run, Terms(clock=site.clock))
    assert site.serving() == 1
    register(site.settings(), site.record(1), clock=site.clock)
    return site


def approve(site: Site, version: int, who: str) -> None:
    give_opinion(site.settings(actor=who), version, "approval", reason="r", clock=site.clock)


def waiting(site: Site, *, after: timedelta = timedelta()) -> Waiting:
    """The one candidate, some time later."""
    [found] = queue(site.settings(), clock=lambda: site.time + after)
    return found


def said(found: Waiting) -> dict[str, Any]:
    """As JSON has it."""
    told: dict[str, Any] = json.loads(queue_json(found))["progress"]
    return told


def predictions(began: datetime, count: int) -> Iterator[Prediction]:
    """Requests of one row each, of which version 2 scores all, a little worse than the champion."""
    for number in range(count):
        moment = began + timedelta(seconds=number + 1)
        yes, no = (Scored(version=each, scores=[[1 - p, p]], labels=LABELS) for each, p in ((1, 0.8), (2, 0.78)))
        yield Prediction(
            id=f"{moment:%Y%m%d}-0badcafe-{number}", time=moment.isoformat(), model="parcels", version=1,
            arm="champion", endpoint="predict", rows=1, champion=yes, trial=no, phase="canary",
        )  # fmt: skip


def write(site: Site, lines: list[Prediction], labelled: int) -> None:
    """Into the log of the project, with labels of the first ones."""
    log = site.base / "one" / ".ratchet" / "predictions"
    for each in lines:
        path = log / f"{each.moment.astimezone(UTC).date()}" / "0badcafe.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(msgspec.json.encode(each) + b"\n")
    table = pl.DataFrame({"id": [f"{each.id}/0" for each in lines[:labelled]], "label": ["yes"] * labelled})
    keep(log, lambda _kept: table)


def test_the_queue_says_how_far_a_phase_is(tried: Site) -> None:
    """From the first approval to the last label; what this machine cannot see is said, not shown as nothing."""
    found = waiting(tried)
    assert found.progress is not None
    assert (found.progress.text, found.candidate.people) == ("0 of 2 approvals", ("bob", "cleo", "dan"))
    approve(tried, 2, "cleo")
    found = waiting(tried)
    assert "1 of 2 approvals: cleo\n    waits for bob, dan" in queue_table([found])
    assert said(found) == {
        "text": "1 of 2 approvals: cleo", "now": {"approvals": 1}, "needed": {"approvals": 2}, "share": None,
        "unknown": None, "outcome": None,
    }  # fmt: skip
    approve(tried, 2, "dan")

    here = waiting(tried, after=timedelta(days=1))
    assert said(here)["unknown"] == "no log of predictions at .ratchet/predictions (serve.log)"
    assert said(here)["now"] == {"days": pytest.approx(1.0, abs=0.01)}
    assert said(here)["share"] == 0.25
    assert said(here)["needed"] == {"rows": 40, "days": 2, "labels": 20, "evidence": 20}
    assert "answers 25% of the requests; 1.0 of 2 days; rows are not known here: no log" in queue_table([here])

    lines = list(predictions(here.candidate.since, 30))
    write(tried, lines, labelled=20)
    found = waiting(tried, after=timedelta(days=1))
    text = said(found)["text"]
    assert text.startswith(
        "answers 25% of the requests; 30 of 40 rows, 1 of 2 days, 20 of 20 labels; log_loss +0.0253 a"
    )
    assert "evidence that it is worse" in text
    assert {name: said(found)["now"][name] for name in ("rows", "labels")} == {"rows": 30, "labels": 20}
    assert said(found)["unknown"] is None

    write(tried, [msgspec.structs.replace(each, id=f"{each.id}9") for each in lines], labelled=0)
    found = waiting(tried, after=timedelta(days=3))
    assert said(found)["outcome"] == "passed"
    assert "passed, and not written yet: 60 rows in 3 days" in queue_table([found])
    assert tried.entries()[-1].kind == "approval"

    # From a project of another model, of which this one is none of the repository's.
    path = tried.base / "two" / "params.yaml"
    tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump({**tree, "project": {**tree["project"], "name": "letters"}}), encoding="utf-8")
    [found] = queue(tried.settings("two"), clock=lambda: tried.time)
    assert "has the model parcels" in said(found)["unknown"]
