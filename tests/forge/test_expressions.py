"""GitHub's expressions, against the rules and examples of its documentation."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.errors import UsageError
from ratchet.forge.expression_values import contains, equal, number, text, truth
from ratchet.forge.expressions import evaluate, interpolate

CONTEXTS: dict[str, Any] = {
    "github": {
        "ref": "refs/heads/main",
        "head_ref": "",
        "run_id": "12",
        "event": {
            "number": 7,
            "action": "labeled",
            "label": {"name": "explain"},
            "pull_request": {"draft": False, "labels": [{"name": "bug"}, {"name": "Explain"}, {"color": "red"}]},
            "client_payload": {"deep": {"list": [1, 2, {"x": "y"}]}},
        },
    },
    "inputs": {"dry-run": True, "name": "it's"},
    "vars": {"GROUP": "shared"},
}

VALUES = [
    ("true", True),
    ("null", None),
    ("711", 711),
    ("-9.2", -9.2),
    ("0xff", 255),
    ("-2.99e-2", -0.0299),
    ("'It''s open source!'", "It's open source!"),
    ("''", ""),
    # Operators and their order.
    ("!true || true", True),
    ("!(true || true)", False),
    ("false && false || true", True),
    ("1 < 2 == true", True),
    ("2 >= 2 && 2 > 1 && 1 <= 1 && 1 != 2", True),
    # Loose comparison: different types are numbers, text has no case.
    ("'GitHub' == 'github'", True),
    ("'a' < 'B'", True),
    ("null == 0", True),
    ("true == 1", True),
    ("'' == 0", True),
    ("' 12 ' == 12", True),
    ("'abc' == 0", False),
    ("NaN == NaN", False),
    ("'abc' != 0", True),
    ("github.event == github.event", True),
    ("github.event == github", False),
    ("'abc' < 1", False),
    # && and || return what they end at.
    ("'' || 'default'", "default"),
    ("'set' || 'default'", "set"),
    ("github.head_ref || github.ref", "refs/heads/main"),
    ("inputs.dry-run && 'dry' || 'wet'", "dry"),
    # Properties.
    ("github.event.number", 7),
    ("github['event']['number']", 7),
    ("GitHub.Event.Number", 7),
    ("github.event.none.of.these", None),
    ("github.ref.name", None),
    ("github.event.pull_request.labels[1].name", "Explain"),
    ("github.event.pull_request.labels[9].name", None),
    ("github.event.client_payload.deep.list[2].x", "y"),
    ("inputs.name", "it's"),
    ("vars.GROUP", "shared"),
    # Functions.
    ("contains('Hello world', 'LLO')", True),
    ("contains(github.event.pull_request.labels.*.name, 'explain')", True),
    ("contains(github.event.pull_request.labels.*.name, 'expl')", False),
    ("contains(github.event, 'number')", False),
    ("startsWith('Hello world', 'he')", True),
    ("startsWith(github.ref, 'refs/tags/')", False),
    ("endsWith('Hello world', 'LD')", True),
    ("format('Hello {0} {1} {0}', 'Mona', 2)", "Hello Mona 2 Mona"),
    ("format('{{Hello {0}}}', 'Mona')", "{Hello Mona}"),
    ("format('{0}|{1}|{2}', true, null, 1.5)", "true||1.5"),
    ("format('{0}{1}', github.event, github.event.pull_request.labels)", "ObjectArray"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "value"), VALUES)
def test_an_expression_has_githubs_value(expression: str, value: object) -> None:
    """Literals, operators, comparisons, properties and functions give what GitHub documents."""
    assert evaluate(expression, CONTEXTS) == value


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("promote", "promote"),
        ("retrain-${{ github.ref }}", "retrain-refs/heads/main"),
        ("${{github.event.number}}-${{ inputs.dry-run }}", "7-true"),
        ("a ${{ '}}' }} b", "a }} b"),
        ("${{ github.event.none }}", ""),
        ("${{ format('{0}-{1}', 'x', github.run_id) }}", "x-12"),
        (
            "${{ github.event.action == 'labeled' && github.event.label.name != 'explain' && github.run_id || 'run' }}",
            "run",
        ),
        ("$ { { x } }", "$ { { x } }"),
    ],
)
def test_text_is_filled_in(template: str, words: str) -> None:
    """Each expression in a text is replaced by its value as text; what is none stays."""
    assert interpolate(template, CONTEXTS) == words


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("", "it ends too early"),
        ("1 +", "means nothing"),
        ("(1", r"\) is missing"),
        ("1 2", "one too many"),
        ("github.", "it ends too early"),
        ("github.'x'", "is no property"),
        ("secrets.TOKEN", "secrets is not known here"),
        ("needs.train.result", "needs is not known here"),
        ("hashFiles('a')", "there is no function hashFiles"),
        ("contains('a')", "contains does not take 1 values"),
        ("startsWith('a', 'b', 'c')", "does not take 3 values"),
        ("format('{1}', 1)", "has no value 1"),
        ("&& 1", "is no value"),
    ],
)
def test_what_cannot_be_read_is_named(expression: str, words: str) -> None:
    """A broken expression, or one that asks for what is not known there, is refused with its text."""
    with pytest.raises(UsageError, match=words):
        evaluate(expression, CONTEXTS)


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-999, 999), st.text(max_size=5))


@given(st.text(max_size=20))
def test_quoted_text_is_itself(words: str) -> None:
    """Whatever text is quoted, with its quotes doubled, comes back."""
    quoted = words.replace("'", "''")
    assert evaluate(f"'{quoted}'", {}) == words


@given(SCALARS, SCALARS)
def test_equality_is_symmetric_and_and_or_are_pythons_on_truth(one: object, other: object) -> None:
    """== does not depend on the order; && and || agree with the truth of both sides."""
    contexts = {"a": one, "b": other}
    assert equal(one, other) == equal(other, one)
    assert evaluate("a == b", contexts) != evaluate("a != b", contexts)
    assert truth(evaluate("a && b", contexts)) == (truth(one) and truth(other))
    assert truth(evaluate("a || b", contexts)) == (truth(one) or truth(other))
    assert evaluate("!a", contexts) != truth(one)


@given(st.integers(-(10**6), 10**6))
def test_whole_numbers_go_through_text(value: int) -> None:
    """A whole number as text is its digits, and means the same number again."""
    assert (text(value), number(text(value))) == (str(value), value)


NO_NUMBERS: list[Any] = ["x", [], {}, "1 2"]


def test_what_is_no_number_is_no_number() -> None:
    """Text that is none, lists and mappings are not a number, which is equal to nothing and false."""
    assert [math.isnan(number(value)) for value in NO_NUMBERS] == [True] * 4
    assert (truth(math.nan), truth([]), truth({}), contains({}, "a")) == (False, True, True, False)
