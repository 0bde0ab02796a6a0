"""Real servers on the loopback: PostgreSQL, an S3-compatible store, a web server. Each starts when first asked for."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg
import pytest

REPOSITORY = Path(__file__).parents[2]
if str(REPOSITORY) not in sys.path:
    # The services are beside the package, as the benchmarks are.
    sys.path.append(str(REPOSITORY))

from services.object_store import PORTS  # noqa: E402 - as above
from services.object_store import ObjectStore as SeaweedFS  # noqa: E402
from services.postgresql import PostgreSQL, PostgresqlMissing, programs  # noqa: E402
from services.state import free_ports  # noqa: E402

SECRET = "s3cr3t/p@ss"  # noqa: S105 - of servers that live as long as the tests; the slash and the @ must be quoted in a URL


@dataclass(frozen=True)
class Database:
    """A database of its own, and the URL that a person would put into a variable."""

    url: str
    execute: Callable[[str], None]


@dataclass(frozen=True)
class ObjectStore:
    """An S3-compatible server, and the variables that reach it."""

    environment: dict[str, str]
    put: Callable[[str, bytes], None]
    remove: Callable[[str], None]


@dataclass
class WebServer:
    """A folder on the web. Below /private/ it wants a token; what `broken` names breaks off half way.

    `meanwhile` has by path what happens there while the file is on its way for the first time.
    """

    url: str
    folder: Path
    token: str = SECRET
    broken: set[str] = field(default_factory=set)
    meanwhile: dict[str, Callable[[], None]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)


def _postgresql_programs() -> Path:
    """The folder with initdb and pg_ctl: installed, or unpacked from Debian's packages without being root."""
    with suppress(PostgresqlMissing):
        return programs()
    # What root keeps at home, nobody may not run.
    home = "/var/cache" if os.geteuid() == 0 else os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")
    cache = Path(home) / "ratchet-tests" / "postgresql"
    for folder in cache.glob("usr/lib/postgresql/*/bin"):
        if (folder / "initdb").is_file():
            return folder
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        pytest.fail(str(PostgresqlMissing()))
    return _unpacked(cache)


def _unpacked(cache: Path) -> Path:
    depends = functools.partial(subprocess.run, capture_output=True, text=True, check=False)
    found = depends(["apt-cache", "depends", "postgresql"]).stdout
    server = next((word for word in found.split() if word.startswith("postgresql-") and word[-1].isdigit()), "")
    libraries = [word for word in depends(["apt-cache", "depends", server]).stdout.split() if word.startswith("lib")]
    with tempfile.TemporaryDirectory() as folder:
        done = depends(["apt-get", "download", server, *libraries], cwd=folder)
        if done.returncode or not server:
            pytest.fail(f"apt-get download failed: {done.stderr}\n{PostgresqlMissing()}")
        for package in Path(folder).glob("*.deb"):
            subprocess.run(["dpkg-deb", "--extract", str(package), str(cache)], check=True)
    return next(iter(cache.glob("usr/lib/postgresql/*/bin")))


