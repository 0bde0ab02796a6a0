"""Reading and writing conditions: one text for one tree, and every mistake under its character."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.conditions.build import DEEPEST
from ratchet.core.conditions.fault import pointed
from ratchet.core.conditions.parse import LONGEST, parse, parse_where
from ratchet.core.conditions.tree import (
    WHOSE,
    And,
    Arithmetic,
    Between,
    Comparison,
    Expression,
    Negative,
    Node,
    Not,
    Number,
    Or,
    Requirement,
    Subject,
    Term,
    Where,
    mentioned,
)
from ratchet.core.conditions.words import canonical
from ratchet.errors import UsageError

ROOT = Path(__file__).parents[3]
VALUES = st.floats(allow_nan=False, allow_infinity=False).map(lambda value: value or 0.0)
WORDS = st.sampled_from(["origin", "and", "not", "true", "at", "größe", "x_1", "log_loss"])
COLUMNS = WORDS | st.text("ab Ä.\"'[]=", min_size=1, max_size=6)
TERMS = st.one_of(
    st.builds(Term, COLUMNS, st.sampled_from(["=", "!="]), st.text(max_size=8) | st.booleans()),
    st.builds(Term, COLUMNS, st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), VALUES),
)
WHERES = st.lists(TERMS, max_size=3).map(lambda terms: Where(tuple(terms)))
SUBJECTS = st.builds(Subject, st.sampled_from(WHOSE), WORDS, WHERES)


def computed(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    """Expressions of others; minus a number is a number of its own."""
    operators = st.sampled_from(["+", "-", "*", "/"])
    return st.builds(Arithmetic, operators, inner, inner) | st.builds(
        Negative, inner.filter(lambda each: not isinstance(each, Number))
    )


def combined(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    """Conditions of others."""
    parts = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.builds(Not, inner) | st.builds(And, parts) | st.builds(Or, parts)


EXPRESSIONS = st.recursive(st.builds(Number, VALUES) | SUBJECTS, computed, max_leaves=5)
LEVELS = st.none() | st.builds(Number, st.floats(0, 0.5, exclude_min=True))
RELATIONS = st.sampled_from(["<", "<=", ">", ">="])
LEAVES = st.builds(Comparison, RELATIONS, EXPRESSIONS, EXPRESSIONS, LEVELS) | st.builds(
    Between, EXPRESSIONS, EXPRESSIONS, EXPRESSIONS, LEVELS
)
TREES = st.recursive(LEAVES, combined, max_leaves=4)
TOKENS = st.sampled_from(
    [
        *("challenger", "gain", ".", "log_loss", "(", ")", "[", "]", "origin", "=", '"EWR"', "and", "or", "not", "at"),
        *("between", "<", ">=", "0.05", "7", "+", "-", "*", "/", " ", "\n", "é", "\x00", "__import__", "'", "`", "&"),
    ]
)


def refused(text: str) -> tuple[str, int]:
    """What the error for `text` says, and the column of its caret; nothing of it can move a terminal's cursor."""
    with pytest.raises(UsageError) as error:
        parse(text, name="mine")
    said, *_, caret = error.value.message.split("\n")
    assert all(line.isprintable() for line in error.value.message.split("\n"))
    assert said.startswith("gate.conditions.mine: ")
    assert "docs/conditions.md" in error.value.next_step
    return said.removeprefix("gate.conditions.mine: "), caret.index("^") - 4


@given(TREES)
def test_a_tree_reads_back_from_its_text(tree: Node) -> None:
    """The canonical text of any tree is read as that tree, and is canonical itself."""
    text = canonical(Requirement(tree))
    if len(text) <= LONGEST:
        again = parse(text)
        assert tree == again.body
        assert text == canonical(again)


@pytest.mark.parametrize(
    "text",
    [
        "(gain.a > 1 and gain.b > 1) and gain.c > 1",
        "gain.a > 1 or (gain.b > 1 or gain.c > 1)",
        "not not (gain.a > 1 or gain.b > 1)",
        "gain.a > 1 - (2 - 3) - 4 / (5 / 6) * -(gain.b + 7)",
        "(gain.a + 1) * (2 * 3) < --gain.b",
    ],
)
def test_parentheses_that_say_something_stay(text: str) -> None:
    """A canonical text keeps the parentheses that make another tree of it, and no others."""
    assert text == canonical(parse(text))


