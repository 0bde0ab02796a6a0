"""Whatever a pull request is full of, the report stays the report."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ratchet.core.change.records import Change
from ratchet.core.decision import Condition
from ratchet.core.report.build import Report
from ratchet.core.report.table import Row, Section, Table
from ratchet.io import charts, render
from ratchet.io.markdown import BREAK, code, plain, visible
from ratchet.io.render import LONGEST, render_html, render_markdown

WORDS = {"direction", "level", "real", "kind", "state", "factor", "model"}
"""Fields that hold one of a few words: no other text gets in there."""
NASTY = (
    "a | b", "\\| a \\", "`", "```\n", "</details></td></table>", "<script>alert(1)</script>", "<!--", "-->",
    "@someone", "#1", "GH-1", "https://example.org", "www.example.org", "![a](b)", "[a][b]", "**", "_a_", "~~a~~",
    "$x$", ":tada:",
    "a\u2028b\u2029c", "\u202egnp.exe", "&lt;", "&#124;", "\x1e", "%%{init: {}}%%", '"]', "a" * 5000, "\u200b@someone",
    "{{ 7 * 7 }}", "]]>", "1. a", "- a", "# a", "|---|", "x\n\n| a |\n|---|", "<b", "javascript:alert(1)", "\\",
    "=====",
)  # fmt: skip
MadeOf = Callable[[str], Report]
ANY = st.one_of(st.sampled_from(NASTY), st.text(min_size=1), st.lists(st.sampled_from(NASTY)).map("".join))
TEXT = ANY.filter(lambda text: bool(visible(text)))
SEEN = ("text", "text_special", "softbreak", "entity")


def full_of(text: str, tree: Any) -> Any:
    """The record's tree with every free text replaced."""
    if isinstance(tree, dict):
        return {key: value if key in WORDS else full_of(text, value) for key, value in tree.items() if key != "curves"}
    if isinstance(tree, (list, tuple)):
        return tuple(full_of(text, each) for each in tree)
    return text if isinstance(tree, str) else tree


def report_of(text: str, report: Report, change: Change) -> Report:
    """The report of a change that is made of `text` wherever there is text."""
    from ratchet.core.report import metrics as report_metrics
    from ratchet.core.report import what_changed as report_change
    from ratchet.core.report import why as report_why

    tree = full_of(text, change.model_dump())
    if change.comparison:
        tree["comparison"]["curves"] = [curve.model_dump() for curve in change.comparison.curves]
        tree["comparison"] = {**tree["comparison"], "curves": tuple(tree["comparison"]["curves"])}
    tree["data"]["batches"][0]["new_categories"] = {text: (text, text)}
    tree["comparison"]["switched"]["worst"][0]["key"] = {text: text}
    hostile = Change.model_validate(tree)
    assert hostile.comparison
    assert hostile.attribution
    sections = (
        report_metrics.against_base(hostile, hostile.comparison),
        report_change.what_changed(hostile),
        report_why.why(hostile.attribution, hostile.base_name),
        report_why.where_it_hurts(hostile, hostile.comparison),
        report_why.pictures(hostile, hostile.comparison),
        *(_told(text, section) for section in report.sections[-3:]),
    )
    line, real = report_metrics.headline(hostile)
    return Report(
        model=text, verdict="hold", against=text, reason=text, own_rules=text, would_change=text,
        identical=False, base=report_metrics.base_of(hostile), change_line=line, change_real=real, sections=sections,
        change=hostile,
    )  # fmt: skip


@pytest.fixture(scope="session")
def made_of(reports: dict[str, Report], everything: Change) -> MadeOf:
    """Makes the report that is made of a text."""

    def make(text: str) -> Report:
        return report_of(text, reports["promote-everything"], everything)

    return make


def _told(text: str, section: Section) -> Section:
    tables = tuple(
        Table(text, each.columns, tuple(Row(tuple(text for _ in row.cells), None, text) for row in each.rows), text)
        for each in section.tables
    )
    return Section(text, tables=tables, note=text, folded=section.folded)


def structure(markdown: str) -> list[tuple[str, str, str]]:
    """Every token but text, with our own tags spelled out."""
    blocks = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown)
    flat = [inline for block in blocks for inline in (block, *(block.children or []))]
    return [
        (token.type, token.tag, _tags(token.content) if token.type.startswith("html") else "")
        for token in flat
        if token.type not in SEEN
    ]


def _tags(content: str) -> str:
    return " ".join(re.findall(r"</?[a-z]+", content))


