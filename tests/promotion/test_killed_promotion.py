"""`kill -9` at every step of a promotion and of a rollback: what was begun is ended by doing it again, and once."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ratchet.flows.champion import pull
from ratchet.flows.promote import Terms, promote
from ratchet.flows.reconcile import reconcile
from ratchet.flows.rollback import rollback

if TYPE_CHECKING:
    from tests.promotion.conftest import Site

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*:DeprecationWarning:mlflow"),
    pytest.mark.filterwarnings("ignore:.*:FutureWarning:mlflow"),
    pytest.mark.filterwarnings("ignore:.*:UserWarning:mlflow"),
]
Order = Callable[["Site", str, int], int]


@pytest.fixture(scope="module")
def order(home: Path) -> Iterator[Order]:
    """Promotes a run (or, without one, rolls back) in a process that is killed at a step; returns how it ended."""
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("killed.py"))], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True,
    ) as server:  # fmt: skip
        assert server.stdin is not None
        assert server.stdout is not None
        lines, answers = server.stdin, server.stdout

        def give(site: Site, run: str, step: int) -> int:
            order = {"root": str(site.base / "one"), "uri": site.uri, "run": run, "step": step}
            print(json.dumps(order), file=lines, flush=True)
            return int(answers.readline())

        yield give
        lines.close()


def killed_everywhere(order: Order, make: Callable[[], tuple[Site, str]]) -> Iterator[tuple[Site, str]]:
    """A project for each step, in which whatever was begun was killed there."""
    for step in range(1, 100):
        site, run = make()
        ended = order(site, run, step)
        if ended == 0:
            assert step > 4
            return
        assert ended == -signal.SIGKILL
        yield site, run
    pytest.fail("it never came to its end")


def agreed(site: Site) -> None:
    """Ledger, alias and what would be served are one."""
    assert site.alias() == site.serving()
    for clone in ("one", "two"):
        entry = pull(site.settings(clone), site.params)
        assert (entry.version if entry else None) == site.serving()
    assert site.entries("one") == site.entries("two")


def versions(site: Site) -> list[str]:
    """Of each registration in the ledger its run; each version of MLflow's registry has one of its own."""
    with site.store() as store:
        for entry in site.entries():
            if entry.kind == "registered":
                assert store.register(entry.run_id, "") == entry.version
    return [entry.run_id for entry in site.entries() if entry.kind == "registered"]


def test_a_promotion_that_was_killed(new_site: Callable[..., Site], order: Order) -> None:
    """It happened or it did not; doing it again promotes once, and nothing is doubled anywhere."""

    def make() -> tuple[Site, str]:
        site = new_site()
        promote(site.settings(), site.record(None), Terms(clock=site.clock))
        return site, site.record(1)

    for site, run in killed_everywhere(order, make):
        assert site.serving() in (1, 2)
        reconcile(site.settings("two"))
        agreed(site)
        assert promote(site.settings("one"), run, Terms(clock=site.clock)).version == 2
        agreed(site)
        assert site.changes() == [("promotion", 1), ("promotion", 2)]
        assert len(set(versions(site))) == len(versions(site)) == 2


def test_a_rollback_that_was_killed(new_site: Callable[..., Site], order: Order) -> None:
    """Asked again, it goes back to where it was going, and not further; unless it had come to its very end."""

    def make() -> tuple[Site, str]:
        site = new_site()
        for champion in (None, 1, 2):
            promote(site.settings(), site.record(champion), Terms(clock=site.clock))
        return site, ""

    ends = set()
    for site, _ in killed_everywhere(order, make):
        ended = site.serving() == site.alias() == 2
        ends.add((site.serving(), site.alias()))
        if not ended:
            assert rollback(site.settings(), reason="bad", clock=site.clock).version == 2
        assert site.changes() == [("promotion", 1), ("promotion", 2), ("promotion", 3), ("rollback", 2)]
        agreed(site)
    assert ends == {(3, 3), (2, 3), (2, 2)}


def test_a_first_promotion_that_was_killed(new_site: Callable[..., Site], order: Order) -> None:
    """With nothing there before: no registered model, no branch, no alias."""

    def make() -> tuple[Site, str]:
        site = new_site()
        return site, site.record(None)

    for site, run in killed_everywhere(order, make):
        reconcile(site.settings())
        agreed(site)
        assert promote(site.settings("two"), run, Terms(clock=site.clock)).version == 1
        agreed(site)
        assert (site.changes(), versions(site)) == ([("promotion", 1)], [run])
