"""GitHub's expressions, `${{ ... }}`, as far as `concurrency` may hold them: pure, over contexts that are given.

Source: GitHub's "Evaluate expressions in workflows and actions". Names and text compare without regard to case; values
of different types compare as numbers; a property that is not there is null; `.*` applies what follows to each element.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from ratchet.errors import UsageError
from ratchet.forge.expression_values import COMPARE, FUNCTIONS, NUMBER, Each, Value, literal, pick, text, truth

TOKEN = re.compile(
    rf"""\s*(?:(?P<number>{NUMBER.pattern})
    |(?P<text>'(?:[^']|'')*')
    |(?P<name>[A-Za-z_][\w-]*)
    |(?P<sign>==|!=|<=|>=|&&|\|\||[<>!().,*\[\]]))""",
    re.VERBOSE,
)
WHOLE = re.compile(r"\$\{\{((?:[^'}]|'[^']*'|\}(?!\}))*)\}\}")
CONSTANTS: Mapping[str, Value] = {
    "true": True, "false": False, "null": None, "NaN": math.nan, "Infinity": math.inf,
}  # fmt: skip


def interpolate(template: str, contexts: Mapping[str, Value]) -> str:
    """Text with every `${{ ... }}` in it replaced by its value. Raises UsageError for one that cannot be read.

    >>> interpolate("pr-${{ github.event.number }}", {"github": {"event": {"number": 7}}})
    'pr-7'
    """
    return WHOLE.sub(lambda found: text(evaluate(found[1], contexts)), template)


def evaluate(expression: str, contexts: Mapping[str, Value]) -> Value:
    """The value of an expression without its braces. Raises UsageError if it cannot be read or names no context.

    >>> evaluate("github.ref == 'refs/heads/MAIN' && 1 || 2", {"github": {"ref": "refs/heads/main"}})
    1.0
    """
    return _Reader(expression, contexts).whole()


LEVELS = (("==", "!="), ("<", "<=", ">", ">="))


class _Reader:
    """Reads one expression from left to right, and evaluates as it goes."""

    def __init__(self, expression: str, contexts: Mapping[str, Value]) -> None:
        self._expression = expression
        self._contexts = contexts
        self._tokens = self._split()
        self._at = 0

    def whole(self) -> Value:
        value = self._either()
        if self._at < len(self._tokens):
            raise self._wrong(f"{self._tokens[self._at][1]!r} is one too many")
        return value

    def _either(self) -> Value:
        value = self._both()
        while self._take("||"):
            other = self._both()
            value = value if truth(value) else other
        return value

    def _both(self) -> Value:
        value = self._compared(0)
        while self._take("&&"):
            other = self._compared(0)
            value = other if truth(value) else value
        return value

    def _compared(self, level: int) -> Value:
        if level == len(LEVELS):
            return self._negated()
        value = self._compared(level + 1)
        while sign := self._take(*LEVELS[level]):
            value = COMPARE[sign](value, self._compared(level + 1))
        return value

    def _negated(self) -> Value:
        return not truth(self._negated()) if self._take("!") else self._path()

    def _path(self) -> Value:
        value = self._primary()
        while sign := self._take(".", "["):
            key = self._key() if sign == "." else self._index()
            value = pick(value, key)
        return value

    def _key(self) -> Value:
        if self._take("*"):
            return Each
        kind, word = self._next()
        if kind != "name":
            raise self._wrong(f"{word!r} is no property")
        return word

    def _index(self) -> Value:
        key = Each if self._take("*") else self._either()
        self._expect("]")
        return key

    def _primary(self) -> Value:
        kind, word = self._next()
        if kind == "number":
            return literal(word)
        if kind == "text":
            return word[1:-1].replace("''", "'")
        if word == "(":
            value = self._either()
            self._expect(")")
            return value
        if kind != "name":
            raise self._wrong(f"{word!r} is no value")
        return self._called(word) if self._take("(") else self._named(word)

    def _called(self, name: str) -> Value:
        function = FUNCTIONS.get(name.lower())
        values: list[Value] = []
        while not self._take(")"):
            if values:
                self._expect(",")
            values.append(self._either())
        if function is None:
            raise self._wrong(f"there is no function {name} here")
        try:
            return function(*values)
        except TypeError as error:
            raise self._wrong(f"{name} does not take {len(values)} values") from error

    def _named(self, name: str) -> Value:
        if name in CONSTANTS:
            return CONSTANTS[name]
        if name.lower() not in self._contexts:
            raise self._wrong(f"{name} is not known here")
        return self._contexts[name.lower()]

    def _take(self, *signs: str) -> str:
        if self._at < len(self._tokens) and self._tokens[self._at] in [("sign", sign) for sign in signs]:
            self._at += 1
            return self._tokens[self._at - 1][1]
        return ""

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise self._wrong("it ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise self._wrong(f"{sign} is missing")

    def _split(self) -> list[tuple[str, str]]:
        tokens, at, whole = [], 0, self._expression.rstrip()
        while at < len(whole):
            found = TOKEN.match(whole, at)
            if found is None or found.lastgroup is None:
                raise self._wrong(f"{whole[at:].strip()[:10]!r} means nothing")
            tokens.append((found.lastgroup, found[found.lastgroup]))
            at = found.end()
        return tokens

    def _wrong(self, why: str) -> UsageError:
        return UsageError(f"the expression {self._expression.strip()!r} cannot be read: {why}", next_step="mend it")
