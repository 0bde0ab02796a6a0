"""PostgreSQL on the loopback: made, started, stopped, and told of its databases. Root lets somebody else run it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ratchet.errors import ServiceFailed

SUPERUSER = "postgres"
NOBODY = "nobody"
INSTALL = "sudo apt-get install postgresql (Debian, Ubuntu); brew install postgresql (macOS); or use compose.yaml"
DEBIAN = Path("/usr/lib/postgresql")
"""Where Debian keeps programs that it does not put on the PATH."""


class PostgresqlMissing(ServiceFailed):
    """PostgreSQL is not installed."""

    def __init__(self) -> None:
        super().__init__("PostgreSQL is not here: no initdb and pg_ctl", next_step=INSTALL)


def programs() -> Path:
    """The folder with initdb and pg_ctl, the newest if there are several. Raises PostgresqlMissing."""
    found = shutil.which("pg_ctl")
    installed = sorted(DEBIAN.glob("*/bin"), key=lambda folder: float(folder.parent.name))
    on_path = [Path(found).resolve().parent] if found else []
    for folder in [*on_path, *reversed(installed)]:
        if (folder / "initdb").is_file():
            return folder
    raise PostgresqlMissing


@dataclass(frozen=True, kw_only=True)
class PostgreSQL:
    """A server with its data in `folder`, which its superuser reaches by the password in `password_file`."""

    folder: Path
    port: int
    password_file: Path
    programs: Path
    superuser: str = SUPERUSER
    durable: bool = True
    """False for tests, which need nothing after a power cut."""

    @property
    def data(self) -> Path:
        """What PostgreSQL keeps."""
        return self.folder / "data"

    @property
    def pid_file(self) -> Path:
        """Its first line is the number of the process, which may have been killed without a last word."""
        return self.data / "postmaster.pid"

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self.data.is_dir() and self._run([*self._control, "status"]).returncode == 0

    def start(self) -> None:
        """Start it, made first if it is new; wait until it answers. Raises ServiceFailed."""
        if not self.data.is_dir():
            self._make()
        options = f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories= -c jit=off"
        options += "" if self.durable else " -c fsync=off"
        log = self.folder / "log"
        self._must([*self._control, "--log", str(log), "--options", options, "start"], f"read {log}")

    def stop(self, mode: str = "fast") -> None:
        """Stop it; what it was doing is undone. `immediate` is for data that nobody needs."""
        if self.running:
            self._must([*self._control, f"--mode={mode}", "stop"], f"read {self.folder / 'log'}")

    @property
    def _control(self) -> list[str]:
        return [str(self.programs / "pg_ctl"), "--pgdata", str(self.data), "--wait"]

    def _make(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        password = self.folder / "password"
        shutil.copyfile(self.password_file, password)
        password.chmod(0o600)
        if os.geteuid() == 0:
            for path in (self.folder, password):
                shutil.chown(path, NOBODY)
        given = ["--auth=scram-sha-256", f"--username={self.superuser}", f"--pwfile={password}", "--encoding=UTF8"]
        given += [] if self.durable else ["--no-sync"]
        try:
            self._must(
                [str(self.programs / "initdb"), "--pgdata", str(self.data), *given],
                f"make {self.folder} a folder that {NOBODY if os.geteuid() == 0 else 'you'} can write to",
            )
        finally:
            password.unlink()

    def _must(self, command: Sequence[str], next_step: str) -> None:
        done = self._run(command)
        if done.returncode:
            said = (done.stderr or done.stdout).strip()
            raise ServiceFailed(f"PostgreSQL: {Path(command[0]).name} failed: {said}", next_step=next_step)

    def _run(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """PostgreSQL refuses to run as root: root lets it run as nobody."""
        user = NOBODY if os.geteuid() == 0 else None
        root = self.programs.parents[4] if len(self.programs.parents) > 4 else Path("/")
        unpacked = {"LD_LIBRARY_PATH": os.pathsep.join(str(path) for path in root.glob("usr/lib/*-linux-gnu"))}
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C", **({} if root == Path("/") else unpacked)}
        return subprocess.run(command, user=user, env=environment, cwd="/", capture_output=True, text=True, check=False)


def make_database(login: str, name: str, password: str) -> None:
    """Make a database and its owner, who has the same name, where they are missing; the password is set in any case."""
    import psycopg
    from psycopg import sql

    owner = sql.Identifier(name)
    with psycopg.connect(f"{login} dbname=postgres", autocommit=True) as server:
        known = server.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone()
        verb = sql.SQL("ALTER" if known else "CREATE")
        server.execute(sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(verb, owner, sql.Literal(password)))
        if not server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            server.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(owner, owner))
