"""Why somebody does what others will want to understand."""

from __future__ import annotations

from ratchet.errors import UsageError


def require_reason(what: str, reason: str) -> str:
    """The reason without blanks around it. Raises UsageError if there is none for `what`, such as "a freeze".

    >>> require_reason("a freeze", " holidays ")
    'holidays'
    """
    said = reason.strip()
    if not said:
        raise UsageError(f"{what} needs a reason, which the ledger keeps", next_step='say why: --reason "..."')
    return said
