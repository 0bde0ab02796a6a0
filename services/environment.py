"""What a person or a program needs to use the services: an address, a name, a password."""

from __future__ import annotations

import shlex
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from services.state import State, write_private

ADDRESS = "MLFLOW_TRACKING_URI"


def exports(state: State, url: str, role: str) -> str:
    """Lines for a shell. They name the file with the password and not the password."""
    file = shlex.quote(str(state.password_file(role)))
    return "\n".join(
        [
            f"export {ADDRESS}={url}",
            f"export MLFLOW_TRACKING_USERNAME={role}",
            f'export MLFLOW_TRACKING_PASSWORD="$(cat {file})"',
        ]
    )


def address(state: State, url: str, role: str) -> str:
    """The address with user and password in it."""
    parts = urlsplit(url)
    login = f"{quote(role, safe='')}:{quote(state.password(role), safe='')}"
    return urlunsplit(parts._replace(netloc=f"{login}@{parts.netloc}"))


def write_env(path: Path, address: str) -> None:
    """Name the address in a project's `.ratchet/env`; its other lines stay, and only its owner can read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    others = [line for line in lines if line.partition("=")[0].strip() != ADDRESS]
    write_private(path, "\n".join([*others, f"{ADDRESS}={address}", ""]))
