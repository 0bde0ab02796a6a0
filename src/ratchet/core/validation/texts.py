"""Text that was decoded wrongly, characters that no text has, and spellings of one text."""

from __future__ import annotations

import polars as pl

CONTROL = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]"
"""Control characters but tab, line feed and carriage return."""
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
"""What a decoder leaves in place of bytes that it could not read."""


def decoded_rightly(values: pl.Series) -> pl.Series:
    """For each text, whether it reads as it was written; a missing one does, or is missing.

    A text is decoded wrongly if it holds a replacement character, or if ftfy both finds it improbable and can undo the
    wrong decoding. Only distinct values with other than ASCII characters are looked at.
    """
    suspects = values.filter(values.str.len_bytes() != values.str.len_chars()).unique()
    wrong = [text for text in suspects.to_list() if _is_mojibake(text)]
    if not wrong:
        return pl.repeat(value=True, n=len(values), dtype=pl.Boolean, eager=True)
    return ~values.is_in(wrong)


def plainly(value: str) -> str:
    """A text without what spellings differ in: capitals, blanks, accents' forms and punctuation.

    >>> plainly("Newark, NJ") == plainly("NEWARK NJ")
    True
    """
    return "".join(each for each in value.casefold() if each.isalnum())


def _is_mojibake(text: str) -> bool:
    import ftfy
    from ftfy.badness import is_bad

    return REPLACEMENT in text or bool(is_bad(text) and ftfy.fix_encoding(text) != text)
