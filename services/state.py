"""The folder that the services keep: ports, passwords, data. Only its owner can read it, and git never sees it."""

from __future__ import annotations

import json
import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PORTS = "ports.json"
PASSWORDS = "passwords"
PASSWORD_BYTES = 24
"""192 bits: nobody types them."""


@dataclass(frozen=True, kw_only=True)
class State:
    """One set of services. What is asked for twice is the same twice, also after a restart."""

    folder: Path

    def make(self) -> None:
        """Make the folder. PostgreSQL, which root must let somebody else run, passes through it and reads nothing."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o711 if os.geteuid() == 0 else 0o700)

    def password(self, name: str) -> str:
        """The password called `name`; made on the first call."""
        path = self.password_file(name)
        if not path.is_file():
            path.parent.mkdir(mode=0o700, exist_ok=True)
            write_private(path, secrets.token_urlsafe(PASSWORD_BYTES) + "\n")
        return path.read_text(encoding="utf-8").strip()

    def password_file(self, name: str) -> Path:
        """Where the password called `name` is."""
        return self.folder / PASSWORDS / name

    def ports(self, usual: Mapping[str, int | None], given: Mapping[str, int]) -> dict[str, int]:
        """A port by name: the given one, else that of the last time, else the usual one, else a free one."""
        kept = {**{name: port for name, port in usual.items() if port}, **self._kept_ports(), **given}
        missing = [name for name in usual if name not in kept]
        kept.update(zip(missing, free_ports(len(missing)), strict=True))
        (self.folder / PORTS).write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
        return kept

    def _kept_ports(self) -> dict[str, int]:
        path = self.folder / PORTS
        kept: dict[str, int] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        return kept


def free_ports(count: int) -> list[int]:
    """Ports of the loopback that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, from its first byte on."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
