"""Reports as people see them: whole, escaped, and needing nothing beside them."""

from __future__ import annotations

import html
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ratchet.core.findings import Estimate
from ratchet.core.report.build import Report, real
from ratchet.core.report.table import Column, Row, Section, table
from ratchet.io.markdown import code, link, plain, summary
from ratchet.io.render import render_html, render_markdown

HOSTILE = "a | b <script>alert(1)</script> & c\nd"


def report(text: str = "fine") -> Report:
    metrics = table("", [Column("metric"), Column("is it real?", "real")], [Row((text, "better"), "better", text)])
    folded = table(text, [Column(text)], [Row((text,))], folded=True)
    return Report(
        model="m",
        verdict="hold",
        against="champion (version 1)",
        reason=text,
        would_change=text,
        own_rules=text,
        base="",
        identical=False,
        change_line="",
        change_real="unknown",
        sections=(Section("Metrics", tables=(metrics,)), Section("Facts", (("data", text),), (folded,), folded=True)),
        change=None,
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
    assert [line for line in text.splitlines() if "better** |" in line] == [
        "| a &#124; b &lt;script&gt;alert(1)&lt;/script&gt; &amp; c d | 🟢 **better** |"
    ]


def test_markdown_tables_are_set_apart() -> None:
    """Each table follows an empty line, or GitHub shows it as text."""
    lines = render_markdown(report()).splitlines()
    heads = [number for number, line in enumerate(lines) if line.startswith("|---")]
    assert len(heads) == 2
    assert [lines[number - 2] for number in heads] == [""] * 2


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("log_loss: 2 < 3", "log_loss: 2 &lt; 3"),
        ("_x_ *y* `z`", "\\_x\\_ \\*y\\* \\`z\\`"),
        ("@someone #12 GH-3", "@\u200bsomeone #\u200b12 GH\u200b-3"),
        ("https://example.org www.example.org", "https:\u200b//example.org www\u200b.example.org"),
        ("at 17:00, :tada:", "at 17:00, :\u200btada:"),
        ("# head", "\\# head"),
        ("1. one", "1\\. one"),
        ("a\u202eb\x1ec", "a b c"),
    ],
)
def test_text_stays_text(text: str, shown: str) -> None:
    """Only what could be markup is changed, so that the source can still be read."""
    assert plain(text) == shown


def test_names_and_headings_are_escaped_for_their_place() -> None:
    """Markdown is read inside `<code>` and not inside `<summary>`; an empty name is no tag."""
    assert code("a_*b|") == "<code>a\\_\\*b&#124;</code>"
    assert code(" ") == ""
    assert summary("a_*b <i>") == "a_*b &lt;i&gt;"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.org/a?b=1", "[page](<https://example.org/a?b=1>)"),
        ("javascript:alert(1)", "page: javascript:alert(1)"),
        ("https://example.org/>) [x](y", "page: https:\u200b//example.org/&gt;) \\[x\\](y"),
    ],
)
def test_only_a_web_address_becomes_a_link(url: str, shown: str) -> None:
    """What is no address of a page is shown, and leads nowhere."""
    assert link("page", url) == shown


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
    """Pictures are inside, and hostile text brings in no script; without pictures of our own none runs at all."""
    (tmp_path / "gain.png").write_bytes(b"\x89PNG")
    text = render_html(report(HOSTILE), tmp_path)
    page = Sources()
    page.feed(text)
    assert page.found == ["data:image/png;base64,iVBORw=="]
    assert "script-src 'none'" in html.unescape(text)
