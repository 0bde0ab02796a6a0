"""Any sequence of what people and servers do to two models, beside a simulation written from the rules alone."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from ratchet.core.candidates import candidates
from ratchet.core.ledger import champion_at, dump, rollback_target
from ratchet.errors import ChampionChanged, PromotionRefused

if TYPE_CHECKING:
    from tests.core.registry.conftest import Book

PEOPLE = ("ada", "bob", "cleo", "dan")
MODELS = st.sampled_from(["m", "m", "m", "other"])
PHASES = {
    "gate": "gate",
    "one": {"approval": {"count": 1, "of": ["bob", "cleo"], "expires_days": 3}},
    "two": {"approval": {"count": 2, "of": [], "expires_days": 5}},
    "any": {"approval": {"count": 1, "of": [], "not_author": False, "expires_days": 2}},
    "shadow": {"shadow": {"rows": 10}},
    "canary": {"canary": {"rows": 10}},
}
MAY: dict[str, tuple[int, tuple[str, ...], int]] = {
    "one": (1, ("bob", "cleo"), 3), "two": (2, ("bob", "cleo", "dan"), 5), "any": (1, PEOPLE, 2),
}  # fmt: skip
"""Of each approval: how many, who counts (ada is the author), for how many days."""
PLANS = (
    ("gate",), ("gate", "one"), ("two", "gate"), ("gate", "shadow"), ("gate", "one", "shadow", "any"),
    ("gate", "two", "canary"), ("gate", "shadow", "one", "canary"),
)  # fmt: skip
Kind = Literal["approval", "rejection", "hold", "release"]


@dataclass
class Version:
    """All that was ever said about a version, in the order in which it was said."""

    number: int
    plan: tuple[str, ...]
    against: int | None
    verdict: str
    order: int
    votes: list[tuple[int, datetime, str]] = field(default_factory=list)
    results: list[tuple[int, datetime, int, bool]] = field(default_factory=list)
    relief: list[datetime] = field(default_factory=list)
    rejected: bool = False
    held: bool = False

    def ways(self, place: int, order: int, now: datetime) -> Iterator[tuple[int, bool]]:
        """Every way through the phases from here: how far it leads, and whether it ends at a failure."""
        yield place, False
        if place == len(self.plan):
            return
        phase = self.plan[place]
        if phase == "gate":
            if self.verdict == "promote" or any(until > now for until in self.relief):
                yield from self.ways(place + 1, order, now)
        elif phase in MAY:
            count, who, days = MAY[phase]
            moment = next((when for _, when, at, _ in self.results if at > place), now)
            good = [
                vote for vote in self.votes
                if vote[0] > order and vote[2] in who and vote[1] <= moment < vote[1] + timedelta(days=days)
            ]  # fmt: skip
            for some in itertools.combinations(good, count):
                if len({person for _, _, person in some}) == count:
                    yield from self.ways(place + 1, max(number for number, _, _ in some), now)
        else:
            first = next((each for each in self.results if each[0] > order and each[2] == place), None)
            if first and first[3]:
                yield from self.ways(place + 1, first[0], now)
            elif first:
                yield place, True

    def reached(self, now: datetime) -> tuple[int, bool]:
        """The furthest of all ways."""
        return max(self.ways(0, self.order, now))


@dataclass
class Model:
    """The versions of a model, and what served from when on."""

    versions: dict[int, Version] = field(default_factory=dict)
    served: list[tuple[datetime, int]] = field(default_factory=list)
    stack: list[int] = field(default_factory=list)
    gone: set[int] = field(default_factory=set)

    @property
    def serving(self) -> int | None:
        return self.served[-1][1] if self.served else None

    def out(self, version: Version, now: datetime) -> bool:
        place, failed = version.reached(now)
        refused = version.plan[place : place + 1] == ("gate",)
        return version.rejected or version.held or failed or refused

    def state(self, version: Version, now: datetime) -> str:
        place, failed = version.reached(now)
        ever = {number for _, number in self.served}
        if version.number == self.serving:
            return "serving"
        if version.number in ever:
            return "withdrawn" if version.number in self.gone else "served"
        for newer in self.versions.values():
            newer_place = len(newer.plan) if newer.number in ever else newer.reached(now)[0]
            rival = newer.number > version.number and newer.against == version.against
            if rival and newer_place >= max(place, 1) and (newer.number in ever or not self.out(newer, now)):
                closed = True
                break
        else:
            closed = False
        found = [
            (version.rejected, "rejected"), (failed, "failed"), (version.against != self.serving, "stale"),
            (version.plan[place : place + 1] == ("gate",), "refused"), (closed, "superseded"), (version.held, "held"),
            (place == len(version.plan), "ready"),
        ]  # fmt: skip
        return next((name for true, name in found if true), "waiting")

    def put(self, number: int, kind: str, time: datetime) -> None:
        self.served.append((time, number))
        if kind == "promotion":
            self.stack.append(number)
        else:
            while self.stack[-1] != number:
                self.gone.add(self.stack.pop())
        self.gone.discard(number)


class Registry(RuleBasedStateMachine):
    """The ledger takes what the simulation takes, and says what it says."""

    def __init__(self, new_book: Callable[[], Book]) -> None:
        super().__init__()
        self.book = new_book()
        self.models = {"m": Model(), "other": Model()}
        self.freezes: dict[str, list[datetime | None]] = {"m": [], "other": [], "*": []}
        self.text = ""

    @property
    def time(self) -> datetime:
        """The ledger's: a clock that is behind does not turn it back."""
        last = datetime.fromisoformat(self.book.entries[-1].time) if self.book.entries else self.book.now
        return max(last, self.book.now)

    def some(self, data: st.DataObject, model: str) -> Version:
        return data.draw(st.sampled_from(list(self.models[model].versions.values())))

    def known(self) -> st.SearchStrategy[str]:
        """Models with a version."""
        return MODELS.filter(lambda name: bool(self.models[name].versions))

    def is_frozen(self, model: str) -> bool:
        return any(until is None or until > self.book.now for name in (model, "*") for until in self.freezes[name])

    def _judge(self, model: str, version: Version, place: int, *, passed: bool) -> None:
        phase: Literal["shadow", "canary"] = "shadow" if version.plan[place] == "shadow" else "canary"
        time = self.time
        self.book.judge(version.number, place, phase, passed=passed, model=model)
        version.results.append((len(self.book.entries), time, place, passed))

    @rule(hours=st.integers(-30, 90))
    def wait(self, hours: int) -> None:
        """Time passes, or another machine with another clock writes next."""
        self.book.wait(hours=hours)

    @rule(model=MODELS, plan=st.sampled_from(PLANS), rare=st.tuples(*[st.integers(0, 5)] * 3))
    def register(self, model: str, plan: tuple[str, ...], rare: tuple[int, int, int]) -> None:
        """A version that was compared with what serves, or, run long ago, with something else.

        Seldom where another one is on its way, which it would close.
        """
        known, (bad, late, hasty) = self.models[model], rare
        if hasty and any(known.state(each, self.time) in ("waiting", "ready") for each in known.versions.values()):
            return
        number = len(known.versions) + 1
        against = 99 if late == 0 else known.serving
        verdict = "promote" if bad else "hold"
        facts: dict[str, Any] = {"verdict": verdict, "failed": () if bad else ("better",), "champion": against}
        self.book.register(number, *(PHASES[name] for name in plan), model=model, **facts)
        known.versions[number] = Version(number, plan, against, verdict, len(self.book.entries))

    @precondition(lambda self: any(each.versions for each in self.models.values()))
    @rule(data=st.data(), kind=st.sampled_from(["approval"] * 4 + ["rejection", "hold", "release"]))
    def say(self, data: st.DataObject, kind: Kind) -> None:
        """Anybody says anything about any version: the author and strangers approve as well, often twice."""
        model = data.draw(self.known())
        version, who = self.some(data, model), data.draw(st.sampled_from(PEOPLE))
        time = self.time
        self.book.say(kind, version.number, by=who, model=model)
        if kind == "approval":
            version.votes.append((len(self.book.entries), time, who))
        else:
            version.rejected |= kind == "rejection"
            version.held = kind == "hold" if kind != "rejection" else version.held

    @precondition(lambda self: any(each.versions for each in self.models.values()))
    @rule(data=st.data(), place=st.integers(0, 3), passed=st.integers(0, 3))
    def judge(self, data: st.DataObject, place: int, passed: int) -> None:
        """A result is taken of the phase that a version waits in, and of no other."""
        model = data.draw(self.known())
        version, time = self.some(data, model), self.time
        of_rows = version.plan[place : place + 1] in (("shadow",), ("canary",))
        at = self.models[model].state(version, time), version.reached(time)[0]
        if of_rows and at == ("waiting", place):
            self._judge(model, version, place, passed=bool(passed))
        else:
            with pytest.raises(PromotionRefused, match="is not due"):
                self.book.judge(version.number, place, "shadow", model=model)

    @precondition(lambda self: any(each.versions for each in self.models.values()))
    @rule(data=st.data(), steps=st.integers(1, 4))
    def carry_on(self, data: st.DataObject, steps: int) -> None:
        """Those who may do what the newest version needs next, until it serves or nobody can."""
        model = data.draw(self.known())
        known = self.models[model]
        version = known.versions[max(known.versions)]
        for _ in range(steps):
            state, (place, _) = known.state(version, self.time), version.reached(self.time)
            if state == "ready" and not self.is_frozen(model):
                time = self.time
                self.book.promote(version.number, model=model)
                known.put(version.number, "promotion", time)
            elif state == "waiting" and version.plan[place] in MAY:
                who = data.draw(st.sampled_from(MAY[version.plan[place]][1]))
                time = self.time
                self.book.say("approval", version.number, by=who, model=model)
                version.votes.append((len(self.book.entries), time, who))
            elif state == "waiting":
                self._judge(model, version, place, passed=True)

    @precondition(lambda self: any(each.versions for each in self.models.values()))
    @rule(data=st.data(), days=st.integers(1, 4))
    def override(self, data: st.DataObject, days: int) -> None:
        """Somebody takes upon themselves what failed."""
        model = data.draw(self.known())
        version = self.some(data, model)
        self.book.override(version.number, "better", days=days, model=model)
        version.relief.append(self.book.now + timedelta(days=days))

    @rule(scope=st.sampled_from(["m", "other", "*"]), hours=st.sampled_from([None, 1, 30]), thaw=st.booleans())
    def freeze(self, scope: str, hours: int | None, thaw: bool) -> None:
        """Of one model or of all, for some hours or until a thaw; or a thaw."""
        said: dict[str, Any] = {"everything": scope == "*", "model": "m" if scope == "*" else scope}
        if thaw:
            self.book.thaw(**said)
            self.freezes[scope].clear()
        else:
            self.book.freeze(hours=hours, **said)
            self.freezes[scope].append(self.book.now + timedelta(hours=hours) if hours else None)

    @rule(model=MODELS)
    def erase(self, model: str) -> None:
        """Data goes, and nothing about versions changes by it."""
        self.book.erase("b", model=model)

    @precondition(lambda self: any(each.versions for each in self.models.values()))
    @rule(data=st.data(), believed=st.integers(0, 5))
    def promote(self, data: st.DataObject, believed: int) -> None:
        """Only what is ready goes in, in no freeze, and only by somebody who knows what serves."""
        model = data.draw(self.known())
        known, version, time = self.models[model], self.some(data, model), self.time
        state = known.state(version, time)
        replaces = 77 if believed == 0 else known.serving
        if state == "ready" and not self.is_frozen(model) and believed:
            self.book.promote(version.number, replaces=replaces, model=model)
            known.put(version.number, "promotion", time)
        else:
            only_stale = state == "stale" or (state == "ready" and not self.is_frozen(model))
            with pytest.raises(ChampionChanged if only_stale else PromotionRefused):
                self.book.promote(version.number, replaces=replaces, model=model)

    @precondition(lambda self: any(each.served for each in self.models.values()))
    @rule(data=st.data(), model=MODELS)
    def go_back(self, data: st.DataObject, model: str) -> None:
        """To what served before, at any time; where nothing did, the refusal says so."""
        known, time = self.models[model], self.time
        if len(known.stack) < 2:
            with pytest.raises(PromotionRefused, match="nothing"):
                rollback_target(self.book.entries, model)
            return
        assert rollback_target(self.book.entries, model).version == known.stack[-2]
        to = data.draw(st.sampled_from(known.stack[:-1]))
        self.book.roll_back(to, model=model)
        known.put(to, "rollback", time)

    @precondition(lambda self: any(each.versions for each in self.models.values()))
    @rule(data=st.data())
    def go_back_to_what_never_served(self, data: st.DataObject) -> None:
        """No way around the phases."""
        model = data.draw(self.known())
        version = self.some(data, model)
        if version.number not in {number for _, number in self.models[model].served}:
            with pytest.raises(PromotionRefused, match="never served"):
                self.book.roll_back(version.number, model=model)

    @invariant()
    def one_champion_and_every_state(self) -> None:
        """Exactly one serves once anything did, and each version stands where the simulation says."""
        for model, known in self.models.items():
            assert self.book.serving(model) == known.serving
            found = {each.version: each.state for each in candidates(self.book.entries, model, self.book.now)}
            assert found == {number: known.state(each, self.time) for number, each in known.versions.items()}
            assert sum(state == "serving" for state in found.values()) == (known.serving is not None)

    @invariant()
    def history_is_only_added_to(self) -> None:
        """The file begins with what it was, and reads back."""
        text = dump(self.book.entries)
        assert text.startswith(self.text)
        self.text = text
        self.book.reread()

    def teardown(self) -> None:
        """What served at a moment is what the simulation remembers."""
        chance = random.Random(0)  # noqa: S311 - moments to ask about
        for model, known in self.models.items():
            for _ in range(50):
                moment = self.time - timedelta(minutes=chance.randrange(-600, 60_000))
                truth = next((number for time, number in reversed(known.served) if time <= moment), None)
                found = champion_at(self.book.entries, model, moment)
                assert (found.version if found else None) == truth


