"""Which feature each column comes from that preprocessing hands to the estimator.

Every step of `ratchet.core.preprocess.transformer` makes each of its columns from one feature, feature by feature in
their order: what a model owes to a feature is the sum over its columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ratchet.errors import UsageError

if TYPE_CHECKING:
    from sklearn.compose import ColumnTransformer


def column_sources(preprocess: ColumnTransformer) -> list[str]:
    """The feature of each column of a fitted transformer's output.

    Raises UsageError for a step of another making, whose columns cannot be told apart.
    """
    found: dict[int, str] = {}
    for name, step, features in preprocess.transformers_:
        place = preprocess.output_indices_[name]
        widths = _widths(step, len(features), place.stop - place.start)
        if sum(widths) != place.stop - place.start:
            raise UsageError(
                f"preprocessing step {name} makes {place.stop - place.start} columns of {len(features)} features: "
                "which column is whose is not known",
                next_step="ratchet analyse shows what can be said without it: permutation importance and dependence",
            )
        found |= dict(enumerate(_repeated(features, widths), start=place.start))
    return [found[place] for place in sorted(found)]


def _widths(step: Any, features: int, columns: int) -> list[int]:
    """How many columns each feature has: one-hot columns by their categories, all others alike."""
    last = step[-1] if hasattr(step, "steps") else step
    if type(last).__name__ == "OneHotEncoder":
        rare = last.infrequent_categories_ if last.min_frequency or last.max_categories else [None] * features
        return [
            len(names) if few is None else len(names) - len(few) + 1
            for names, few in zip(last.categories_, rare, strict=True)
        ]
    return [columns // features] * features if features else []


def _repeated(features: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    for feature, width in zip(features, widths, strict=True):
        yield from [feature] * width