@given(WHERES)
def test_a_slice_reads_back_from_its_text(where: Where) -> None:
    """The canonical text of a slice is its key: it reads back as the same slice."""
    assert where == parse_where(canonical(where))


def test_a_slice_is_the_same_in_any_order() -> None:
    """Terms in another order, twice, or in other quotes are the same slice with the same text."""
    one = parse_where('origin = "EWR" and distance > 500')
    other = parse_where("distance > 500.0 and origin = 'EWR' and distance>5e2")
    assert one == other
    assert 'distance > 500 and origin = "EWR"' == canonical(one) == canonical(other)


def test_true_is_not_one() -> None:
    """`true` and 1 are different slices, though Python takes them for equal."""
    assert parse_where("late = true") != parse_where("late = 1")
    assert 2 == len(mentioned(parse("gain.brier[late = true] > 0 and gain.brier[late = 1] > 0")))


@given(st.lists(TOKENS, max_size=25).map("".join) | st.text(max_size=30))
def test_any_text_is_read_or_refused_with_a_caret(text: str) -> None:
    """No text does anything else: it is a condition, or an error whose last line is a caret."""
    said = "^"
    try:
        parse(text)
    except UsageError as error:
        said = error.message.rsplit("\n", 1)[-1].strip()
    assert "^" == said


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("", 0, "the text ends here, expected something measured"),
        ("roc_auc > 0.5", 0, "roc_auc does not say whose: a metric is written as challenger.roc_auc"),
        ("gain > 0", 5, "gain has to be followed by a dot and a metric"),
        ("chalenger.roc_auc > 0", 0, "did you mean challenger?"),
        ("gain.brier", 10, "the text ends here, expected a relation such as >= or between"),
        ("gain.brier > ", 13, "the text ends here, expected something measured such as challenger.log_loss, a number"),
        ("gain.brier betwen 1 and 2", 11, "did you mean between?"),
        ("gain.brier between 1 or 2", 21, "or does not fit here, expected and"),
        ("gain.brier > 0 AND gain.ece > 0", 15, "did you mean and?"),
        ("gain.brier > 0 && gain.ece > 0", 15, "write and"),
        ("!gain.brier < 0", 0, "write not, in front of the comparison"),
        ("gain.brier == 0", 11, "never shown to be equal"),
        ("gain.brier != 0", 11, "never shown to be equal"),
        ("0.8 <= gain.ece <= 1.2", 16, "for two limits write between ... and ..."),
        ("gain.brier > .5", 13, "numbers begin with a digit"),
        ("gain.brier > 5%", 14, "write 5 % as 0.05"),
        ("gain.brier > 1e999", 13, "too large"),
        ("gain.brier > 0 at 0.7", 18, "a level is a one-sided risk above 0 and at most 0.5"),
        ("gain.brier > 0 at 0", 18, "a level is a one-sided risk"),
        ("gain.brier > 0)", 14, ") does not fit here, expected and, or or the end"),
        ("(gain.brier > 0", 15, "the text ends here, expected"),
        ("gain.brier[origin = EWR] > 0", 20, 'a text stands in quotes: "EWR"'),
        ("gain.brier[late = True] > 0", 18, "did you mean true?"),
        ("gain.brier[origin == 'EWR'] > 0", 19, "= is written once"),
        ("gain.brier[origin > 'EWR'] > 0", 18, "> compares numbers"),
        ('gain.brier[origin = "EWR] > 0', 20, '" does not fit here'),
        ('gain.brier[origin = "\\q"] > 0', 20, "wrong escape"),
        ('gain.brier[origin = "\\ud800"] > 0', 20, "wrong escape"),
        ("gain.brier[origin = '\ud800'] > 0", 21, "half a character"),
        ("gain.brier[id = 9007199254740993] > 0", 16, "cannot be told from its neighbours"),
        ("\tgain.brier ?", 12, "? does not fit here"),
        ("gain.brier > 0 and\n  gain.ece ? 0", 11, "? does not fit here"),
        ("gain.größe漢 ? 0", 13, "? does not fit here"),
    ],
)
def test_mistakes_are_shown_at_their_character(text: str, column: int, said: str) -> None:
    """The caret stands under the first character that does not fit, and the sentence says what would."""
    message, caret = refused(text)
    assert said in message
    assert column == caret


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("__import__('os').system('true')", 0),
        ("eval('1') > 0", 0),
        ("gain.__class__.__mro__ > 0", 14),
        ("gain.brier > (lambda: 0)()", 14),
        ("gain.brier > [x for x in ()]", 13),
        ("gain.brier > 0; import os", 14),
        ("gain.brier > 0 if True else 1", 15),
        ("f'{open}' > 0", 0),
        ("{{ gain.brier }} > 0", 0),
        ("@gain.brier > 0", 0),
        ("gain.brier['x'] > 0", 11),
        ("gain.brier > \x1b[31m0", 13),
    ],
)
def test_code_is_refused_at_its_character(text: str, column: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text that would be code elsewhere is refused, and nothing of it is evaluated."""
    parse("gain.brier > 0")

    def never(*_: object) -> object:
        raise AssertionError("something was evaluated")

    for name in ("eval", "exec"):
        monkeypatch.setattr(f"builtins.{name}", never)
    assert column == refused(text)[1]


def test_long_and_deep_texts_are_refused() -> None:
    """More than 2,000 characters or 50 levels are refused before anything walks the tree."""
    long = " and ".join(["gain.brier > 0"] * 200)
    assert "2,000" in refused(long)[0]
    for deep in (
        "not " * 300 + "gain.brier > 0",
        "gain.brier > 0" + "+1" * 500,
        "gain.brier > " + "-" * 900 + "gain.x",
    ):
        assert f"more than {DEEPEST} deep" in refused(deep)[0]
    assert parse("(" * 900 + "gain.brier > 0" + ")" * 900) == parse("gain.brier > 0")
    allowed = "not " * (DEEPEST - 2) + "gain.brier > 0"
    assert allowed == canonical(parse(allowed))
    assert "more than" in refused("not " + allowed)[0]


def test_long_lines_are_cut_around_the_mistake() -> None:
    """A mistake far into a long line is shown with its neighbours, and the caret below it."""
    line, caret = pointed("x" * 500 + "?" + "y" * 500, 500).split("\n")
    assert "?" == line[caret.index("^")]
    assert len(line) < 130


def test_precedence_is_that_of_logic() -> None:
    """`not` binds before `and`, `and` before `or`; arithmetic is as in school, from left to right."""
    a, b, c = "gain.a > 1", "gain.b > 1", "gain.c > 1"
    assert parse(f"(not {a}) and {b} or {c}") == parse(f"not {a} and {b} or {c}")
    assert parse(f"({a} and {b}) or {c}") == parse(f"{a} and {b} or {c}")
    assert parse(f"{a} or {b} and {c}") != parse(f"({a} or {b}) and {c}")
    assert parse("gain.a > ((1 - 2) - 3) + ((4 * 5) / 6)") == parse("gain.a > 1 - 2 - 3 + 4 * 5 / 6")
    assert parse("gain.a between 1 and 2 and gain.b > 1") == parse("(gain.a between 1 and 2) and gain.b > 1")


def test_mentioned_names_each_measurement_once() -> None:
    """What has to be measured is named by whose, metric and slice, however often and wherever it stands."""
    found = mentioned(
        parse('gain.brier > 0 or not 2 * gain.brier < 1 and gain.brier[o = "a"] between 0 and champion.model_mb')
    )
    assert {"gain.brier", 'gain.brier[o = "a"]', "champion.model_mb"} == {canonical(each) for each in found}
    assert ["champion.model_mb"] == [canonical(each) for each in found if each.is_cost]


def test_the_parser_is_loaded_by_the_first_condition() -> None:
    """A project without conditions of its own does not pay for lark."""
    program = (
        "import sys; from ratchet.core.conditions import check, judge, mask, parse, tree, words;"
        "before = 'lark' in sys.modules; parse.parse('gain.brier > 0'); print(before, 'lark' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"},
    )
    assert "False True" == done.stdout.strip()
