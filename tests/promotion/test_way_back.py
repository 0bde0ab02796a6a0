"""The way back is rehearsed, and may be waived for one promotion: with a reason, and for everybody to see."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import skops.io
from typer.testing import CliRunner

from ratchet.cli.app import app
from ratchet.core.ledger_entries import Entry
from ratchet.core.ledger_words import exceptions
from ratchet.errors import PromotionRefused, ServiceFailed, UsageError
from ratchet.flows.advance import advance
from ratchet.flows.promote import Terms, promote
from ratchet.flows.rollback import rollback
from ratchet.io import files

if TYPE_CHECKING:
    from tests.promotion.conftest import Site

REPOSITORY = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*:DeprecationWarning:mlflow"),
    pytest.mark.filterwarnings("ignore:.*:FutureWarning:mlflow"),
    pytest.mark.filterwarnings("ignore:.*:UserWarning:mlflow"),
]


class Upgrade:
    """A library in another version: models that were made before it cannot be loaded, until it is `undone`."""

    def __init__(self, lost: set[str]) -> None:
        self.lost = lost
        self.load = skops.io.load

    def __call__(self, path: Path, trusted: list[str]) -> object:
        """In place of `skops.io.load`."""
        if files.digest(path) in self.lost:
            raise ImportError("cannot import name 'Tree' from 'trees' (/home/ana/lib/trees/__init__.py)")
        return self.load(path, trusted=trusted)

    def undone(self) -> None:
        """All load again."""
        self.lost.clear()


@pytest.fixture
def upgraded(new_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch) -> tuple[Site, str, Upgrade]:
    """Version 1 serves and does not load any more; a run that is better, and does."""
    site = new_site()
    first = promote(site.settings(), site.record(None), Terms(clock=site.clock))
    upgrade = Upgrade({first.model_digest})
    monkeypatch.setattr(skops.io, "load", upgrade)
    return site, site.record(1), upgrade


FAILURE = "model.skops cannot be loaded here: ImportError: cannot import name 'Tree' from 'trees' (__init__.py)"


def ratchet(site: Site, *words: str) -> tuple[int, str]:
    """The command as somebody types it: how it ended, and what it said."""
    variables = {"MLFLOW_TRACKING_URI": site.uri, "RATCHET_ACTOR": "ada", "RATCHET_REMOTE": "origin"}
    done = CliRunner().invoke(app, ["--project", str(site.base / "one"), *words], env=variables)
    return (getattr(done.exception, "exit_code", done.exit_code), f"{done.output}{done.exception or ''}")


def test_without_a_way_back_nothing_is_promoted(upgraded: tuple[Site, str, Upgrade]) -> None:
    """The refusal says what failed, and how an exception is made; nothing is in the ledger."""
    site, run, _ = upgraded
    with pytest.raises(PromotionRefused, match=r"no way back: version 1, .*ImportError") as refused:
        promote(site.settings(), run, Terms(clock=site.clock))
    assert "--without-way-back --reason" in refused.value.next_step
    assert (site.changes(), site.alias()) == ([("promotion", 1)], 1)


@pytest.mark.parametrize("reason", ["", "  "])
def test_the_exception_takes_a_reason(upgraded: tuple[Site, str, Upgrade], reason: str) -> None:
    """Without one nothing is even registered."""
    site, run, _ = upgraded
    before = site.entries()
    code, said = ratchet(site, "promote", run, "--without-way-back", "--reason", reason)
    assert (code, "needs a reason" in said) == (UsageError.exit_code, True), said
    assert site.entries() == before


def test_the_exception_stands_in_the_ledger_for_everybody_to_see(upgraded: tuple[Site, str, Upgrade]) -> None:
    """The promotion says what failed, without this machine's folders; so do history, queue, page and rollback."""
    site, run, upgrade = upgraded
    code, said = ratchet(site, "promote", run, "--without-way-back", "--reason", "trees 2 reads no old trees")
    assert (code, f"does not load here: {FAILURE}" in said) == (0, True), said
    entry = site.entries()[-1]
    assert isinstance(entry, Entry)
    assert (entry.version, entry.reason, entry.no_way_back) == (2, "trees 2 reads no old trees", FAILURE)
    assert exceptions(entry) == [f"no way back to version 1, which did not load: {FAILURE}"]
    assert "no way back to version 1" in ratchet(site, "history")[1]
    assert FAILURE in ratchet(site, "history", "--json")[1]
    listed = ratchet(site, "queue", "--all")[1]
    assert "no way back to version 1, which did not load" in listed
    assert "another version serves by now; it did not load on 20" in listed
    assert ratchet(site, "ledger", "export", str(site.base / "page.html"))[0] == 0
    assert "no way back to version 1, which did not load" in (site.base / "page.html").read_text(encoding="utf-8")
    assert ratchet(site, "ledger", "verify")[0] == 0

    code, said = ratchet(site, "rollback", "--reason", "bad")
    assert code == ServiceFailed.exit_code
    assert "version 1 did not load on 20" in said
    assert (site.serving(), site.alias()) == (2, 2)
    upgrade.undone()
    assert rollback(site.settings(), reason="bad", clock=site.clock).no_way_back == ""
    assert "did not load" not in ratchet(site, "rollback", "--to", "2", "--reason", "good again")[1]


def test_an_exception_that_is_not_needed_is_not_made(new_site: Callable[..., Site]) -> None:
    """The ledger then has the entry that it would have had, and the command says so."""
    site = new_site()
    promote(site.settings(), site.record(None), Terms(clock=site.clock))
    code, said = ratchet(site, "promote", site.record(1), "--without-way-back", "--reason", "to be sure")
    assert (code, "--without-way-back was not used: version 1, which it replaced, loaded" in said) == (0, True), said
    assert "no_way_back" not in site.entries()[-1].model_dump()


def test_the_exception_is_for_one_run(upgraded: tuple[Site, str, Upgrade]) -> None:
    """All candidates at once are not taken without a way back; a run that is named is."""
    site, run, _ = upgraded
    terms = Terms(clock=site.clock, reason="trees 2", without_way_back=True)
    with pytest.raises(UsageError, match="no run is named"):
        advance(site.settings(), None, terms)
    [stopped] = advance(site.settings(), run, Terms(clock=site.clock))
    assert "no way back" in stopped.stopped
    [done] = advance(site.settings(), run, terms)
    assert (done.promoted and done.promoted.no_way_back, site.serving()) == (FAILURE, 2)


def test_no_workflow_makes_the_exception() -> None:
    """A person makes it. The search finds what is there: workflows do take candidates further."""
    texts = [path.read_text(encoding="utf-8") for path in (REPOSITORY / ".github").rglob("*.y*ml")]
    found: dict[str, Any] = {word: [text for text in texts if word in text] for word in ("ratchet advance", "way-back")}
    assert (len(found["ratchet advance"]) >= 2, found["way-back"]) == (True, [])
