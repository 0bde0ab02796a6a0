"""The server's process, from its first word to its last answer."""

from __future__ import annotations

import json
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from ratchet.core.ledger_entries import Change, Entry
from ratchet.errors import UsageError
from ratchet.io.ledger import LedgerBranch
from ratchet.serving.server import bound, url_of

PATIENCE = 30.0
SERVE = """
import sys
from pathlib import Path
from ratchet.core.params import parse_params
from ratchet.serving.server import serve

params = parse_params({
    "project": {"name": "flights-late", "room": "flights", "task": "binary", "target": "late"},
    "split": {}, "features": {}, "evaluate": {},
    "model": {"estimator": "hist_gradient_boosting"},
    "gate": {"metric": "log_loss"},
    "serve": {"poll_seconds": 0.05},
})
root = Path(sys.argv[1])
serve(root, params, remote="origin", host="127.0.0.1", port=0, folder=root / "fetched")
print("served")
"""


@contextmanager
def started(project: Path) -> Iterator[subprocess.Popen[str]]:
    """A server for the project; killed at the end if it still runs."""
    command = [sys.executable, "-c", SERVE, str(project)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def promote(project: Path, entry: Entry) -> None:
    """Append the entry's change to the project's ledger."""
    change = Change(**entry.model_dump(include=set(Change.model_fields)))
    LedgerBranch(project, "origin", "ratchet/ledger").append(lambda _entries: change, Entry)


def read_line(process: subprocess.Popen[str]) -> str:
    """What the server says next."""
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def wait_until(true: Callable[[], bool]) -> None:
    """Give up after a while."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.02)


def test_the_printed_command_works(project: Path, make_champion: Callable[..., Entry]) -> None:
    """Once ready, the server says where it is and how to ask it, and asking it like that gives a prediction."""
    promote(project, make_champion(project / "champion"))
    with started(project) as process:
        assert read_line(process).startswith("serving flights-late version 1 at http://127.0.0.1:")
        curl, quiet, url, _header, header, _data, data = shlex.split(read_line(process))
        assert (curl, quiet, _header, _data) == ("curl", "-s", "-H", "-d")
        name, _, value = header.partition(": ")
        answer = httpx.post(url, headers={name: value}, content=data)
        assert answer.json()["model"] == {"name": "flights-late", "version": 1}
        assert len(answer.json()["predictions"]) == 1
        process.send_signal(signal.SIGINT)
        assert (read_line(process), process.wait(PATIENCE)) == ("served", 0)


def test_a_server_without_a_champion_serves_the_first_one(project: Path, make_champion: Callable[..., Entry]) -> None:
    """Started on an empty ledger it answers 503 and says why; after the first promotion it serves, unasked."""
    with started(project) as process:
        first, url = read_line(process), read_line(process).split()[-1]
        assert "no champion has been promoted yet" in first
        assert httpx.get(url).status_code == 503
        promote(project, make_champion(project / "champion"))
        wait_until(lambda: httpx.get(url).status_code == 200)
        assert httpx.get(url).json()["version"] == 1


def test_a_request_that_was_begun_is_answered_before_the_end(
    project: Path, make_champion: Callable[..., Entry]
) -> None:
    """After SIGTERM a request whose body is still on its way is answered, new ones are not taken, and the exit is 0."""
    promote(project, make_champion(project / "champion"))
    body = json.dumps({"rows": [{"delay": 1, "wind": 2, "carrier": "UA", "gate": None}]}).encode()
    head = (
        f"POST /predict HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode()
    with started(project) as process:
        url = httpx.URL(read_line(process).split()[-1])
        address = (url.host, url.port or 0)
        with socket.create_connection(address) as connection:
            connection.sendall(head + body[:10])
            time.sleep(0.2)  # let the server read the first part
            process.terminate()
            wait_until(lambda: refused(address))
            connection.sendall(body[10:])
            answer = connection.makefile("rb").read()
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b'"predictions":[{"probability":' in answer
        assert process.wait(PATIENCE) == 0


def refused(address: tuple[str, int]) -> bool:
    """Whether nobody listens there."""
    try:
        socket.create_connection(address).close()
    except ConnectionRefusedError:
        return True
    return False


def test_a_stop_during_the_first_pull_leaves_nothing_behind(
    project: Path, make_champion: Callable[..., Entry], pull_says: Callable[[Path, str], None]
) -> None:
    """SIGTERM while the first champion is on its way ends the pull too, at once, with exit code 0."""
    promote(project, make_champion(project / "champion"))
    pull_says(
        project,
        "import os, pathlib, time\n"
        "pathlib.Path('started.part').write_text(str(os.getpid())); pathlib.Path('started.part').rename('started')\n"
        "time.sleep(60)",
    )
    with started(project) as process:
        wait_until((project / "started").exists)
        process.terminate()
        assert process.wait(PATIENCE) == 0
    assert not psutil.pid_exists(int((project / "started").read_text(encoding="utf-8")))
    assert list((project / "fetched").iterdir()) == []


def test_a_port_that_is_taken_is_a_usage_error() -> None:
    """The message names the port and the way out, before anything is fetched."""
    with bound("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(UsageError, match=f"port {port} of 127.0.0.1 cannot be had") as caught,
            bound("127.0.0.1", port),
        ):
            pass
    assert "--port 0" in caught.value.next_step


def test_answers_do_not_wait_for_acknowledgements() -> None:
    """Connections are accepted with Nagle's algorithm off: with it on, each answer would take 40 ms."""
    with bound("127.0.0.1", 0) as taken:
        assert taken.proto == socket.IPPROTO_TCP
        assert url_of(taken) == f"http://127.0.0.1:{taken.getsockname()[1]}"
