"""Words of strangers in messages of ours: file names, member names, keys of a file that somebody else wrote."""

from __future__ import annotations

import re

SHOWN = 80
"""How many characters of a stranger's text a message shows."""

UNSAFE = re.compile(r"[^A-Za-z0-9 ._/=+,:()'-]")
"""What is left out: a markup language, a terminal or a workflow command could make something of it."""


def shown(text: str, *, limit: int = SHOWN) -> str:
    """`text` as it may stand in a message or between backticks: one short line of letters, digits and plain marks.

    Everything else becomes a question mark, and so does a colon beside another one, which begins a workflow command.

    >>> shown("a`<b>::c")
    'a??b???c'
    """
    plain = UNSAFE.sub("?", text[:limit]).replace("::", "??")
    return plain if len(text) <= limit else f"{plain}..."
