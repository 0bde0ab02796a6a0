"""A receiver of webhooks on this machine, and ledgers to tell it of."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from ratchet.core.ledger import append
from ratchet.core.ledger_entries import Change, Event, Freeze, Line, Opinion, PhaseResult, Registration
from ratchet.core.phases import Phase


@dataclass
class Receiver:
    """What arrived, and what is answered: these statuses first, then 204; 0 is no answer at all."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    redirected: list[str] = field(default_factory=list)
    going: threading.Event = field(default_factory=threading.Event)

    @property
    def ids(self) -> list[str]:
        """The id of each message, as it arrived."""
        return [headers["webhook-id"] for headers, _ in self.got]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Real HTTP on 127.0.0.1."""
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path != "/hook":
                made.redirected.append(self.path)
            made.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            status = made.answers.pop(0) if made.answers else 204
            if status == 0:
                made.going.wait(10)
                return
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads, server.block_on_close = True, False
        made.url = f"http://127.0.0.1:{server.server_port}/hook"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield made
        finally:
            made.going.set()
            server.shutdown()
            thread.join()


class Told:
    """Makes what a ledger says of the model `parcels`, a minute after the other."""

    def __init__(self, model: str = "parcels") -> None:
        self._model = model
        self._minute = 0

    def said(self, actor: str = "ada", reason: str = "because") -> dict[str, Any]:
        """Who, when and why."""
        self._minute += 1
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(1_795_000_000 + 60 * self._minute))
        return {"model": self._model, "actor": actor, "time": stamp, "reason": reason}

    @staticmethod
    def ledger(*events: Event) -> tuple[Line, ...]:
        """A ledger of these."""
        entries: list[Line] = []
        for event in events:
            entries.append(append(entries, event))
        return tuple(entries)

    def registered(
        self, version: int, *phases: Any, champion: int | None = None, verdict: str = "promote"
    ) -> Registration:
        """A candidate with these phases."""
        return Registration(
            version=version, model_digest=f"m{version}", verdict=verdict, decided="it says so", champion=champion,  # type: ignore[arg-type]  # one of three words
            policy="p", authors=("ada",), batches={}, judged_on=(), **self._same(version),
            phases=tuple(Phase.model_validate(each) for each in phases or ("gate",)),
        )  # fmt: skip

    def change(self, kind: str, version: int, replaces: int | None) -> Change:
        """A promotion or a rollback."""
        return Change(
            kind=kind, version=version, replaces=replaces, model_digest=f"m{version}", **self._same(version)  # type: ignore[arg-type]  # one of two words
        )  # fmt: skip

    def opinion(self, kind: str, version: int, actor: str, link: str = "") -> Opinion:
        """Somebody's word."""
        return Opinion(kind=kind, version=version, link=link, **self.said(actor))  # type: ignore[arg-type]  # one of four words

    def phase(self, version: int, place: int, phase: str, outcome: str) -> PhaseResult:
        """What rows said."""
        return PhaseResult(version=version, place=place, phase=phase, outcome=outcome, numbers={}, **self.said())  # type: ignore[arg-type]  # words of the record

    def freeze(self, kind: str, *, everything: bool = False) -> Freeze:
        """A freeze or its end."""
        return Freeze(kind=kind, everything=everything, **self.said())  # type: ignore[arg-type]  # one of two words

    def _same(self, version: int) -> dict[str, Any]:
        return {
            **self.said(), "run_id": f"r{version}", "fingerprint": "f", "seal": "s", "decision_digest": f"d{version}",
            "commit": f"c{version}", "trained_on": {}, "metrics": {},
        }  # fmt: skip


@pytest.fixture
def tell() -> Told:
    """Of the model parcels."""
    return Told()
