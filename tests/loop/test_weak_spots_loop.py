"""Regions that nobody named, found in real fitted models: what `ratchet report` says of a room that broke some rows."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from ratchet.core.evidence.weak_spots import WeakSpots

if TYPE_CHECKING:
    from tests.loop.conftest import Sandbox

HONEST = "    return rows[MEASURED]\n"
BROKEN = """    old = rows["age"] > 59
    others = [name for name in MEASURED if name not in ("age", "sex")]
    turned = {name: rows[name].where(~old, 2 * rows[name].mean() - rows[name]) for name in others}
    return rows[MEASURED].assign(**turned)
"""
"""Measurements turned around in the oldest quarter of the patients: the model still learns from them."""


def written(sandbox: Sandbox, name: str) -> str:
    """One of the reports."""
    return (sandbox.root / "reports" / name).read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_planted_bad_region_of_a_real_model_is_named(served: Sandbox) -> None:
    """A challenger whose room breaks the rows of old patients loses there, and the report says so in words."""
    served.ok("data", "pull")
    # Four parts judge: 221 patients whom neither the champion nor the challenger has seen.
    served.set_params(split={"holdout": 4}, report={"slice_rows": 30})
    room = served.root / "src" / "diabetes" / "features.py"
    text = room.read_text(encoding="utf-8")
    assert HONEST in text
    room.write_text(text.replace(HONEST, BROKEN), encoding="utf-8")
    served.ok("run")
    served.ok("report")
    found = WeakSpots.model_validate_json(written(served, "weak_spots.json"))
    assert (found.losing.rows, found.switched) == (221, None)
    assert [each.where for each in found.losing.found] == [(("age", "above 59"),)]
    assert "| <code>age above 59</code> | 52 |" in written(served, "report.md")
    assert 'id="chart-losing"' in written(served, "report.html")


@pytest.mark.slow
def test_a_report_without_the_rows_says_so(computed: Sandbox) -> None:
    """The gate's part stands, and nobody takes silence for a finding of nothing."""
    shutil.rmtree(computed.root / "data" / "features")
    computed.ok("report")
    assert "Not looked for: " in written(computed, "report.md")
    assert not (computed.root / "reports" / "weak_spots.json").exists()
