"""Whole reports, word by word. After a wanted change: `RATCHET_GOLDEN=write pytest tests/report`; read the diff."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from ratchet.core.change.records import Change
from ratchet.core.report.build import Report
from ratchet.io import charts
from ratchet.io.render import render_html, render_markdown

GOLDEN = Path(__file__).parent / "golden"
KINDS = ("everything", "nothing", "no-comparison", "gate-only")
CASES = [f"{verdict}-{kind}" for verdict in ("promote", "hold", "reject") for kind in KINDS]
CASES += ["promote-first", "promote-weak-spots", "promote-no-weak-spots"]
LEFT_OUT = (
    (r"<style>.*?</style>", "<style>…</style>"),
    (r'(<script type="application/json" id="[^"]*">).*?</script>', r"\1…</script>"),
    (r"data:image/svg\+xml;base64,[A-Za-z0-9+/=]+", "data:image/svg+xml;base64,…"),
    (r"sha256-[A-Za-z0-9+/=]+", "sha256-…"),
)
"""What is long, or hangs on the fonts of a machine or the version of the library that draws."""


@pytest.mark.parametrize("case", CASES)
def test_the_comment_is_the_golden_one(reports: dict[str, Report], case: str) -> None:
    """The Markdown of each case says exactly what was agreed."""
    text = render_markdown(reports[case], "https://example.org/report")
    assert text == golden(f"{case}.md", text)


@pytest.mark.parametrize("case", CASES)
def test_the_page_is_the_golden_one(reports: dict[str, Report], tmp_path: Path, case: str) -> None:
    """The HTML of each case says exactly what was agreed."""
    (tmp_path / "gain.png").write_bytes(b"\x89PNG")
    page = render_html(reports[case], tmp_path).replace(charts.bundle(), "/* Vega */")
    for pattern, instead in LEFT_OUT:
        page = re.sub(pattern, instead, page, flags=re.DOTALL)
    assert page == golden(f"{case}.html", page)


def test_the_pictures_are_the_golden_ones(everything: Change) -> None:
    """The specification of every picture is exactly what was agreed."""
    specs = {name: {**spec, "title": title} for name, (title, spec) in charts.charts(everything).items()}
    text = json.dumps(specs, indent=1, ensure_ascii=False) + "\n"
    assert text == golden("charts.json", text)


def test_the_pictures_of_weak_spots_are_the_golden_ones(reports: dict[str, Report]) -> None:
    """The specification of both is exactly what was agreed."""
    spots = reports["promote-weak-spots"].spots
    assert spots
    specs = {name: {**spec, "title": title} for name, (title, spec) in charts.spot_charts(spots).items()}
    text = json.dumps(specs, indent=1, ensure_ascii=False) + "\n"
    assert text == golden("spot_charts.json", text)


def test_no_golden_file_is_left_over() -> None:
    """Every golden file belongs to a case: a file that nobody compares proves nothing."""
    expected = {f"{case}.{ending}" for case in CASES for ending in ("md", "html")} | {"charts.json", "spot_charts.json"}
    assert {path.name for path in GOLDEN.iterdir()} == expected


def golden(name: str, text: str) -> str:
    """What the file says; with RATCHET_GOLDEN=write it is written first."""
    path = GOLDEN / name
    if os.environ.get("RATCHET_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    return path.read_text(encoding="utf-8")
