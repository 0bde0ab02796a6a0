"""How far each webhook was told: tags of the registered model, which every machine and every fresh runner sees.

A mark only saves messages from being sent again; who serves, and what is told, the ledger says. A mark that is lost or
that nobody may write costs the receiver a message that it has seen, by an id that it knows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ratchet.io.mlflow_address import logged_in, require_answer
from ratchet.io.mlflow_client import open_client
from ratchet.io.mlflow_errors import HIDDEN, NOT_THERE, PROMOTER, READER, code_of, needs

if TYPE_CHECKING:
    from mlflow import MlflowClient

TAG = "ratchet.webhook."


@dataclass(frozen=True)
class Mark:
    """The number of the last ledger entry that was told; `gone` once the receiver wanted no more."""

    sequence: int
    gone: bool = False


class Marks:
    """The marks of one model."""

    def __init__(self, client: MlflowClient, uri: str, name: str) -> None:
        self._client = client
        self.uri = uri
        self._name = name

    @needs(READER)
    def read(self) -> dict[str, Mark]:
        """All of them, by the webhook's key; a tag that somebody wrote otherwise is none."""
        from mlflow.exceptions import MlflowException

        try:
            tags = self._client.get_registered_model(self._name).tags
        except MlflowException as error:
            if code_of(error) in (*NOT_THERE, HIDDEN):
                return {}
            raise
        found = {name.removeprefix(TAG): _mark(text) for name, text in tags.items() if name.startswith(TAG)}
        return {key: mark for key, mark in found.items() if mark is not None}

    @needs(PROMOTER)
    def write(self, key: str, mark: Mark) -> None:
        """Keep a webhook's mark. Raises UsageError if this user may not, or there is no registered model yet."""
        text = json.dumps({"sequence": mark.sequence, **({"gone": True} if mark.gone else {})})
        self._client.set_registered_model_tag(self._name, f"{TAG}{key}", text)


@contextmanager
def webhook_marks(uri: str, name: str) -> Iterator[Marks]:
    """The marks of the registered model of this name in the store at `uri`. Raises ServiceFailed, UsageError."""
    require_answer(uri)
    with logged_in(uri) as address:
        yield Marks(open_client(address), address, name)


def _mark(text: str) -> Mark | None:
    try:
        body = json.loads(text)
        return Mark(int(body["sequence"]), gone=body.get("gone") is True)
    except (ValueError, KeyError, TypeError):
        return None