@settings(max_examples=60, deadline=None)
@given(TEXT)
@example("".join(NASTY))
def test_no_text_changes_the_structure_of_the_comment(made_of: MadeOf, text: str) -> None:
    """Any text in any field leaves tables, headings, folds and tags as they are with a harmless word."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(render, "LONGEST", 10**7)
        hostile, harmless = (structure(render_markdown(made_of(each))) for each in (text, "word"))
    assert [pair for pair in zip(hostile, harmless, strict=False) if pair[0] != pair[1]][:3] == []
    assert len(hostile) == len(harmless)
    assert [token for token, _, _ in harmless].count("table_open") == 16


@settings(deadline=None)
@given(TEXT)
@example("".join(NASTY))
def test_no_text_mentions_or_links(text: str) -> None:
    """GitHub finds mentions, references, emoji and addresses in what is shown: none is left whole."""
    shown = "".join(
        token.content for block in MarkdownIt("commonmark").parse(f"x {plain(text)}") for token in block.children or []
    )
    assert not re.search(r"@\w|#\w|://|\bwww\.|\bgh-\d|mailto:|:[\w+-]+:", shown, re.IGNORECASE)


def test_a_time_of_day_in_code_stays_whole() -> None:
    """GitHub makes no emoji there, so that a row's key can be copied; addresses and mentions are still broken."""
    assert code("time_hour=2013-07-10 18:00:00") == "<code>time_hour=2013-07-10 18:00:00</code>"
    assert code("https://x.org") == f"<code>https:{BREAK}//x.org</code>"
    assert code("@someone") == f"<code>@{BREAK}someone</code>"
    assert plain("at 18:00:00") == f"at 18:{BREAK}00:00"


@settings(deadline=None)
@given(TEXT)
def test_plain_text_is_shown_as_it_is(text: str) -> None:
    """What a reader sees is the text, but for characters that nobody sees."""
    (block,) = (each for each in MarkdownIt("commonmark").parse(f"x{plain(text)}x") if each.type == "inline")
    shown = "".join(token.content for token in block.children or [])
    assert shown.replace("\u200b", "") == f"x{visible(text)}x"


class Page(HTMLParser):
    """Tags with their attributes' names, and what stands in scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.scripts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.scripts and self.lasttag == "script":
            self.scripts[-1] += data


@settings(max_examples=25, deadline=None)
@given(TEXT)
@example("".join(NASTY))
def test_no_text_adds_a_tag_to_the_page(made_of: MadeOf, text: str) -> None:
    """Any text in any field leaves the page's tags and attributes as they are, and its pictures' data whole."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(charts, "svg", lambda _name, _spec: "<svg/>")
        patch.setattr(charts, "bundle", lambda: "vega")
        hostile, harmless = (made_of(each) for each in (text, "word"))
        pages = [Page(render_html(each, Path("nowhere"))) for each in (hostile, harmless)]
    assert pages[0].tags == pages[1].tags
    assert hostile.change
    specs = [json.loads(script) for script in pages[0].scripts if script.lstrip().startswith("{")]
    assert specs == [spec for _, spec in charts.charts(hostile.change).values()]


def test_the_comment_fits_whatever_is_in_it(made_of: MadeOf) -> None:
    """Thousands of things that changed, with names as long as they like, give a comment that GitHub takes."""
    nasty = "<|*@" * 2000
    report = made_of(nasty)
    crowd = tuple(Condition(name=nasty, passed=False, sentence=nasty) for _ in range(500))
    rows = tuple(Row((each.name[:200], each.sentence[:200])) for each in crowd)
    wide = Section("wide", tables=(Table("", report.sections[-2].tables[0].columns[:2], rows),))
    text = render_markdown(Report(**{**vars(report), "sections": (*report.sections, wide)}))
    assert len(text) <= LONGEST
    assert text.rstrip().endswith("more sections do not fit here: they are on the page.*")


def test_long_lists_are_cut_and_counted(everything: Change) -> None:
    """Of 500 files a dozen is listed, and the reader is told how many more there are."""
    from ratchet.core.report.what_changed import what_changed

    files = tuple(everything.code[0].model_copy(update={"path": f"src/{number}.py"}) for number in range(500))
    section = what_changed(everything.model_copy(update={"code": files}))
    (code,) = (table for table in section.tables if table.title == "Code")
    assert (len(code.rows), code.more) == (12, "and 488 more")
    assert dict(section.lines)["code"].endswith("src/0.py, src/1.py, src/2.py and 497 more")
