"""Text in Markdown as GitHub shows it: what comes from a pull request stays text, whatever is in it."""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass

from ratchet.core.change.records import Comparison
from ratchet.core.report.text import shortened, words

BREAK = "\u200b"
"""A space of no width: GitHub looks for mentions, references and addresses in the text it has rendered."""
HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Categories of characters that are not seen: control, format (also what turns text around), separators of lines."""
LABEL = 24
"""Characters of a label on an axis."""
HEADING = 300
"""Characters of a line that is clicked on."""
COLOURS = {"base": "#9b9a97", "change": "#2383e2"}
DIRECTIVE = '%%{init: {"themeVariables": {"xyChart": {"plotColorPalette": "COLOURS"}}}}%%'

_MARKUP = re.compile(r"[\\`*\[\]~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_BLOCK = re.compile(r"^(\d*)([#+=.)-])")
_ADDRESSES = r"@|#(?=\w)|:(?=//)|\b(?:www(?=\.)|gh(?=-\d)|mailto(?=:)|xmpp(?=:))"
_IN_CODE = re.compile(_ADDRESSES, re.IGNORECASE)
"""GitHub makes no emoji of what stands in code: a time of day there stays whole."""
_REFERENCES = re.compile(rf"{_ADDRESSES}|:(?=[\w+-]+:)", re.IGNORECASE)


class Markup(str):
    """Markdown that we wrote: it is not escaped again."""

    __slots__ = ()


def visible(text: str) -> str:
    """`text` on one line, without the characters that nobody sees."""
    shown = "".join(" " if unicodedata.category(each) in HIDDEN else each for each in text)
    return " ".join(shown.split())


def inline(text: str) -> str:
    """`text` as Markdown that shows it: no tag, table cell, emphasis, link, mention or reference comes out of it."""
    return _escaped(_broken(text))


def plain(text: str) -> str:
    """As `inline`, where a line may start with it: it is no heading, list or rule either."""
    return _BLOCK.sub(r"\1\\\2", inline(text))


def _escaped(text: str) -> str:
    return _MARKUP.sub(r"\\\g<0>", html.escape(text, quote=False)).replace("|", "&#124;")


def _broken(text: str, where: re.Pattern[str] = _REFERENCES) -> str:
    return where.sub(lambda found: found.group() + BREAK, visible(text))


def summary(text: str) -> Markup:
    """`text` for a line of HTML, such as a `<summary>`, in which Markdown is not read."""
    return Markup(html.escape(_broken(shortened(text, HEADING))))


def code(text: str) -> Markup:
    """`text` set as a name."""
    return Markup(f"<code>{_escaped(_broken(text, _IN_CODE))}</code>" if visible(text) else "")


def link(text: str, url: str) -> Markup:
    """A link if `url` is a web address without anything that ends a link, else the bare text of both."""
    if re.fullmatch(r"https?://[A-Za-z0-9._~:/?#@!$&*+,;=%\[\]-]+", url):
        return Markup(f"[{plain(text)}](<{url}>)")
    return Markup(f"{plain(text)}: {plain(url)}")


@dataclass(frozen=True)
class Chart:
    """A picture in Markdown, and the words that go with it: Mermaid draws no legend."""

    words: str
    picture: Markup


def history_chart(comparison: Comparison, base: str) -> Chart | None:
    """The metric over the batches as a Mermaid chart: base and change where both are known, else the change alone.

    None with fewer than two batches: one point is no history. A line of Mermaid has no gaps, so that what only one
    of them has is left to the page.
    """
    both = [each for each in comparison.history if each.base is not None and each.change is not None]
    shown = both if len(both) > 1 else [each for each in comparison.history if each.change is not None]
    if len(shown) < 2:
        return None
    series = {"base": [each.base for each in shown]} if shown is both else {}
    series["change"] = [each.change for each in shown]
    labels = ", ".join(f'"{_label(each.batch)}{" (held out)" if each.held_out else ""}"' for each in shown)
    colours = ", ".join(COLOURS[name] for name in series)
    lines = (
        DIRECTIVE.replace("COLOURS", colours),
        "xychart-beta",
        f"    x-axis [{labels}]",
        f'    y-axis "{_label(words(comparison.loss))}"',
        *(f"    line [{', '.join(f'{value or 0.0:.5f}' for value in values)}]" for values in series.values()),
    )
    legend = f"⚪ {base} and 🔵 this change" if "base" in series else "This change"
    picture = Markup("\n".join(("```mermaid", *lines, "```")))
    return Chart(f"{words(comparison.loss)} on each batch, {legend}:", picture)


def _label(text: str) -> str:
    """Letters, digits and what batches are named with: nothing that Mermaid could read."""
    kept = "".join(each if each.isalnum() or each in " ._-+/" else "·" for each in visible(text)[:LABEL])
    return kept.strip() or "·"
