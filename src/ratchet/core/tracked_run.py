"""A run as the tracking store keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

TRAINING, JUDGING = "training", "evaluation"
"""What batches were for, as keys of a run's inputs."""


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """What is recorded of one run. `artifacts` maps a folder in the run to the files that go there."""

    fingerprint: str
    name: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    artifacts: Mapping[str, Sequence[Path]]
    inputs: Mapping[str, Mapping[str, str]]
    model: Path
    room: Path
    project: Path | None = None
    """The project's root: its validated data shows how raw rows look, and has the lookups that travel with the model.
    Without it, the model takes features only."""
    lookup_bytes: int = 0
    """How large those may be together; larger ones stay behind."""


@dataclass(frozen=True)
class RunRef:
    """A recorded run."""

    run_id: str
    fingerprint: str
    seal: str
    finished: bool
    time: str = field(default="", compare=False)
    """When it was begun, ISO 8601, UTC; empty for one that was just made."""
