"""A request that cannot be answered, and why: a result for the caller, never a crash of the server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ratchet.core.schema import ROWS
from ratchet.errors import UsageError, Violation

FIELDS_SHOWN = 20
"""How many broken fields an answer lists, however many there are."""


class RequestRefused(UsageError):
    """`status` is the HTTP status; `violations` name the fields that broke a rule, if fields did.

    `summary` is the message without them.
    """

    def __init__(
        self, message: str, *, next_step: str, status: int = 400, violations: Sequence[Violation] = ()
    ) -> None:
        shown = violations[:FIELDS_SHOWN]
        more = f"; and {len(violations) - FIELDS_SHOWN} more" if len(violations) > FIELDS_SHOWN else ""
        broken = "; ".join(f"{violation}" for violation in shown)
        super().__init__(f"{message}: {broken}{more}" if broken else message, next_step=next_step)
        self.summary = message
        self.status = status
        self.violations = tuple(violations)

    def body(self) -> dict[str, Any]:
        """What the caller is told, as a JSON object."""
        fields = [
            {
                **({"table": broken.table} if broken.table != ROWS else {}),
                "field": broken.column,
                "rule": broken.rule,
                "rows": broken.count,
                "examples": list(broken.examples),
            }
            for broken in self.violations[:FIELDS_SHOWN]
        ]
        return {"error": self.message, "fields": fields, "next": self.next_step}
