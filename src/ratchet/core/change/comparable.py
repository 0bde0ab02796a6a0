"""Whether another model may be compared with this one on the rows that judge here."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ratchet.core.clusters import Floats, usable
from ratchet.core.model_record import ModelRecord
from ratchet.errors import DataRefused

GATE = "the gate still compares with the champion"


def require_comparable(base: ModelRecord, change: ModelRecord, holdout: Mapping[str, str]) -> None:
    """Check the base's model against the change's and against `holdout`: the digest of each held-out batch by name.

    Raises DataRefused if the base predicts something else, either model has learned from rows that judge, or the base
    belongs to another room, whose code nobody can ask for features of these rows.
    """
    if (base.task, base.labels) != (change.task, change.labels):
        raise DataRefused(
            f"the base predicts {_task(base)}, this change {_task(change)}: their losses cannot be compared",
            next_step=GATE,
        )
    for whose, record in (("the base's model", base), ("this change's model", change)):
        if seen := _seen(record, holdout):
            raise DataRefused(
                f"{whose} was trained on {', '.join(seen)}, which is held out here: it has seen the answers",
                next_step="hold out a batch that neither has seen",
            )
    theirs, ours = base.recipe.project.room, change.recipe.project.room
    if theirs != ours:
        raise DataRefused(
            f"the base's room is src/{theirs}, this change's is src/{ours}: "
            "one room's code cannot make features from the other's rows",
            next_step=GATE,
        )


def require_finite(losses: Floats, what: str) -> Floats:
    """Return the (n,) losses if each is a number. Raises DataRefused that counts the others: no difference is one."""
    if bad := int(np.sum(~usable(losses))):
        raise DataRefused(
            f"{what} is not finite on {bad:,} of the {len(losses):,} rows that are held out", next_step=GATE
        )
    return losses


def _seen(record: ModelRecord, holdout: Mapping[str, str]) -> list[str]:
    """By name, and by content under another name."""
    learned = set(record.trained_on.values())
    return [name for name, digest in holdout.items() if name in record.trained_on or digest in learned]


def _task(record: ModelRecord) -> str:
    return f"{record.task} ({', '.join(record.labels)})" if record.labels else record.task
