"""Real flights, read once."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import yaml

from ratchet.core.schema import Schema, parse_schema
from ratchet.flows.look import frames, standing_frames

ROOT = Path(__file__).resolve().parents[2]

Tables = dict[str, pd.DataFrame]


@pytest.fixture(scope="session")
def schema() -> Schema:
    """What the room says of its own tables."""
    path = ROOT / "src" / "flights" / "schema.yaml"
    return parse_schema(yaml.safe_load(path.read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def batches() -> dict[str, Tables]:
    """All twelve months."""
    return dict(frames(ROOT))


@pytest.fixture(scope="session")
def july(batches: dict[str, Tables]) -> pd.DataFrame:
    """Three hundred flights of July, of all hours and days."""
    return batches["2013-07"]["rows"].sample(300, random_state=0)


@pytest.fixture(scope="session")
def lookups(batches: dict[str, Tables]) -> Tables:
    """The lookups that go with July."""
    return {"weather": batches["2013-07"]["weather"], **standing_frames(ROOT)}
