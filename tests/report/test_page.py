"""The page as a file: what it holds, what may run in it, and how big it is."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from pathlib import Path

import pytest

from ratchet.core.change.records import Change
from ratchet.core.report.build import Report
from ratchet.io import charts
from ratchet.io.markdown import history_chart
from ratchet.io.render import render_html


@pytest.fixture
def scripted(reports: dict[str, Report], tmp_path: Path) -> str:
    """The page with every picture."""
    for name in ("gain.png", "curves.png", "confusion.png"):
        (tmp_path / name).write_bytes(b"\x89PNG")
    return render_html(reports["promote-everything"], tmp_path)


def test_only_our_scripts_may_run(scripted: str) -> None:
    """The page's policy names exactly the digests of the scripts that stand in it, and lets nothing be loaded."""
    policy = html.unescape(re.findall(r'Content-Security-Policy" content="([^"]*)"', scripted)[0])
    scripts = re.findall(r"<script>(.*?)</script>", scripted, flags=re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert len(digests) == 2
    assert policy.startswith("default-src 'none'; script-src " + " ".join(f"'sha256-{each}'" for each in digests) + ";")


def test_the_page_with_all_pictures_stays_small(scripted: str) -> None:
    """Vega included, a page is below 2 MB."""
    assert len(scripted.encode()) < 2_000_000


def test_pictures_that_the_page_draws_itself_are_not_shown_twice(scripted: str) -> None:
    """The curves of the evaluation give way to those of base and change; the others stay."""
    assert re.findall(r'data:image/png[^"]*" alt="([^"]*)"', scripted) == [
        "Where the gain over what serves comes from",
        "Confusion matrix",
    ]


def test_every_picture_is_also_there_without_scripts(scripted: str, everything: Change) -> None:
    """Each chart has its SVG in a noscript."""
    still = re.findall(r'<noscript><img src="data:image/svg\+xml;base64,([^"]+)"', scripted)
    assert len(still) == len(charts.charts(everything)) == 7
    assert all(base64.b64decode(each).startswith(b"<svg") for each in still)


def test_only_pictures_with_data_are_drawn(everything: Change) -> None:
    """Nothing is known, nothing is drawn; a regression has no curves."""
    assert everything.comparison
    bare = everything.comparison.model_copy(update={"slices": (), "curves": (), "importance": ()})
    told = everything.model_copy(update={"comparison": bare, "attribution": None})
    assert list(charts.charts(told)) == ["history"]
    assert charts.charts(told.model_copy(update={"comparison": None})) == {}


def test_a_base_named_as_the_change_is_told_apart(everything: Change) -> None:
    """The two lines of a chart never have one name."""
    _, spec = charts.charts(everything.model_copy(update={"base_name": "this change"}))["history"]
    assert spec["encoding"]["color"]["scale"]["domain"] == ["this change (base)", "this change"]


def test_mermaid_draws_only_what_both_know(everything: Change) -> None:
    """A line of Mermaid has no gaps: a batch that one side lacks is left out."""
    assert everything.comparison
    chart = history_chart(everything.comparison, "main")
    assert chart
    assert chart.picture.splitlines()[3:] == [
        '    x-axis ["2013-04", "2013-05", "2013-06", "2013-07 (held out)"]',
        '    y-axis "log loss"',
        "    line [0.59060, 0.46640, 0.53130, 0.55910]",
        "    line [0.58710, 0.46110, 0.52660, 0.53870]",
        "```",
    ]


def test_mermaid_draws_the_change_alone_without_a_base(everything: Change) -> None:
    """With nothing known of the base there is one line, in the change's colour; with one batch there is no chart."""
    assert everything.comparison
    history = tuple(each.model_copy(update={"base": None}) for each in everything.comparison.history)
    alone = history_chart(everything.comparison.model_copy(update={"history": history}), "main")
    assert alone
    assert [line for line in alone.picture.splitlines() if "line [" in line] == [
        "    line [0.58710, 0.46110, 0.52660, 0.53870]"
    ]
    assert "#2383e2" in alone.picture
    assert "#9b9a97" not in alone.picture
    assert history_chart(everything.comparison.model_copy(update={"history": history[-1:]}), "main") is None


def test_labels_in_mermaid_are_harmless(everything: Change) -> None:
    """Whatever ends a string, a line or a block is gone from a label."""
    assert everything.comparison
    history = tuple(each.model_copy(update={"batch": '"]\n```%%{;#'}) for each in everything.comparison.history)
    chart = history_chart(everything.comparison.model_copy(update={"history": history}), "main")
    assert chart
    (axis,) = (line for line in chart.picture.splitlines() if "x-axis" in line)
    assert set(axis) <= set('     x-axis ["· ", (held out)]')
