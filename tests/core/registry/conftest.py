"""A ledger in memory that takes what the real one takes, and a plain way to write into it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest

from ratchet.core.candidates import Candidate, candidate
from ratchet.core.ledger import append, champion, dump, load
from ratchet.core.ledger_entries import (
    Change,
    Erase,
    Event,
    Freeze,
    Line,
    Opinion,
    Override,
    PhaseResult,
    Registration,
)
from ratchet.core.phases import Phase
from ratchet.core.promotable import require_allowed

START = datetime(2026, 1, 1, tzinfo=UTC)


class Book:
    """The ledger, and the clock of whoever writes next; `by` and `model` of an event may be given."""

    def __init__(self) -> None:
        self.entries: tuple[Line, ...] = ()
        self.now = START

    def wait(self, **spans: float) -> None:
        """The clock goes on, or back."""
        self.now += timedelta(**spans)

    def write(self, event: Event, *, unchecked: bool = False) -> Line:
        """As the ledger's branch does; `unchecked` is somebody who pushes to the branch by other means."""
        if not unchecked:
            require_allowed(self.entries, event)
        self.entries = (*self.entries, append(self.entries, event))
        return self.entries[-1]

    def reread(self) -> None:
        """The file holds what is here."""
        assert load(dump(self.entries)) == self.entries

    def serving(self, model: str = "m") -> int | None:
        """What the ledger says."""
        found = champion(self.entries, model)
        return found.version if found else None

    def find(self, version: int, model: str = "m") -> Candidate:
        """How it stands now."""
        found = candidate(self.entries, model, version, self.now)
        assert found is not None
        return found

    def state(self, version: int, model: str = "m") -> str:
        """How it stands now, in a word."""
        return self.find(version, model).state

    def register(self, version: int, *phases: Any, **fields: Any) -> Line:
        """Of ada's work, compared with what serves, and said by the gate to be better."""
        model = fields.get("model", "m")
        facts = {
            "version": version, "run_id": f"run {model} {version}", "fingerprint": "f", "seal": "s",
            "model_digest": f"{model} {version}", "decision_digest": f"decision {model} {version}",
            "verdict": "promote", "decided": "better", "champion": self.serving(model), "policy": "p", "commit": "c",
            "authors": ("ada",), "trained_on": {}, "batches": {}, "judged_on": (), "metrics": {},
            "phases": tuple(map(Phase.model_validate, phases or ("gate",))), **self._said(fields),
        }  # fmt: skip
        return self.write(Registration(**facts))

    def say(
        self, kind: Literal["approval", "rejection", "hold", "release"], version: int, *, by: str = "bob", **more: Any
    ) -> Line:
        """An opinion."""
        return self.write(Opinion(kind=kind, version=version, **self._said({"actor": by, **more})))

    def judge(
        self, version: int, place: int, phase: Literal["shadow", "canary"], *, passed: bool = True, **more: Any
    ) -> Line:
        """The result of a phase that rows decide."""
        outcome: Literal["passed", "failed"] = "passed" if passed else "failed"
        return self.write(
            PhaseResult(version=version, place=place, phase=phase, outcome=outcome, numbers={}, **self._said(more))
        )

    def override(self, version: int, *conditions: str, days: float = 7, model: str = "m") -> Line:
        """Somebody takes failed conditions of the version's decision upon themselves."""
        return self.write(
            Override(
                run_id=f"run {model} {version}", decision_digest=f"decision {model} {version}", conditions=conditions,
                expires=(self.now + timedelta(days=days)).isoformat(), **self._said({"model": model}),
            )
        )  # fmt: skip

    def freeze(self, *, hours: float | None = None, **more: Any) -> Line:
        """Until a thaw, or for some hours."""
        until = (self.now + timedelta(hours=hours)).isoformat() if hours else ""
        return self.write(Freeze(kind="freeze", until=until, **self._said(more)))

    def thaw(self, **more: Any) -> Line:
        """Of the same kind."""
        return self.write(Freeze(kind="thaw", **self._said(more)))

    def erase(self, *batches: str, model: str = "m") -> Line:
        """Batches go for good."""
        contents: dict[str, tuple[str, ...]] = {name: (f"{name} {len(self.entries)}.dir",) for name in batches}
        return self.write(Erase(batches=contents, trained=(), judged=(), **self._said({"model": model})))

    def promote(self, version: int, *, replaces: int | str | None = "", model: str = "m") -> Line:
        """Put into service what replaces the serving version, or another that somebody believes to serve."""
        return self._change("promotion", version, replaces, model)

    def roll_back(self, version: int, *, replaces: int | str | None = "", model: str = "m") -> Line:
        """Return to a version."""
        return self._change("rollback", version, replaces, model)

    def _change(self, kind: Literal["promotion", "rollback"], version: int, replaces: object, model: str) -> Line:
        facts = {
            "kind": kind, "version": version, "replaces": self.serving(model) if replaces == "" else replaces,
            "run_id": f"run {model} {version}", "fingerprint": "f", "model_digest": f"{model} {version}", "seal": "s",
            "decision_digest": f"decision {model} {version}", "commit": "c", "trained_on": {}, "metrics": {},
        }  # fmt: skip
        return self.write(Change.model_validate({**facts, **self._said({"model": model})}))

    def _said(self, fields: dict[str, Any]) -> dict[str, Any]:
        return {"model": "m", "actor": "ada", "reason": "r", "time": self.now.isoformat(), **fields}


@pytest.fixture
def book() -> Book:
    """An empty one."""
    return Book()


@pytest.fixture(scope="session")
def new_book() -> Callable[[], Book]:
    """Makes empty ones."""
    return Book
