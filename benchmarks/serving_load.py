"""Asking an HTTP server: how long each answer takes, how many a second there are, and what they cost its processes.

One client on one connection measures latency; several at once measure how many answers a second there are. The client
is as plain as can be, as it shares the machine with the server.
"""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import psutil

HEADERS = {"content-type": "application/json"}
TIMEOUT_SECONDS = 120


@dataclass
class Load:
    """What was seen of one server with one kind of request, over all rounds."""

    seconds: list[float] = field(default_factory=list)
    """Of each answer, one client asking."""
    rates: list[float] = field(default_factory=list)
    """Answers a second in each round, all clients asking."""
    cpu: float = 0.0
    """Seconds of the server's processes, for all `asked` requests."""
    asked: int = 0


@dataclass(frozen=True, kw_only=True)
class Target:
    """A running server; `settle` waits until it has nothing left to do for requests that it has answered."""

    name: str
    url: str
    pid: int
    settle: Callable[[], None]

    def client(self) -> http.client.HTTPConnection:
        """A connection that stays open."""
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def cpu(self) -> float:
        """Seconds that its processes have used so far, with those that have ended."""
        server = psutil.Process(self.pid)
        every = [server, *server.children(recursive=True)]
        return sum(sum(each.cpu_times()[:4]) for each in every)


def ask(client: http.client.HTTPConnection, body: bytes) -> bytes:
    """The answer to one request. Raises RuntimeError unless it is a 200."""
    client.request("POST", "/invocations", body, HEADERS)
    answer = client.getresponse()
    content = answer.read()
    if answer.status != http.client.OK:
        raise RuntimeError(f"the server answered {answer.status}: {content[:500].decode(errors='replace')}")
    return content


def measure(target: Target, body: bytes, load: Load, *, requests: int, clients: int) -> None:
    """One round: `requests` by one client, then as many by all clients together."""
    client = target.client()
    for _ in range(3):
        ask(client, body)
    target.settle()
    before = target.cpu()
    load.seconds += [_timed(client, body) for _ in range(requests)]
    client.close()
    load.rates.append(_rate(target, body, requests // clients, clients))
    load.asked += requests + requests // clients * clients
    target.settle()
    load.cpu += target.cpu() - before


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def _timed(client: http.client.HTTPConnection, body: bytes) -> float:
    begun = time.perf_counter()
    ask(client, body)
    return time.perf_counter() - begun


def _rate(target: Target, body: bytes, each: int, clients: int) -> float:
    connections = [target.client() for _ in range(clients)]
    threads = [threading.Thread(target=_ask_often, args=(connection, body, each)) for connection in connections]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return each * clients / (time.perf_counter() - begun)


def _ask_often(client: http.client.HTTPConnection, body: bytes, times: int) -> None:
    for _ in range(times):
        ask(client, body)
    client.close()
