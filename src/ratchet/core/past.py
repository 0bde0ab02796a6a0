"""A decision of the past, as its file has it: in today's format, or of one that is only named."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from ratchet.core.decision import Decision
from ratchet.core.deliveries import without_late
from ratchet.core.manifest import digest_of

UNKNOWN = "unknown"
NAMED = 3
"""Fields that a sentence names."""


@dataclass(frozen=True, kw_only=True)
class Past:
    """What the file of a decision says. `decision` is None if it is of another format, and `unread` says of which.

    `policy_digest` is that of the policy as it stands in the file; `verdict` and `holdout` are told of any format.
    """

    decision: Decision | None
    unread: str
    policy_digest: str
    verdict: str
    holdout: tuple[str, ...]


def read_past(text: str | bytes) -> Past:
    """Read a decision, whatever version wrote it; what cannot be read is a result, not an error."""
    try:
        tree = json.loads(text)
    except ValueError:
        return _unread("the file is no JSON", {})
    if not isinstance(tree, Mapping) or not {"verdict", "evidence", "policy"} <= set(tree):
        return _unread("the file is no decision: it has no verdict, evidence or policy", {})
    try:
        decision = Decision.model_validate_json(text)
    except ValidationError as error:
        return _unread(_format(error), tree)
    return Past(
        decision=decision,
        unread="",
        policy_digest=digest_of(tree["policy"]),
        verdict=decision.verdict,
        holdout=decision.evidence.holdout,
    )


def shows(text: str | bytes, batch: str) -> bool:
    """Whether a decision's file, of whatever format, shows what the labels of a batch say.

    It does if the batch judged and the policy did not seal it, or does not say so.
    """
    try:
        tree = json.loads(text)
    except ValueError:
        return False
    evidence, policy = (_part(tree, name) for name in ("evidence", "policy"))
    judged = {without_late(str(name)) for name in evidence.get("holdout") or ()}
    return batch in judged and _part(policy, "reuse").get("policy", "open") == "open"


def _part(tree: object, name: str) -> Mapping[str, Any]:
    part = tree.get(name) if isinstance(tree, Mapping) else None
    return part if isinstance(part, Mapping) else {}


def _unread(why: str, tree: Mapping[str, object]) -> Past:
    evidence = tree.get("evidence")
    batches = evidence.get("holdout") if isinstance(evidence, Mapping) else None
    names = tuple(str(name) for name in batches) if isinstance(batches, list | dict) else ()
    verdict = tree.get("verdict")
    return Past(
        decision=None,
        unread=why,
        policy_digest="",
        verdict=verdict if isinstance(verdict, str) else UNKNOWN,
        holdout=names,
    )


def _format(error: ValidationError) -> str:
    """'of an older format: it has evidence.challenger_metrics, and no evidence.metrics'."""
    places: dict[str, list[str]] = {"extra_forbidden": [], "missing": [], "other": []}
    for problem in error.errors(include_url=False, include_input=False):
        kind = problem["type"] if problem["type"] in places else "other"
        places[kind].append(".".join(str(part) for part in problem["loc"]))
    said = [
        f"{words} {', '.join(found[:NAMED])}"
        for words, found in (
            ("it has", places["extra_forbidden"]),
            ("it has no", places["missing"]),
            ("it says otherwise", places["other"]),
        )
        if found
    ]
    return f"of an older format than this version reads: {', and '.join(said)}"
