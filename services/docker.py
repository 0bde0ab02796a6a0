"""The same three servers in containers: compose.yaml, with the passwords of `State` and the same users and roles."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ratchet.errors import ServiceFailed
from services import roles
from services.mlflow_server import ADMIN
from services.state import State, write_private
from services.together import CSRF, DATABASE_PASSWORD, PORT, STORE_PASSWORD, Wanted

COMPOSE = Path(__file__).parents[1] / "compose.yaml"
WAIT_SECONDS = 300
"""How long Docker waits until all three answer; building the image comes before that."""


@dataclass(frozen=True, kw_only=True)
class Containers:
    """The services of compose.yaml."""

    state: State
    port: int
    wanted: Wanted

    @property
    def url(self) -> str:
        """MLflow's address on this machine."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, say: Callable[[str], None]) -> None:
        """Build what is missing, start, wait, make users and roles. Raises ServiceFailed."""
        write_private(self._variables, self.variables())
        self._compose(["up", "--build", "--detach", "--wait", "--wait-timeout", str(WAIT_SECONDS)])
        passwords = {role: self.state.password(role) for role in roles.GRANTS}
        with roles.Administrator(self.url, ADMIN, self.state.password(ADMIN)) as administrator:
            roles.set_up(administrator, passwords, self.wanted.models)
        say(f"MLflow      {self.url}  users {ADMIN}, {', '.join(roles.GRANTS)}")

    def stop(self) -> None:
        """Stop them; their volumes stay."""
        self._compose(["stop"])

    def status(self) -> list[str]:
        """Nothing: Docker prints what runs."""
        self._compose(["ps"])
        return []

    def variables(self) -> str:
        """What compose.yaml asks for, as lines NAME=value."""
        known = {
            "RATCHET_ADMIN_PASSWORD": self.state.password(ADMIN),
            "RATCHET_DATABASE_PASSWORD": self.state.password(DATABASE_PASSWORD),
            "RATCHET_S3_PASSWORD": self.state.password(STORE_PASSWORD),
            "RATCHET_CSRF_SECRET": self.state.password(CSRF),
            "RATCHET_HOST": self.wanted.host,
            "RATCHET_PORT": str(self.port),
            **({"RATCHET_NAMES": self.wanted.names} if self.wanted.names else {}),
        }
        return "".join(f"{name}={value}\n" for name, value in known.items())

    @property
    def _variables(self) -> Path:
        return self.state.folder / "compose.env"

    def _compose(self, command: Sequence[str]) -> None:
        docker = shutil.which("docker")
        if docker is None:
            raise ServiceFailed("Docker is not here", next_step="install it, or without it: make services")
        files = ["--file", str(COMPOSE), "--env-file", str(self._variables)]
        if subprocess.run([docker, "compose", *files, *command], check=False).returncode:
            raise ServiceFailed(
                f"docker compose {command[0]} failed, and said why above",
                next_step=f"docker compose --file {COMPOSE} --env-file {self._variables} logs",
            )


def containers_in(folder: Path, wanted: Wanted) -> Containers:
    """The containers whose passwords are in `folder`, which is made."""
    state = State(folder=folder.resolve())
    state.make()
    given = {} if wanted.port is None else {"mlflow": wanted.port}
    return Containers(state=state, port=state.ports({"mlflow": PORT}, given)["mlflow"], wanted=wanted)
