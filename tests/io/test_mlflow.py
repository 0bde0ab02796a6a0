"""MLflow that cannot be reached or is something else: said at once, with what to do, and never with a password.

What holds of every store is in tests/contracts/registry.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ratchet.errors import ServiceFailed, UsageError
from ratchet.io.mlflow import tracking
from ratchet.io.mlflow_address import artifacts, logged_in, masked

NAME = "flights-late"

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*:DeprecationWarning:mlflow"),
    pytest.mark.filterwarnings("ignore:.*:FutureWarning:mlflow"),
    pytest.mark.filterwarnings("ignore:.*:UserWarning:mlflow"),
]
"""What MLflow says of itself and of its own dependencies."""


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of somebody who takes what is sent and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=20) as server:
        yield int(server.getsockname()[1])


def test_a_store_where_nobody_listens_fails_at_once() -> None:
    """A closed port is an outside failure within seconds, and the message says where."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = time.monotonic()
    with (
        pytest.raises(ServiceFailed, match=rf"MLflow does not answer at http://127\.0\.0\.1:{port}"),
        tracking(f"http://127.0.0.1:{port}", NAME),
    ):
        pytest.fail("a store was opened")
    assert time.monotonic() - started < 5


def test_a_server_that_is_not_mlflow_is_an_outside_failure() -> None:
    """Whatever answers with nonsense is said by its address, not as a crash."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(1000)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(ServiceFailed, match=f"MLflow at {address}"), tracking(address, NAME) as store:
            store.find_run("f1")


def test_a_store_that_is_no_database_is_an_outside_failure(tmp_path: Path) -> None:
    """A file that is not SQLite's is said, and is left alone."""
    (tmp_path / "mlflow.db").write_bytes(b"not a database, but long enough to be looked at" * 30)
    with (
        pytest.raises(ServiceFailed, match="MLflow at sqlite:"),
        tracking(f"sqlite:///{tmp_path}/mlflow.db", NAME) as store,
    ):
        store.find_run("f1")
    assert (tmp_path / "mlflow.db").read_bytes().startswith(b"not a database")


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("postgresql://user:s3cret@db:5432/mlflow", "postgresql://user:***@db:5432/mlflow"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("sqlite:////tmp/x.db", "sqlite:////tmp/x.db"),
    ],
)
def test_a_password_is_never_printed(uri: str, shown: str) -> None:
    """An address in a message is masked."""
    assert masked(uri) == shown


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg", "mysql"])
def test_a_database_where_nobody_listens_fails_at_once(scheme: str) -> None:
    """MLflow would try again for minutes; the message says where, and not the password."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    uri = f"{scheme}://ana:s3cret@127.0.0.1:{port}/mlflow"
    with pytest.raises(ServiceFailed, match=f"127.0.0.1:{port}") as told, tracking(uri, NAME):
        pytest.fail("a store was opened")
    assert "s3cret" not in str(told.value)


def test_a_server_that_does_not_answer_is_given_up(silent: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request has an end, and what is said then names the server."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    address = f"http://127.0.0.1:{silent}"
    with pytest.raises(ServiceFailed, match=f"MLflow at {address}"), tracking(address, NAME) as store:
        store.finished()


def test_a_user_in_the_address_is_one_for_as_long_as_it_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow finds both where it looks, unquoted; afterwards the environment is what it was."""
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "before")
    monkeypatch.delenv("MLFLOW_TRACKING_PASSWORD", raising=False)
    with logged_in("https://ana%40lab:s%2F1@example.org:8443/mlflow") as bare:
        found = [os.environ[f"MLFLOW_TRACKING_{name}"] for name in ("USERNAME", "PASSWORD")]
        assert (bare, found) == ("https://example.org:8443/mlflow", ["ana@lab", "s/1"])
        assert masked(bare, "with s/1 or s%2F1") == "with *** or ***"
    assert os.environ["MLFLOW_TRACKING_USERNAME"] == "before"
    assert "MLFLOW_TRACKING_PASSWORD" not in os.environ


def test_a_database_alone_has_no_place_for_files() -> None:
    """MLflow would put them into the current folder of whoever comes first; a server and SQLite have their own."""
    with pytest.raises(UsageError, match=r"postgresql://ana:\*\*\*@db/mlflow is a database without a server"):
        artifacts("postgresql://ana:s3cret@db/mlflow", NAME)
    assert artifacts("http://127.0.0.1:5000", NAME) is None
    assert artifacts("sqlite:////x/mlflow.db", NAME) == "file:///x/artifacts"
