"""The columns that a table of labels has beside its key; apart from `feature_table`, which loads pandas."""

from __future__ import annotations

from typing import Final

TARGET: Final = "_target"
"""The label; in predictions its number among the model's labels."""
CLUSTER: Final = "_cluster"
"""The name of the rows that share one fate; null where rows are independent."""