@contextmanager
def _gone_with_the_tests(pid_files: Sequence[Path], places: Sequence[Path]) -> Iterator[None]:
    """Stop processes and remove their files at the end of the block, also if these tests are killed before.

    A shell waits for the end of its input, which the system closes with whatever ends this process. Each process
    leads a session: what it started goes with it.
    """
    end = (
        'read -r _; while [ "$1" != -- ]; do pid=$(head -n 1 "$1"); shift; [ "$pid" ] || continue; kill -QUIT "$pid"; '
        'for _ in 1 2 3 4 5 6 7 8 9; do kill -0 "$pid" || break; sleep 0.2; done; '
        'kill -KILL "-$pid"; kill -KILL "$pid"; done; shift; rm -rf "$@"'
    )
    watch = subprocess.Popen(
        ["sh", "-c", end, "sh", *map(str, pid_files), "--", *map(str, places)],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        watch.communicate()


@pytest.fixture(scope="session")
def gone_with_the_tests() -> Callable[..., AbstractContextManager[None]]:
    """Stops processes, by the files with their numbers, and removes places, whatever becomes of the tests."""
    return _gone_with_the_tests


@pytest.fixture(scope="session")
def postgresql_programs() -> Path:
    """The folder with PostgreSQL's programs."""
    return _postgresql_programs()


@pytest.fixture(scope="session")
def postgresql(postgresql_programs: Path) -> Iterator[str]:
    """A server of its own with the password SECRET; yields host and port."""
    [port] = free_ports(1)
    base = Path(tempfile.mkdtemp(prefix="ratchet-pg-"))
    password = base / "password"
    password.write_text(SECRET, encoding="utf-8")
    base.chmod(0o755)
    server = PostgreSQL(
        folder=base / "server", port=port, password_file=password, programs=postgresql_programs, durable=False,
        superuser="ana",
    )  # fmt: skip
    with _gone_with_the_tests([server.pid_file], [base]):
        server.start()
        yield f"127.0.0.1:{port}"
        server.stop("immediate")


@pytest.fixture
def database(postgresql: str) -> Iterator[Database]:
    """A fresh database on the server."""
    host, port = postgresql.split(":")
    login = f"host={host} port={port} user=ana password={SECRET}"
    with psycopg.connect(f"{login} dbname=postgres", autocommit=True) as server:
        server.execute("DROP DATABASE IF EXISTS shop")
        server.execute("CREATE DATABASE shop")
    with psycopg.connect(f"{login} dbname=shop", autocommit=True) as connection:
        quoted = SECRET.replace("/", "%2F").replace("@", "%40")
        yield Database(
            url=f"postgresql://ana:{quoted}@{postgresql}/shop",
            execute=lambda statement: _execute(connection, statement),
        )


def _execute(connection: psycopg.Connection, statement: str) -> None:
    connection.execute(statement.encode())


@pytest.fixture(scope="session")
def object_server() -> Iterator[SeaweedFS]:
    """SeaweedFS with one account; it answers a while later."""
    base = Path(tempfile.mkdtemp(prefix="ratchet-s3-"))
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    store = SeaweedFS(folder=base, ports=ports, key="AKTEST", secret=SECRET)
    with _gone_with_the_tests([store.server.pid_file], [base, *store.sockets]):
        store.start()
        yield store
        store.stop(patience=0)


@pytest.fixture(scope="session")
def s3_server(object_server: SeaweedFS) -> dict[str, str]:
    """The variables that reach it."""
    return object_server.environment


@pytest.fixture(scope="session")
def object_store(object_server: SeaweedFS) -> ObjectStore:
    """The server once it takes files, with one bucket, shop."""
    object_server.make_bucket("shop")
    system = object_server.filesystem
    return ObjectStore(environment=object_server.environment, put=system.pipe, remove=system.rm)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[WebServer]:
    """A web server over a folder."""
    folder = tmp_path / "web"
    folder.mkdir()

    class Handler(SimpleHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(super().do_HEAD)

        def do_GET(self) -> None:
            self._answer(super().do_GET)

        def _answer(self, usual: Callable[[], None]) -> None:
            server.asked.append((self.command, self.path))
            if self.path.startswith("/private/") and self.headers["Authorization"] != f"Bearer {server.token}":
                self.send_error(401)
            elif self.command == "GET" and self.path in (*server.broken, *server.meanwhile):
                content = (folder / self.path.lstrip("/")).read_bytes()
                server.meanwhile.pop(self.path, lambda: None)()
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content[: len(content) // (2 if self.path in server.broken else 1)])
            else:
                usual()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
    server = WebServer(url=f"http://127.0.0.1:{listening.server_port}", folder=folder)
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    listening.shutdown()
    thread.join()
    listening.server_close()
