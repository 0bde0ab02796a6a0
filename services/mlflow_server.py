"""MLflow's tracking server with users (its `basic-auth` app). Clients reach files through it, and nothing else."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from services.processes import STOP_SECONDS, Server
from services.state import write_private

ADMIN = "admin"
HEALTH_SECONDS = 2.0
CHECKED_SECONDS = 30
"""How long a checked password is remembered: hashing one takes longer than most requests."""
OWN_NAMES = "localhost,localhost:*,127.0.0.1,127.0.0.1:*"
"""What this machine calls the server, whatever others do."""
BEHAVIOUR = {
    # Without it, every user may make experiments and models, whatever the roles say.
    "MLFLOW_ENABLE_WORKSPACES": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # Clients would be sent to the object store, which only this server reaches.
    "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD": "false",
    "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD": "false",
}


@dataclass(frozen=True, kw_only=True)
class Backing:
    """What stands behind the server: a database, and a bucket with the variables that reach it."""

    database: str
    bucket: str
    store: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Listening:
    """Where it listens, for which names in the address bar, with how many processes."""

    host: str = "127.0.0.1"
    port: int
    names: str = ""
    workers: int = 2


@dataclass(frozen=True, kw_only=True)
class MLflowServer:
    """The server with its log and settings in `folder`; `admin` and `secret` are passwords."""

    folder: Path
    at: Listening
    backing: Backing
    admin: str
    secret: str

    @property
    def server(self) -> Server:
        """Its process."""
        return Server(name="mlflow", folder=self.folder)

    @property
    def url(self) -> str:
        """Its address on this machine."""
        return f"http://127.0.0.1:{self.at.port}"

    def start(self) -> None:
        """Start it; it answers a while later."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        write_private(self._users_file, users_file(self.backing.database))
        names = ["--allowed-hosts", f"{OWN_NAMES},{self.at.names}"] if self.at.names else []
        where = ["--host", self.at.host, "--port", str(self.at.port), "--workers", str(self.at.workers)]
        command = [sys.executable, "-m", "mlflow", "server", "--app-name", "basic-auth", *where, *names]
        self.server.start(command, self._environment, self.at.port)

    def wait(self) -> None:
        """Wait until it answers. Raises ServiceFailed if it does not."""
        self.server.wait(self._answers)

    def stop(self, patience: float = STOP_SECONDS) -> None:
        """Stop it."""
        self.server.stop(patience)

    @property
    def _users_file(self) -> Path:
        return self.folder / "users.ini"

    @property
    def _environment(self) -> dict[str, str]:
        """Passwords go by the environment: a command line is everybody's to read."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "MLFLOW_BACKEND_STORE_URI": self.backing.database,
            "MLFLOW_ARTIFACTS_DESTINATION": f"s3://{self.backing.bucket}",
            "MLFLOW_S3_ENDPOINT_URL": self.backing.store["AWS_ENDPOINT_URL"],
            "MLFLOW_AUTH_CONFIG_PATH": str(self._users_file),
            "MLFLOW_AUTH_ADMIN_USERNAME": ADMIN,
            "MLFLOW_AUTH_ADMIN_PASSWORD": self.admin,
            "MLFLOW_FLASK_SERVER_SECRET_KEY": self.secret,
            **self.backing.store,
            **BEHAVIOUR,
        }

    def _answers(self) -> bool:
        import httpx

        try:
            return httpx.get(f"{self.url}/health", timeout=HEALTH_SECONDS).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False


def users_file(database: str) -> str:
    """What MLflow reads about users: nobody may do anything but by a role."""
    return "\n".join(
        [
            "[mlflow]",
            "default_permission = NO_PERMISSIONS",
            f"database_uri = {database}",
            f"auth_cache_ttl_seconds = {CHECKED_SECONDS}",
            "",
        ]
    )
