"""Text that was decoded wrongly is told from text that only looks unusual."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.core.schema import ROWS, Column, Rows, Schema
from ratchet.core.validation.batch import validate_batch
from ratchet.core.validation.texts import decoded_rightly

RIGHT = [
    "São Paulo",
    "Köln",
    "naïve café",
    "Ελλάδα",
    "日本語",
    "Москва",
    "10 µm",
    "50 €",
    "“quoted” — dash",
    "🙂",
    "",
]


@pytest.mark.parametrize("text", RIGHT)
def test_unusual_text_is_right(text: str) -> None:
    """Other scripts, signs and quotation marks are what somebody wrote."""
    assert decoded_rightly(pl.Series([text])).to_list() == [True]


@pytest.mark.parametrize("text", ["São Paulo", "Köln", "naïve café", "Ελλάδα", "Москва", "“quoted”"])
def test_utf8_that_was_read_as_latin_is_wrong(text: str) -> None:
    """The commonest wrong decoding is recognised in several languages."""
    broken = text.encode().decode("cp1252", errors="replace").replace("\N{REPLACEMENT CHARACTER}", "")
    assert decoded_rightly(pl.Series([text.encode().decode("latin-1"), broken, text])).to_list()[0::2] == [False, True]


def test_bytes_that_no_decoder_could_read_are_wrong() -> None:
    """A replacement character is what is left of them."""
    assert decoded_rightly(pl.Series(["K\N{REPLACEMENT CHARACTER}ln", "Köln"])).to_list() == [False, True]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.none() | st.text(st.characters(max_codepoint=127)), max_size=20))
def test_plain_text_is_right(values: list[str | None]) -> None:
    """Nothing in ASCII was decoded wrongly, and what is missing is no text."""
    assert False not in decoded_rightly(pl.Series(values, dtype=pl.String)).to_list()


def test_each_kind_of_broken_text_has_its_rule() -> None:
    """Wrong decoding and control characters are named apart; tab and line feed are text."""
    table = Rows(key=["id"], columns={"id": Column(type="integer"), "s": Column(type="string")}, quarantine=1)
    frame = pl.DataFrame({"id": [1, 2, 3, 4], "s": ["KÃ¶ln", "a\x00b", "a\tb\nc", "Köln"]})
    report = validate_batch("b", {ROWS: frame}, Schema(rows=table), before={}, released=()).report
    assert [(each.rule, each.count, each.examples) for each in report.findings] == [
        ("control-character", 1, (r"a\x00b",)),
        ("mojibake", 1, ("KÃ¶ln",)),
    ]
