"""What a condition may speak of: whose numbers, the task's metrics, and what a model costs."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, get_args

Whose = Literal["challenger", "champion", "gain"]
WHOSE: tuple[Whose, ...] = get_args(Whose)
"""`champion` is what the challenger is compared with; `gain` is how much better the challenger is."""
COSTS: Mapping[str, str] = MappingProxyType({"latency_p50_ms": "ms", "latency_p95_ms": "ms", "model_mb": "MB"})
"""The costs of `gate_params.CostName`, single numbers without an interval, and their units."""
