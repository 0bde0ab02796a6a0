"""From a text to a tree by a grammar (LALR(1)), or to an error that points at the character.

WHOSE, METRIC and COLUMN look alike and are told apart by what may stand where they stand; so a column may be called
`and`. Lark is imported by the first condition that is read: a project without conditions of its own never pays for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Self

from ratchet.core.conditions.fault import Fault, located
from ratchet.core.conditions.tree import EVERYWHERE, WHOSE, Requirement, Where
from ratchet.errors import did_you_mean

if TYPE_CHECKING:
    from lark import Lark
    from lark.exceptions import UnexpectedInput

GRAMMAR = r"""
?condition: either
either: both ("or" both)*
both: negation ("and" negation)*
?negation: NOT negation -> negated
         | sum RELATION sum level -> comparison
         | sum BETWEEN sum "and" sum level -> between
         | "(" condition ")"
level: ("at" NUMBER)?

sum: product ((PLUS | MINUS) product)*
product: unary ((TIMES | OVER) unary)*
?unary: MINUS unary -> negative
      | NUMBER -> number
      | WHOSE "." METRIC ("[" where "]")? -> subject
      | "(" sum ")"

where: term ("and" term)*
term: column (RELATION | EQUALITY) value
column: COLUMN | QUOTED_COLUMN
value: MINUS? NUMBER -> number_value
     | STRING -> text_value
     | (TRUE | FALSE) -> truth_value

