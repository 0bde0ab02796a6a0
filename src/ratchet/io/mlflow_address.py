"""The address of MLflow's store: whether anybody answers there, and how it is shown. Nothing here imports MLflow."""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.parse import urlsplit

from ratchet.errors import ServiceFailed
from ratchet.io.sources.secrets import Secrets

CONNECT_SECONDS = 3.0
SQLITE = "sqlite:///"


def masked(uri: str, text: object = None) -> str:
    """What is said about the store at `uri`, by default its address, without its password."""
    return Secrets((urlsplit(uri).password or "",)).masked(uri if text is None else text)


def require_answer(uri: str) -> None:
    """Raises ServiceFailed if nobody answers; a folder for an SQLite file is made."""
    parts = urlsplit(uri)
    if parts.scheme == "sqlite":
        _make_folder(Path(uri.removeprefix(SQLITE)).parent)
        return
    if parts.scheme not in ("http", "https"):
        return
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=CONNECT_SECONDS).close()
    except OSError as error:
        raise ServiceFailed(
            f"MLflow does not answer at {masked(uri)}: {error}",
            next_step="start it or mend MLFLOW_TRACKING_URI, then run the same command again; nothing is lost",
        ) from error


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ServiceFailed(
            f"MLflow's database cannot be in {folder}: {error.strerror}", next_step="mend MLFLOW_TRACKING_URI"
        ) from error


def artifacts(uri: str) -> str | None:
    """Where artifacts go: beside an SQLite file; None for a server, which has its own place."""
    if not uri.startswith(SQLITE):
        return None
    return (Path(uri.removeprefix(SQLITE)).resolve().parent / "artifacts").as_uri()
