"""Webhooks end to end: a real server, MLflow's own tags, and commands that end as they would without either."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.loop.conftest import Sandbox

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("small")]

SECRET = {"RATCHET_WEBHOOK_SECRET": "whsec_" + "A" * 43 + "="}


class Listener(ThreadingHTTPServer):
    """Notes the ids and types of what arrives, and says `status`."""

    got: list[tuple[str, str]]
    status = 204


@pytest.fixture
def listener() -> Iterator[Listener]:
    """On 127.0.0.1."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.got.append((self.headers["webhook-id"], body["type"]))
            self.send_response(server.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    with Listener(("127.0.0.1", 0), Handler) as server:
        server.got = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_what_is_written_is_told_once_whoever_comes_first(recorded: Sandbox, listener: Listener) -> None:
    """A failed delivery fails no promotion; the next command makes it good; another machine does not repeat it."""
    url = f"http://127.0.0.1:{listener.server_port}/hook"
    recorded.set_params(promotion={"webhooks": [{"url": url}]})
    without = recorded.ratchet("register")
    assert (without.code, "RATCHET_WEBHOOK_SECRET is not set here" in without.error) == (0, True)
    listener.status = 500
    promoted = recorded.ratchet("promote", env=SECRET)
    assert (promoted.code, "was not told: registered (entry 1): it answered 500" in promoted.error) == (0, True)
    listener.status, listener.got = 204, []
    frozen = recorded.ratchet("freeze", "--reason", "audit", env=SECRET)
    assert frozen.error == "webhook 127.0.0.1 was told: registered (entry 1), promoted (entry 2), frozen (entry 3)\n"
    assert [name for _, name in listener.got] == ["registered", "promoted", "frozen"]
    assert recorded.ratchet("notify", env=SECRET).out == "webhook 127.0.0.1 knows all there is\n"
    again = recorded.ratchet("notify", "--since", "3", env=SECRET)
    assert (again.code, listener.got[-1]) == (0, listener.got[2])
