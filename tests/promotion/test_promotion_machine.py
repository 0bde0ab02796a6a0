"""Any sequence of what people, crashes and hands do to a real ledger and a real registry, from two clones."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from ratchet.core.ledger import dump
from ratchet.core.ledger_entries import Entry, OpinionEntry, RegistrationEntry
from ratchet.errors import RatchetError
from ratchet.flows.champion import pull
from ratchet.flows.opinions import give_opinion
from ratchet.flows.promote import Terms, promote
from ratchet.flows.reconcile import reconcile
from ratchet.flows.register import register
from ratchet.flows.rollback import rollback

if TYPE_CHECKING:
    from tests.promotion.conftest import Site

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*:DeprecationWarning:mlflow"),
    pytest.mark.filterwarnings("ignore:.*:FutureWarning:mlflow"),
    pytest.mark.filterwarnings("ignore:.*:UserWarning:mlflow"),
]
CLONES = st.sampled_from(["one", "two"])
WHO = st.sampled_from(["ada", "bob", "bob", "eve"])
"""Ada made the change, and eve is nobody who may."""


class Crash(BaseException):
    """The end of a process, as far as its caller can tell."""


def _crash() -> None:
    raise Crash


@pytest.fixture(scope="module")
def killed() -> ModuleType:
    """How the steps of a promotion are counted."""
    spec = importlib.util.spec_from_file_location("killed_steps", Path(__file__).with_name("killed.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


class Promotion(RuleBasedStateMachine):
    """Each command does what it says, is refused by a typed error, or dies half way."""

    def __init__(self, new_site: Callable[..., Site], killed: ModuleType) -> None:
        super().__init__()
        self.site = new_site("gate", {"approval": {"count": 1, "of": ["ada", "bob"]}})
        self.killed = killed
        self.runs: list[str] = []
        self.text = ""

    def attempt(self, act: Callable[[], object], crash: int) -> bool:
        """Whether it came to its end; a crash at a step, 0 for none, ends it there."""
        steps = self.killed.Steps(crash, _crash)
        with pytest.MonkeyPatch.context() as patch:
            for owner, name in self.killed.WRITES:
                patch.setattr(owner, name, steps.wrap(getattr(owner, name)))
            try:
                act()
            except (RatchetError, Crash):
                return False
        return True

    def version(self, data: st.DataObject) -> int:
        """One of the ledger's, or one that nobody knows."""
        known = [each.version for each in self.site.entries() if isinstance(each, RegistrationEntry)]
        return data.draw(st.sampled_from([*known[-3:], *known[-3:], 9]))

    @precondition(lambda self: len(self.runs) < 6)
    @rule(old=st.integers(0, 4))
    def record(self, old: int) -> None:
        """A run that was compared with what serves, or seldom with what does not."""
        self.runs.append(self.site.record(self.site.serving() if old else 7))

    @precondition(lambda self: self.runs)
    @rule(data=st.data(), clone=CLONES, crash=st.integers(0, 6))
    def register(self, data: st.DataObject, clone: str, crash: int) -> None:
        """Once or again, to its end or not."""
        run = data.draw(st.sampled_from(self.runs[-2:]))
        self.attempt(lambda: register(self.site.settings(clone), run, clock=self.site.clock), crash)

    @precondition(lambda self: self.runs)
    @rule(data=st.data(), clone=CLONES, who=WHO)
    def approve(self, data: st.DataObject, clone: str, who: str) -> None:
        """By anybody."""
        version = self.version(data)
        before = self.site.entries()
        done = self.attempt(
            lambda: give_opinion(
                self.site.settings(clone, who), version, "approval", reason="r", clock=self.site.clock
            ),
            0,
        )
        assert who == "bob" or not done
        assert done or self.site.entries() == before

    @precondition(lambda self: self.runs)
    @rule(data=st.data(), clone=CLONES, crash=st.integers(0, 5))
    def promote(self, data: st.DataObject, clone: str, crash: int) -> None:
        """What comes to its end serves, and its alias with it; what is not ready is refused."""
        run = data.draw(st.sampled_from(self.runs[-3:]))
        self.carry(run, clone, crash)

    @precondition(lambda self: len(self.runs) < 8)
    @rule(first=CLONES, second=CLONES, crash=st.integers(0, 6))
    def bring_into_service(self, first: str, second: str, crash: int) -> None:
        """A better run, registered and approved; a crash on its way is made good by doing it again, anywhere."""
        run = self.site.record(self.site.serving())
        self.runs.append(run)
        version = register(self.site.settings(first), run, clock=self.site.clock).version
        give_opinion(self.site.settings(second, "bob"), version, "approval", reason="r", clock=self.site.clock)
        before = self.site.changes()
        if not self.carry(run, first, crash):
            assert self.site.changes()[: len(before)] == before
            assert self.carry(run, second, 0)
        assert self.site.changes() == [*before, ("promotion", version)]

    def carry(self, run: str, clone: str, crash: int) -> bool:
        """Promote a run."""
        done = self.attempt(lambda: promote(self.site.settings(clone), run, Terms(clock=self.site.clock)), crash)
        if done:
            entry = next(each for each in reversed(self.site.entries()) if isinstance(each, Entry))
            assert (entry.run_id, self.site.alias()) == (run, entry.version)
        return done

    @precondition(lambda self: self.site.serving())
    @rule(data=st.data(), clone=CLONES, crash=st.integers(0, 5), named=st.booleans())
    def go_back(self, data: st.DataObject, clone: str, crash: int, named: bool) -> None:
        """To a version or to the one before; to its end, or not."""
        to = self.version(data) if named else None
        here = self.site.settings(clone)
        if self.attempt(lambda: rollback(here, reason="bad", to=to, clock=self.site.clock), crash):
            assert self.site.alias() == self.site.serving()
            assert to in (None, self.site.serving())

    @precondition(lambda self: self.runs)
    @rule(data=st.data())
    def move_the_alias(self, data: st.DataObject) -> None:
        """By hand, to any version of the registry: nobody is served anything else for that."""
        versions = [each.version for each in self.site.entries() if isinstance(each, RegistrationEntry)]
        if not versions:
            return
        version = data.draw(st.sampled_from(versions))
        with self.site.store() as store:
            store.point("champion", version)
        self.served()

    @rule(clone=CLONES)
    def reconcile(self, clone: str) -> None:
        """Says whether the alias was somewhere else, and then it is not."""
        before, serving = self.site.alias(), self.site.serving()
        found = reconcile(self.site.settings(clone))
        assert (found.moved, found.alias) == (before != serving, before)
        assert self.site.alias() == serving

    def served(self) -> None:
        """What a server would fetch is what the ledger says, in either clone."""
        for clone in ("one", "two"):
            entry = pull(self.site.settings(clone), self.site.params)
            assert (entry.version if entry else None) == self.site.serving()

    @invariant()
    def the_ledger_keeps_its_rules(self) -> None:
        """Both clones read one history, which is only added to; each promotion was registered and approved before."""
        entries = self.site.entries()
        assert self.site.entries("two") == entries
        text = dump(entries)
        assert text.startswith(self.text)
        self.text = text
        runs: dict[int, str] = {}
        approved: set[int] = set()
        serving: int | None = None
        for each in entries:
            if isinstance(each, RegistrationEntry):
                assert each.version not in runs
                assert each.run_id not in runs.values()
                runs[each.version] = each.run_id
            elif isinstance(each, OpinionEntry):
                assert each.actor == "bob"
                approved.add(each.version)
            elif isinstance(each, Entry):
                assert each.replaces == serving
                assert each.version in approved
                assert each.run_id == runs[each.version]
                serving = each.version

    def teardown(self) -> None:
        """In the end reconcile makes ledger and alias one, and that is what is served."""
        reconcile(self.site.settings())
        assert self.site.alias() == self.site.serving()
        self.served()


def test_ledger_and_registry_keep_their_rules(new_site: Callable[..., Site], killed: ModuleType) -> None:
    """Register, approve, promote, go back, crash, retry, move the alias: one champion, and nothing skipped or lost."""

    class Machine(Promotion):
        def __init__(self) -> None:
            super().__init__(new_site, killed)

    checks: Any = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=8, stateful_step_count=12, deadline=None, derandomize=True, suppress_health_check=checks
        ),
    )
