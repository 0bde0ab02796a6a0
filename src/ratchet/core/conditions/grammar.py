"""The grammar (LALR(1)), and its terminals in words.

WHOSE, METRIC and COLUMN look alike and are told apart by what may stand where they stand; so a column may be called
`and`. Lark is imported by the first condition that is read: a project without conditions of its own never pays for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lark import Lark

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


@cache
def parser() -> Lark:
    """The parser, made once per process; it gives trees of `tree`."""
    from lark import Lark

    from ratchet.core.conditions.build import Builder

    return Lark(GRAMMAR, parser="lalr", lexer="contextual", start=["condition", "where"], transformer=Builder())
