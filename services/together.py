"""The three servers as one: started in order, stopped in the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from services import postgresql, roles
from services.mlflow_server import ADMIN, Backing, Listening, MLflowServer
from services.object_store import PORTS, ObjectStore
from services.postgresql import SUPERUSER, PostgreSQL, make_database
from services.processes import STOP_SECONDS
from services.state import State

DATABASE = "mlflow"
"""With runs, registry and users; its owner has the same name."""
BUCKET = "mlflow"
ACCOUNT = "mlflow"
DATABASE_PASSWORD, STORE_PASSWORD, CSRF = "database", "s3", "csrf"
"""Names of passwords; those of users have the users' names."""
PORT = 5000


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is asked for; a port of None is the one of the last time, or 5000."""

    port: int | None = None
    host: str = "127.0.0.1"
    names: str = ""
    workers: int = 2
    models: Sequence[str] = ()
    durable: bool = True
    programs: Path | None = None
    """Where PostgreSQL's programs are, for whom they are not where one looks."""


@dataclass(frozen=True, kw_only=True)
class Services:
    """All three."""

    state: State
    database: PostgreSQL
    store: ObjectStore
    mlflow: MLflowServer
    models: Sequence[str] = ()

    def start(self, say: Callable[[str], None]) -> None:
        """Start what does not run, wait until each answers, make what is missing in it. Raises ServiceFailed.

        `say` hears a line about each once it answers.
        """
        if self.store.server.pid is None:
            self.store.start()
        self._start_database()
        say(f"PostgreSQL  127.0.0.1:{self.database.port}")
        if self.mlflow.server.pid is None:
            self.mlflow.start()
        self.store.make_bucket(BUCKET)
        say(f"S3          {self.store.environment['AWS_ENDPOINT_URL']}  bucket {BUCKET}")
        self.mlflow.wait()
        passwords = {role: self.state.password(role) for role in roles.GRANTS}
        with roles.Administrator(self.mlflow.url, ADMIN, self.mlflow.admin) as administrator:
            roles.set_up(administrator, passwords, self.models)
        say(f"MLflow      {self.mlflow.url}  users {ADMIN}, {', '.join(roles.GRANTS)}")

    def stop(self, *, data_needed: bool = True) -> None:
        """Stop all three; their data stays, whole only if it is needed."""
        patience = STOP_SECONDS if data_needed else 0
        self.mlflow.stop(patience)
        self.store.stop(patience)
        self.database.stop("fast" if data_needed else "immediate")

    @property
    def url(self) -> str:
        """MLflow's address on this machine."""
        return self.mlflow.url

    def status(self) -> list[str]:
        """A line about each: whether it runs."""
        running = {
            "PostgreSQL": self.database.running,
            "S3": self.store.server.pid is not None,
            "MLflow": self.mlflow.server.pid is not None,
        }
        return [f"{name:<11} {'runs' if runs else 'does not run'}" for name, runs in running.items()]

    def _start_database(self) -> None:
        if not self.database.running:
            self.database.start()
        login = f"host=127.0.0.1 port={self.database.port} user={SUPERUSER} password={self.state.password(SUPERUSER)}"
        make_database(login, DATABASE, self.state.password(DATABASE_PASSWORD))


def services_in(folder: Path, wanted: Wanted) -> Services:
    """The services that keep their state in `folder`, which is made. Raises PostgresqlMissing."""
    state = State(folder=folder.resolve())
    programs = wanted.programs or postgresql.programs()
    state.make()
    given = {} if wanted.port is None else {"mlflow": wanted.port}
    ports = state.ports({"mlflow": PORT, **dict.fromkeys(("postgresql", *PORTS))}, given)
    state.password(SUPERUSER)
    database = PostgreSQL(
        folder=state.folder / "postgresql",
        port=ports["postgresql"],
        password_file=state.password_file(SUPERUSER),
        programs=programs,
        durable=wanted.durable,
    )
    store = ObjectStore(folder=state.folder / "s3", ports=ports, key=ACCOUNT, secret=state.password(STORE_PASSWORD))
    login = f"{DATABASE}:{quote(state.password(DATABASE_PASSWORD), safe='')}"
    backing = Backing(
        database=f"postgresql+psycopg://{login}@127.0.0.1:{database.port}/{DATABASE}",
        bucket=BUCKET,
        store=store.environment,
    )
    mlflow = MLflowServer(
        folder=state.folder / "mlflow",
        at=Listening(host=wanted.host, port=ports["mlflow"], names=wanted.names, workers=wanted.workers),
        backing=backing,
        admin=state.password(ADMIN),
        secret=state.password(CSRF),
    )
    return Services(state=state, database=database, store=store, mlflow=mlflow, models=wanted.models)
