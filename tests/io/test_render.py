"""Reports as people see them: whole, escaped, and needing nothing beside them."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

from ratchet.core.decision import Condition
from ratchet.core.findings import Estimate
from ratchet.core.report import FoldLine, MetricLine, Report, real
from ratchet.io.render import render_html, render_markdown

HOSTILE = "a | b <script>alert(1)</script> & c\nd"


def report(text: str = "fine") -> Report:
    return Report(
        model="m",
        verdict="hold",
        reason=text,
        would_change=text,
        conditions=(Condition(name="better", passed=False, sentence=text),),
        reference="champion (version 1)",
        metrics=(MetricLine("log loss", "meaning", "0.5", "0.4", "+0.1", "-0.1 to +0.3", "within noise"),),
        coverage="80%",
        fold_names=("2013-01",),
        folds=(FoldLine("log loss", "0.5", "0.1", ("0.5",)),),
        facts={"trained on": text},
        caution="",
    )


def estimate(low: float | None, high: float | None) -> Estimate:
    return Estimate(value=0.1, low=low, high=high, standard_error=0.1, rows=9, clusters=3, assumed_independent=False)


@pytest.mark.parametrize(
    ("gain", "word"),
    [
        (estimate(0.1, 0.2), "better"),
        (estimate(-0.2, -0.1), "worse"),
        (estimate(-0.1, 0.1), "within noise"),
        (estimate(0.0, 0.1), "within noise"),
        (estimate(None, None), "unknown"),
        (None, "unknown"),
    ],
)
def test_a_gain_is_real_only_where_its_interval_leaves_out_zero(gain: Estimate | None, word: str) -> None:
    """Noise is never called progress, and what is not known is not called noise."""
    assert real(gain) == word


def test_markdown_tables_survive_hostile_text() -> None:
    """A pipe, a line break or a tag in a sentence neither breaks a table nor becomes markup."""
    text = render_markdown(report(HOSTILE))
    assert "<script>" not in text
    assert [line for line in text.splitlines() if "better |" in line] == [
        "| ❌ | better | a \\| b &lt;script>alert(1)&lt;/script> &amp; c d |"
    ]


def test_markdown_tables_are_set_apart() -> None:
    """Each table follows an empty line, or GitHub shows it as text."""
    lines = render_markdown(report()).splitlines()
    heads = [number for number, line in enumerate(lines) if line.startswith("|---")]
    assert len(heads) == 4
    assert [lines[number - 2] for number in heads] == [""] * 4


class Sources(HTMLParser):
    """Collects what a page loads, and its scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "link", "iframe"):
            self.found.append(tag)
        self.found += [value or "" for name, value in attrs if name in ("src", "href")]


def test_the_page_needs_nothing_beside_it(tmp_path: Path) -> None:
    """Pictures are inside, and hostile text brings in no script."""
    (tmp_path / "gain.png").write_bytes(b"\x89PNG")
    page = Sources()
    page.feed(render_html(report(HOSTILE), tmp_path))
    assert page.found == ["data:image/png;base64,iVBORw=="]
