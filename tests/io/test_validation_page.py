"""The validation report for people: complete, bounded, and nothing in the data can be more than text."""

from __future__ import annotations

import re

import pytest

from ratchet.core.validation.records import Finding, TableCount, ValidationReport
from ratchet.io.validation_page import SHOWN, html, markdown

HOSTILE = "<script>alert(1)</script> | [x](javascript:alert(1)) {{ 7 * 7 }} `a` \u202egnp.exe @everyone"


def finding(number: int = 0, **changed: str) -> Finding:
    """A finding that quarantines rows."""
    plain = {"table": "rows", "column": f"x{number}", "rule": "above-max", "sentence": "is above 5 km", "level": "warn"}
    return Finding.model_validate({**plain, "count": 1234, "examples": ("6", "7"), **changed})


def report(*findings: Finding, batch: str = "2013-07") -> ValidationReport:
    """A report of one table."""
    counts = {"rows": TableCount(rows=29425, quarantined=2)}
    return ValidationReport(batch=batch, tables=counts, findings=findings, compared_with=("2013-05", "2013-06"))


@pytest.mark.parametrize("render", [markdown, html])
def test_a_report_says_what_was_found(render: object) -> None:
    """Batch, verdict, counts, history, and of a finding the rule, the sentence, the count and the examples."""
    assert callable(render)
    text = render(report(finding(level="refuse"), finding(1, released="measured by hand")))
    for part in ("refused", "29,425", "above-max", "is above 5 km", "1,234", "measured by hand", "2 earlier batches"):
        assert part in text


def test_a_report_without_findings_says_so() -> None:
    """An empty table is not read as a page that broke."""
    assert "Nothing was found." in markdown(report())
    assert "Nothing was found." in html(report())


def test_what_stands_in_the_data_stays_text() -> None:
    """No tag, link, template or turned text comes out of a value, a column or a batch."""
    hostile = finding(table=HOSTILE, column=HOSTILE, sentence=HOSTILE, released=HOSTILE).model_copy(
        update={"examples": (HOSTILE,)}
    )
    page = html(report(hostile, batch=HOSTILE))
    assert "<script" not in page
    assert "{{ 7 * 7 }}" in page
    assert "\u202e" not in page
    assert 'content="default-src &#39;none&#39;; script-src &#39;none&#39;;' in page
    text = markdown(report(hostile, batch=HOSTILE))
    assert "<script" not in text
    assert re.search(r"(?<!\\)\]\(", text) is None
    assert "@everyone" not in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows[3:]} == {7}


def test_a_report_is_bounded_however_much_was_found() -> None:
    """The first findings are shown, the others counted, and long values are cut."""
    many = report(*(finding(number, sentence="long " * 10_000) for number in range(5000)))
    for text in (markdown(many), html(many)):
        assert len(text) < 250_000
        assert f"{5000 - SHOWN} more findings" in text
