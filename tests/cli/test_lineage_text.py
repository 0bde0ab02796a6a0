"""What the terminal shows where many versions share what was asked for."""

from __future__ import annotations

import pytest

from ratchet.cli.lineage_text import LINES, lineage_text
from ratchet.core.lineage import Asked, Descent, Lineage


def shared(count: int, earlier: int = 0) -> Lineage:
    """A batch that so many versions were trained on, of which the newest are told."""
    told = tuple(
        Descent(run_id=f"{version:032x}", fingerprint="f", commit="c" * 40, verdict="promote", version=version)
        for version in range(earlier + 1, earlier + count + 1)
    )
    return Lineage(model="m", asked=Asked(end="batch", name="2013-04"), descents=told, earlier=earlier)


@pytest.mark.parametrize(("told", "earlier"), [(LINES, 9_980), (100, 9_900), (10_000, 0)])
def test_of_many_versions_the_newest_are_shown_and_all_counted(told: int, earlier: int) -> None:
    """The same lines, however many were looked up."""
    lines = lineage_text(shared(told, earlier)).splitlines()
    assert lines[2] == "10,000 versions have to do with it, the newest last:"
    assert lines[3] == "  (9,980 older ones: --all has them as well)"
    assert [line.split()[0] for line in lines[4:-2]] == [f"v{version}" for version in range(9_981, 10_001)]


def test_all_of_them_are_shown_on_demand() -> None:
    """A line each, and none is left out."""
    text = lineage_text(shared(50), None)
    assert [line.split()[0] for line in text.splitlines()[3:-2]] == [f"v{version}" for version in range(1, 51)]
    assert "older" not in text
