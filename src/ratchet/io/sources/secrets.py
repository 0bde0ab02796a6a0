"""Credentials: from the environment alone, and masked in everything that foreign libraries say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from ratchet.errors import UsageError

MASK = "***"
CLOUD = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


@dataclass(frozen=True)
class Secrets:
    """Values that must not be shown. Prints without them."""

    values: tuple[str, ...] = field(default=(), repr=False)

    def masked(self, text: object) -> str:
        """The text without the values, however they are quoted in it."""
        shown = str(text)
        for value in sorted(self._forms(), key=len, reverse=True):
            shown = shown.replace(value, MASK)
        return shown

    def _forms(self) -> set[str]:
        return {form for value in self.values for form in (value, quote(value, safe=""), unquote(value)) if form}


NONE = Secrets()


def of_cloud(environment: Mapping[str, str]) -> Iterable[str]:
    """The secrets among the variables that object stores are reached by."""
    return (environment[name] for name in CLOUD if environment.get(name))


def required(environment: Mapping[str, str], name: str, *, where: str) -> str:
    """The value of a variable. Raises UsageError if it is not set; the message never has a value."""
    value = environment.get(name, "")
    if not value:
        raise UsageError(
            f"params.yaml: {where}: the variable {name} is not set",
            next_step=f"set {name} in the environment, or in .ratchet/env, which is never committed",
        )
    return value


def bare(url: str) -> str:
    """A URL without user and password.

    >>> bare("https://ana:secret@example.org/a.csv")
    'https://example.org/a.csv'
    """
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if "@" in parts.netloc else url
