"""The address of MLflow's store: whether anybody answers there, who asks, and how it is shown. Imports no MLflow."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ratchet.errors import ServiceFailed, UsageError
from ratchet.io.sources.secrets import Secrets, bare

CONNECT_SECONDS = 3.0
SQLITE = "sqlite:///"
USERNAME, PASSWORD = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"
SERVERS = {"http": 80, "https": 443}
DATABASES = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}
"""What answers at an address, with the port where none is named."""


def masked(uri: str, text: object = None) -> str:
    """What is said about the store at `uri`, by default its address, without its password."""
    known = (urlsplit(uri).password or "", os.environ.get(PASSWORD, ""))
    return Secrets(known).masked(uri if text is None else text)


@contextmanager
def logged_in(uri: str) -> Iterator[str]:
    """The address of a server without the user and password in it, which MLflow finds in its variables meanwhile."""
    parts = urlsplit(uri)
    if parts.scheme not in SERVERS or parts.username is None:
        yield uri
        return
    before = {name: os.environ.get(name) for name in (USERNAME, PASSWORD)}
    os.environ.update({USERNAME: unquote(parts.username), PASSWORD: unquote(parts.password or "")})
    try:
        yield bare(uri)
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            os.environ.update({} if value is None else {name: value})


def require_answer(uri: str) -> None:
    """Raises ServiceFailed if nobody answers; a folder for an SQLite file is made."""
    parts = urlsplit(uri)
    if parts.scheme == "sqlite":
        _make_folder(Path(uri.removeprefix(SQLITE)).parent)
        return
    usual = {**SERVERS, **DATABASES}.get(parts.scheme.partition("+")[0])
    if usual is None or parts.hostname is None:
        return
    try:
        socket.create_connection((parts.hostname, parts.port or usual), timeout=CONNECT_SECONDS).close()
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


def artifacts(uri: str, name: str) -> str | None:
    """Where the files of a new experiment go: beside an SQLite file; None for a server, which has its own place.

    Raises UsageError for another database: MLflow would put them into whatever folder this command runs in.
    """
    if urlsplit(uri).scheme.partition("+")[0] in DATABASES:
        raise UsageError(
            f"MLflow at {masked(uri)} is a database without a server: no place is known for the files of {name!r}",
            next_step=f"use a server (docs/services.md), or: mlflow experiments create -n {name} -l s3://bucket/folder",
        )
    if not uri.startswith(SQLITE):
        return None
    return (Path(uri.removeprefix(SQLITE)).resolve().parent / "artifacts").as_uri()
