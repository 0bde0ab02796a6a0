"""Real servers on the loopback: PostgreSQL, an S3-compatible store, a web server. Each starts when first asked for."""

from __future__ import annotations

import functools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg
import pytest

SECRET = "s3cr3t/p@ss"  # noqa: S105 - of servers that live as long as the tests; the slash and the @ must be quoted in a URL
PATIENCE_SECONDS = 60
NOBODY = "nobody"
INSTALL = "install PostgreSQL (apt-get install postgresql), whose initdb and pg_ctl the tests start"


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


def free_ports(count: int) -> list[int]:
    """Ports of the loopback that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _postgresql_programs() -> Path:
    """The folder with initdb and pg_ctl: installed, or unpacked from Debian's packages without being root."""
    found = shutil.which("pg_ctl")
    installed = [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    # What root keeps at home, nobody may not run.
    home = "/var/cache" if os.geteuid() == 0 else os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")
    cache = Path(home) / "ratchet-tests" / "postgresql"
    for folder in [*reversed(installed), *cache.glob("usr/lib/postgresql/*/bin")]:
        if (folder / "initdb").is_file():
            return folder
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        pytest.fail(f"PostgreSQL is not here: {INSTALL}")
    return _unpacked(cache)


def _unpacked(cache: Path) -> Path:
    depends = functools.partial(subprocess.run, capture_output=True, text=True, check=False)
    found = depends(["apt-cache", "depends", "postgresql"]).stdout
    server = next((word for word in found.split() if word.startswith("postgresql-") and word[-1].isdigit()), "")
    libraries = [word for word in depends(["apt-cache", "depends", server]).stdout.split() if word.startswith("lib")]
    with tempfile.TemporaryDirectory() as folder:
        done = depends(["apt-get", "download", server, *libraries], cwd=folder)
        if done.returncode or not server:
            pytest.fail(f"PostgreSQL is not here, and apt-get download failed: {done.stderr}\n{INSTALL}")
        for package in Path(folder).glob("*.deb"):
            subprocess.run(["dpkg-deb", "--extract", str(package), str(cache)], check=True)
    return next(iter(cache.glob("usr/lib/postgresql/*/bin")))


def _run_as_somebody(command: Sequence[str], programs: Path) -> None:
    """PostgreSQL refuses to run as root: root lets it run as nobody."""
    user = NOBODY if os.geteuid() == 0 else None
    root = programs.parents[4]
    paths = {"LD_LIBRARY_PATH": os.pathsep.join(str(path) for path in root.glob("usr/lib/*-linux-gnu"))}
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C", **({} if root == Path("/") else paths)}
    done = subprocess.run(command, user=user, env=environment, cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done


@contextmanager
def _gone_with_the_tests(pid: int, places: Sequence[Path]) -> Iterator[None]:
    """Stop a process and remove its files at the end of the block, also if these tests are killed before.

    A shell waits for the end of its input, which the system closes with whatever ends this process.
    """
    wait = 'for _ in 1 2 3 4 5 6 7 8 9; do kill -0 "$1" 2>/dev/null || break; sleep 0.2; done'
    script = f'read -r _; kill -QUIT "$1" 2>/dev/null; {wait}; kill -KILL "$1" 2>/dev/null; shift; rm -rf "$@"'
    watch = subprocess.Popen(
        ["sh", "-c", script, "sh", str(pid), *map(str, places)], stdin=subprocess.PIPE, start_new_session=True
    )
    try:
        yield
    finally:
        watch.communicate()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A server of its own with the password SECRET; yields host and port."""
    programs = _postgresql_programs()
    [port] = free_ports(1)
    base = Path(tempfile.mkdtemp(prefix="ratchet-pg-"))
    data, password = base / "data", base / "password"
    password.write_text(SECRET, encoding="utf-8")
    if os.geteuid() == 0:
        for path in (base, password):
            shutil.chown(path, NOBODY)
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories= -c fsync=off -c jit=off"
    control = [str(programs / "pg_ctl"), "--pgdata", str(data), "--wait"]
    try:
        given = ["--auth=scram-sha-256", "--username=ana", f"--pwfile={password}", "--no-sync", "--encoding=UTF8"]
        _run_as_somebody([str(programs / "initdb"), "--pgdata", str(data), *given], programs)
        _run_as_somebody([*control, "--log", str(base / "log"), "--options", options, "start"], programs)
        with _gone_with_the_tests(int((data / "postmaster.pid").read_text().split()[0]), [base]):
            yield f"127.0.0.1:{port}"
            _run_as_somebody([*control, "--mode=immediate", "stop"], programs)
    finally:
        shutil.rmtree(base, ignore_errors=True)


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


def _sockets(ports: Mapping[str, int]) -> list[Path]:
    """Where SeaweedFS puts its sockets, whatever it is told."""
    kinds = [f"{name.partition('.')[0]}{grpc}-{port}" for name, port in ports.items() for grpc in ("", "-grpc")]
    return [Path("/tmp") / f"seaweedfs-{kind}.sock" for kind in kinds]  # noqa: S108 - it does


@pytest.fixture(scope="session")
def s3_server() -> Iterator[dict[str, str]]:
    """SeaweedFS with one account; yields the variables that reach it."""
    names = [f"{part}.port{kind}" for part in ("master", "volume", "filer", "s3") for kind in ("", ".grpc")]
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    base = Path(tempfile.mkdtemp(prefix="ratchet-s3-"))
    account = {"credentials": [{"accessKey": "AKTEST", "secretKey": SECRET}], "actions": ["Admin"], "name": "ana"}
    (base / "s3.json").write_text(json.dumps({"identities": [account]}), encoding="utf-8")
    quiet = [
        "-master.telemetry=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-s3.iam=false",
        "-volume.max=20",
        "-master.volumeSizeLimitMB=64",
    ]
    here = [f"-dir={base}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-filer.localSocket={base / 'filer.sock'}"]
    places = [f"-{name}={port}" for name, port in ports.items()] + [f"-s3.config={base / 's3.json'}"]
    with (base / "log").open("w", encoding="utf-8") as log:
        server = subprocess.Popen(
            [str(Path(sys.executable).with_name("weed")), "server", "-filer", "-s3", *quiet, *here, *places],
            env={"PATH": os.environ["PATH"], "HOME": str(base)},
            cwd=base,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        with _gone_with_the_tests(server.pid, [base, *_sockets(ports)]):
            try:
                yield {
                    "AWS_ACCESS_KEY_ID": "AKTEST",
                    "AWS_SECRET_ACCESS_KEY": SECRET,
                    "AWS_DEFAULT_REGION": "us-east-1",
                    "AWS_ENDPOINT_URL": f"http://127.0.0.1:{ports['s3.port']}",
                }
            finally:
                server.kill()  # it would take its time to say good-bye
                server.wait()


@pytest.fixture(scope="session")
def object_store(s3_server: dict[str, str]) -> ObjectStore:
    """The server once it takes files, with one bucket, shop."""
    import fsspec  # type: ignore[import-untyped]  # it ships no types

    system = fsspec.filesystem(
        "s3",
        key=s3_server["AWS_ACCESS_KEY_ID"],
        secret=s3_server["AWS_SECRET_ACCESS_KEY"],
        endpoint_url=s3_server["AWS_ENDPOINT_URL"],
        skip_instance_cache=True,
    )
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            system.makedirs("shop", exist_ok=True)
            system.pipe("shop/ready", b"1")
        except OSError:
            assert time.monotonic() < deadline, "the object store did not start"
            time.sleep(0.2)
        else:
            return ObjectStore(environment=s3_server, put=system.pipe, remove=system.rm)


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