RELATION: "<=" | ">=" | "<" | ">"
EQUALITY: "!=" | "="
NOT: "not"
BETWEEN: "between"
TRUE: "true"
FALSE: "false"
PLUS: "+"
MINUS: "-"
TIMES: "*"
OVER: "/"
NUMBER: /[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?/
STRING: /"(\\.|[^"\\\n])*"/ | /'[^'\\\n]*'/
WHOSE: /[^\W\d]\w*/
METRIC: /[^\W\d]\w*/
COLUMN: /[^\W\d]\w*/
QUOTED_COLUMN: /`[^`\n]+`/
%ignore /[ \t\r\n]+/
"""

WORDS: Mapping[str, str] = MappingProxyType(
    {
        "WHOSE": "something measured such as challenger.log_loss",
        "NUMBER": "a number",
        "METRIC": "a metric",
        "COLUMN": "a column",
        "STRING": "a text in quotes",
        "TRUE": "true or false",
        "RELATION": "a relation such as >=",
        "EQUALITY": "=",
        "BETWEEN": "between",
        "AND": "and",
        "OR": "or",
        "NOT": "not",
        "AT": "at",
        "DOT": "a dot",
        "LPAR": "(",
        "RPAR": ")",
        "LSQB": "[",
        "RSQB": "]",
        "PLUS": "arithmetic",
        "$END": "the end",
    }
)
"""What a message says was expected, in this order; a terminal that is not here goes with one that is."""
KEYWORDS = ("and", "or", "not", "between", "at", "true", "false")
LONGEST = 2000
"""Characters of a condition."""
BEHIND = frozenset({"AND", "OR", "$END"})
"""What may follow a whole condition."""
NEVER_EQUAL = "; write <=, >= or between: a number with an interval is never shown to be equal to another"
LONGEST_WORD = 40
"""Characters of a word that a message shows."""
INSTEAD = {
    "&": "write and",
    "|": "write or",
    "!": "write not, in front of the comparison",
    "%": "write 5 % as 0.05",
    ":": "a condition is one line of params.yaml: a name, a colon, and the text",
}
"""What to write for characters that other languages have."""


def parse(text: str, *, name: str = "condition") -> Requirement:
    """The condition that `text` says; `name` is its key in `gate.conditions`, for messages.

    Raises UsageError with a caret below the first character that does not fit.
    """
    with located(name, text):
        return Requirement(_read(text, "condition"), name, text)


def parse_where(text: str, *, name: str = "condition") -> Where:
    """The slice that `text` says, such as `canonical` writes it; the empty text is all rows. Raises as `parse`."""
    with located(name, text):
        return _read(text, "where") if text else EVERYWHERE


@cache
def _parser() -> Lark:
    """The parser, made once per process; it gives trees of `tree`."""
    from lark import Lark

    from ratchet.core.conditions.build import Builder

    return Lark(GRAMMAR, parser="lalr", lexer="contextual", start=["condition", "where"], transformer=Builder())


def _read(text: str, what: Literal["condition", "where"]) -> Any:
    from lark.exceptions import UnexpectedInput

    if len(text) > LONGEST:
        raise Fault(LONGEST, f"it has {len(text):,} characters, and may have {LONGEST:,}: split it into several")
    try:
        text.encode()
        return _parser().parse(text, start=what)
    except UnicodeEncodeError as error:
        raise Fault(error.start, "half a character stands here") from error
    except UnexpectedInput as error:
        raise _fault(_Stop.of(text, error)) from error


@dataclass(frozen=True, kw_only=True)
class _Stop:
    """Where a text stops to make sense, what stands there, which token is before it, and what could follow."""

    place: int
    found: str
    before: Any
    accepted: frozenset[str]

    @classmethod
    def of(cls, text: str, error: UnexpectedInput) -> Self:
        """Lark puts the end of the text where its last word begins, and characters that are no token have none."""
        token = getattr(error, "token", None)
        place = len(text) if token is not None and token.type == "$END" else error.pos_in_stream or 0
        stopped: Any = error.interactive_parser
        stack = stopped.parser_state.value_stack
        return cls(
            place=place,
            found=text[place : place + 1] if token is None else str(token),
            before=stack[-1] if stack else None,
            accepted=frozenset(stopped.accepts()) or BEHIND,
        )


def _fault(stop: _Stop) -> Fault:
    if getattr(stop.before, "type", "") == "WHOSE":
        return _without_metric(stop.before, stop)
    shown = stop.found if stop.found.isprintable() else repr(stop.found)
    what = f"{_short(shown)} does not fit here" if stop.found else "the text ends here"
    words = [words for terminal, words in WORDS.items() if terminal in stop.accepted]
    expected = f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]
    return Fault(stop.place, f"{what}, expected {expected}{_instead(stop)}")


def _without_metric(word: Any, stop: _Stop) -> Fault:
    """A word that stands for something measured, and is not followed by a dot."""
    if word in WHOSE:
        return Fault(stop.place, f"{word} has to be followed by a dot and a metric, such as {word}.log_loss")
    shown = _short(word)
    if stop.found == "(":
        return Fault(word.start_pos, f"{shown} is no function: a condition has none")
    if word.lower() in KEYWORDS:
        return Fault(word.start_pos, f"{shown} does not fit here, expected {WORDS['WHOSE']} or {WORDS['NUMBER']}")
    whose = ", ".join(f"{each}.{shown}" for each in WHOSE)
    return Fault(word.start_pos, f"{shown} does not say whose: a metric is written as {whose}")


def _short(word: str) -> str:
    return word if len(word) <= LONGEST_WORD else f"{word[:LONGEST_WORD]}..."


def _instead(stop: _Stop) -> str:
    """The nearest keyword, or how this language says what another one says so."""
    if stop.found[:1].isalpha():
        quoted = f'; a text stands in quotes: "{_short(stop.found)}"' if "STRING" in stop.accepted else ""
        return did_you_mean(stop.found.lower(), [each for each in KEYWORDS if each.upper() in stop.accepted]) or quoted
    if stop.found in ("=", "!="):
        return "; = is written once" if "STRING" in stop.accepted else NEVER_EQUAL
    if stop.found in ("<", "<=", ">", ">=") and stop.accepted >= BEHIND:
        return "; for two limits write between ... and ..."
    if stop.found == "." and "NUMBER" in stop.accepted:
        return "; numbers begin with a digit, such as 0.5"
    return f"; {INSTEAD[stop.found]}" if stop.found in INSTEAD else ""
