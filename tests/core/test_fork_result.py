"""A fork's result is numbers in a known form, or it is refused; what is said about it is ours."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.fork import comment as fork_comment
from ratchet.core.fork.hostile_text import shown
from ratchet.core.fork.policy import Reason
from ratchet.core.fork.result import MOST_ROWS, ForkResult, ResultRefused, parse_result

BASE, HEAD = "a" * 40, "0123456789" * 4
LOG_LOSS: Mapping[str, Any] = {"name": "log_loss", "base": 0.5, "change": 0.4, "low": 0.05, "high": 0.15}
AUC: Mapping[str, Any] = {"name": "roc_auc", "base": 0.7, "change": None, "low": None, "high": None}
RESULT: Mapping[str, Any] = {
    "format": 1,
    "base": BASE,
    "head": HEAD,
    "task": "binary",
    "rows": 1500,
    "clusters": 30,
    "metrics": [LOG_LOSS, AUC],
}


def written(**changes: Any) -> bytes:
    return json.dumps({**RESULT, **changes}).encode()


def metric(**changes: Any) -> bytes:
    return written(metrics=[{**LOG_LOSS, **changes}])


def test_a_result_reads_back_equal() -> None:
    """What the sample run writes is what the second look reads, and the gain is computed from the values."""
    result = parse_result(written())
    assert parse_result(result.model_dump_json().encode()) == result
    assert [each.gain for each in result.metrics] == [pytest.approx(0.1), None]


REFUSED = {
    "unknown key": written(note="hello"),
    "missing key": json.dumps({key: value for key, value in RESULT.items() if key != "head"}).encode(),
    "another format": written(format=2),
    "format is a boolean": written(format=True),
    "sha too short": written(head="abc"),
    "sha with markup": written(head="<img src=x>" + "a" * 29),
    "sha with a newline after it": written(head=HEAD + "\n"),
    "sha in capitals": written(base="A" * 40),
    "unknown task": written(task="clustering"),
    "no rows": written(rows=0),
    "negative rows": written(rows=-5),
    "too many rows": written(rows=MOST_ROWS + 1),
    "rows as text": written(rows="1500"),
    "rows as a fraction": written(rows=1500.5),
    "more clusters than rows": written(rows=10, clusters=11),
    "no metrics": written(metrics=[]),
    "a metric nobody knows": metric(name="![x](http://example.org/p.png)"),
    "a metric of another task": written(metrics=[{**LOG_LOSS, "name": "rmse"}]),
    "a metric twice": written(metrics=[LOG_LOSS, LOG_LOSS]),
    "metrics out of order": written(metrics=[AUC, LOG_LOSS]),
    "thousands of metrics": written(metrics=[LOG_LOSS] * 1000),
    "a value outside its span": metric(base=-0.1),
    "an AUC above one": written(metrics=[{**AUC, "base": 1.5}]),
    "a value without end": metric(base=1e300),
    "half an interval": metric(low=None),
    "an interval of nothing": written(metrics=[{**AUC, "low": 0.0, "high": 0.1}]),
    "an interval beside its gain": metric(low=0.2, high=0.3),
    "an interval the wrong way round": metric(low=0.15, high=0.05),
    "a value as text": metric(base="0.5"),
    "NaN": written().replace(b"0.5", b"NaN"),
    "infinity": written().replace(b"0.5", b"Infinity"),
    "infinity as a number": written().replace(b"0.5", b"1e999"),
    "a number of thousands of digits": written().replace(b"1500", b"1" * 5000),
    "a key twice": written().replace(b'"rows"', b'"task": "binary", "rows"', 1),
    "not UTF-8": written().replace(b"binary", b"bin\xffry"),
    "half a character": written(task="\ud800"),
    "UTF-16": written().decode().encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + written(),
    "brackets without end": b"[" * 50_000,
    "a list": b"[]",
    "a number": b"5",
    "nothing": b"",
    "two values": written() + written(),
}


@pytest.mark.parametrize("content", REFUSED.values(), ids=REFUSED)
def test_anything_else_is_refused(content: bytes) -> None:
    """Each deviation from the form ends with a typed error, whatever the rest looks like."""
    with pytest.raises(ResultRefused, match="is refused"):
        parse_result(content)


@given(st.text(max_size=300))
def test_a_stranger_text_becomes_one_harmless_line(text: str) -> None:
    """No markup, no line break, no workflow command and no terminal code survives."""
    assert re.fullmatch(r"[A-Za-z0-9 ._/=+,:()'?-]{0,83}", shown(text))
    assert "::" not in shown(text)


@given(st.text(max_size=200))
def test_a_refusal_does_not_repeat_hostile_text(text: str) -> None:
    """The error about an unknown key shows no character that could be markup."""
    with pytest.raises(ResultRefused) as refusal:
        parse_result(json.dumps({**RESULT, f"{text}<script>": 1}).encode())
    assert not set("<>`[]@#\n\x1b") & set(refusal.value.message)


@given(st.binary(max_size=400))
def test_no_bytes_crash_the_reader(content: bytes) -> None:
    """Whatever comes in, a result comes out or it is refused."""
    with suppress(ResultRefused):
        assert isinstance(parse_result(content), ForkResult)


def test_a_comment_says_whose_numbers_they_are() -> None:
    """The numbers stand with their meaning for the change, with the caveat, and with what opens the gate."""
    text = fork_comment.numbers("flights-late", 7, parse_result(written()), alpha=0.1, data_files=1)
    assert "| log_loss ↓ | 0.5000 | 0.4000 | +0.1 | +0.05 to +0.15 | 🟢 better |" in text
    assert "| roc_auc ↑ | 0.7000 | undefined |  |  | ⚪ unknown |" in text
    for words in ("80% interval", "nobody here has made them again", "pull/7/head", "changes 1 file of data"):
        assert words in text


@pytest.mark.parametrize(
    ("low", "high", "real"), [(0.01, 0.2, "better"), (-0.2, 0.2, "within noise"), (-0.1, 0.1, "within noise")]
)
def test_a_gain_is_real_if_its_interval_says_so(low: float, high: float, real: str) -> None:
    """An interval that holds zero is noise."""
    result = parse_result(metric(change=0.45 if low > -0.1 else 0.5, low=low, high=high))
    assert real in fork_comment.numbers("m", 1, result, alpha=0.1, data_files=0)


def test_a_long_list_of_reasons_is_cut() -> None:
    """A pull request of thousands of files makes no endless comment, and the number is said."""
    text = fork_comment.held_back("m", 1, HEAD, [Reason(f"file-{index}", "why") for index in range(500)])
    assert text.count("- `file-") == fork_comment.REASONS_SHOWN
    assert "and 480 more" in text


def test_a_status_fits() -> None:
    """GitHub takes a description of at most 140 characters."""
    assert len(fork_comment.WAITS) <= 140
