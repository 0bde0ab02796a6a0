"""Which findings are about the schema, and which are about the data: no change of a schema may hide the latter."""

from __future__ import annotations

from ratchet.core.validation import refusal
from ratchet.core.validation.records import Finding
from ratchet.core.validation.releases import UNREADABLE

ADJUSTABLE = frozenset((*refusal.ADJUSTABLE, "wrong-type"))
"""Rules whose declaration in the schema may be too narrow."""
FIXED = UNREADABLE | {
    *("all-missing", "period-name", "quarantine-share"),
    *("infinite", "mojibake", "control-character", "relation", "outside-period", "future"),
    *("duplicate-row", "key-not-unique"),
}
"""Rules of the schema that are not widened: what breaks them is wrong, or a person has to say otherwise."""
DOUBTS = frozenset(
    (
        *("unit-change", "decimal-shift", "sign-flip", "swapped-columns", "swapped-dates", "shifted-clock"),
        *("constant", "default-value", "spelling-change", "padded-text"),
    )
)
"""Anomalies that put all values of a column in doubt: no rule on it is widened while nobody has released them."""
WHY: dict[str, str] = {
    "unknown-column": "batches that are here do not have the column, and would be refused",
    "missing-column": "batches that are here have the column, and features may read it",
    "all-missing": "a column without any value is what a failed join leaves",
    "mojibake": "the text was decoded wrongly: the right encoding mends it",
    "control-character": "no text has such characters: something else was read as text",
    "infinite": "no later stage can take an infinite number",
    "relation": "the row contradicts itself; a relation that is wrong is changed by hand",
    "outside-period": "the row belongs to another batch",
    "future": "the row cannot be from later than it came",
    "key-not-unique": "rows with one key say different things: one of them is wrong, or the key is",
    "duplicate-row": "a row that is there twice counts twice",
    "period-name": "the batch needs a name that says its period",
    "constant": "a column that stopped to vary is a broken source",
    "swapped-columns": "two columns have changed places",
    "unit-change": "the values are in another unit",
    "decimal-shift": "the decimal point has moved",
    "sign-flip": "the sign has turned round",
}
"""Why a schema is not widened for what breaks a rule."""


def is_anomaly(finding: Finding) -> bool:
    """Whether the finding is from a look at what batches are like, not from the schema.

    Where it refuses a batch, nothing but a release lets it pass.
    """
    return finding.rule not in ADJUSTABLE | FIXED


def why_not(rule: str) -> str:
    """Why a schema is not changed for what breaks the rule."""
    return WHY.get(rule, "it is about this batch, not about what the schema says")