def test_the_ledger_keeps_its_rules(new_book: Callable[[], Book]) -> None:
    """No promotion without its phases, one champion, no rewritten history, whatever people do in whatever order."""

    class Machine(Registry):
        def __init__(self) -> None:
            super().__init__(new_book)

    run_state_machine_as_test(Machine, settings=settings(max_examples=250, stateful_step_count=40, deadline=None))


def test_what_served_at_a_thousand_times(book: Book) -> None:
    """Over 300 changes by machines whose clocks disagree, each of 1,000 moments has the simulation's answer."""
    chance = random.Random(7)  # noqa: S311 - a history to make up
    truth: list[tuple[datetime, int]] = []
    known = Model()
    time = begin = book.now
    for number in range(1, 301):
        book.wait(minutes=chance.randrange(-50, 100))
        time = max(time, book.now)
        if len(known.stack) > 2 and chance.random() < 0.3:
            target = chance.choice(known.stack[:-1])
            book.roll_back(target)
            known.put(target, "rollback", time)
        else:
            book.register(number)
            book.promote(number)
            known.put(number, "promotion", time)
        truth.append((time, known.serving or 0))
    span = int((time - begin).total_seconds())
    for _ in range(1_000):
        moment = begin + timedelta(seconds=chance.randrange(-3_600, span + 3_600))
        found = champion_at(book.entries, "m", moment)
        assert (found.version if found else 0) == next((serving for at, serving in reversed(truth) if at <= moment), 0)
