"""Which rows people may look at: every number, slice and picture of a report is of these. Decided here alone.

Where the policy seals the held-out batches, they are the open rows of the training batches; else the held-out ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from pydantic import Field

from ratchet.core.findings import Finite
from ratchet.core.model_record import ModelRecord
from ratchet.core.params import Params
from ratchet.core.split import Plan
from ratchet.errors import DataRefused

Kind = Literal["open", "holdout"]
OPEN: Final = "open"
HOLDOUT: Final = "holdout"


class LookedAt(Finite):
    """The rows that an evaluation shows numbers of."""

    kind: Kind = Field(
        description="open: rows of training batches that no model is trained on; holdout: newest batches"
    )
    batches: Mapping[str, str] = Field(description="those that have such rows, each with the SHA-256 of its features")
    rows: int
    clusters: int | None = Field(description="None where rows are said to be independent")

    @property
    def text(self) -> str:
        """'1,204 open rows of 2013-01 to 2013-06', '28,110 rows of 2013-07'."""
        names = list(self.batches)
        if self.kind == HOLDOUT:
            return f"{self.rows:,} rows of {', '.join(names)}"
        return f"{self.rows:,} open rows of {' to '.join(dict.fromkeys([names[0], names[-1]]))}"


def kind_of(params: Params) -> Kind:
    """Which rows are looked at."""
    return OPEN if params.sealed else HOLDOUT


def batches_of(plan: Plan, params: Params) -> tuple[str, ...]:
    """The batches that rows to look at may lie in."""
    return plan.train if kind_of(params) == OPEN else plan.holdout


def require_unseen(record: ModelRecord, *, looked_at: LookedAt, share: float, dealt_by: str) -> None:
    """Raises DataRefused if the model of `record` was trained on rows that are looked at.

    `share` and `dealt_by` (`open_split.dealt_by`) say how the open rows are dealt now. What a smaller share opens is
    part of what a larger one does: a model that was trained under a larger share has not seen these rows either.
    """
    if looked_at.kind == OPEN:
        if record.open < share or record.open_by != dealt_by:
            then = f"split.open {record.open:g}, dealt by {record.open_by}" if record.open else "no split.open"
            raise DataRefused(
                f"it was trained on rows that are open now: it had {then}; now it is {share:g}, by {dealt_by}",
                next_step="a model that is trained with the present params.yaml can be compared",
            )
        return
    learned = set(record.trained_on.values())
    seen = [name for name, digest in looked_at.batches.items() if name in record.trained_on or digest in learned]
    if seen:
        raise DataRefused(f"it was trained on {', '.join(seen)}, which judges here: it has seen the answers")
