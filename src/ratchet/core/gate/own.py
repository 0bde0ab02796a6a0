"""The project's own conditions, in the language of docs/conditions.md."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ratchet.core.decision import CHAMPION, Condition, Evidence
from ratchet.core.gate.rows import MIN_INDEPENDENT_ROWS
from ratchet.core.params import Gate
from ratchet.errors import UsageError

if TYPE_CHECKING:
    from ratchet.core.conditions.judge import Judged


def own(evidence: Evidence, policy: Gate) -> Iterator[Condition]:
    """One condition per entry of `gate.conditions`: it is shown to be true. Shown false is harm."""
    for name, text in sorted(policy.conditions.items()):
        try:
            yield _condition(name, text, evidence, policy)
        except UsageError as mistake:
            yield Condition(
                name=f"own:{name}",
                passed=False,
                sentence=mistake.message.partition("\n")[0],
                remedy="mend it in params.yaml; docs/conditions.md has the language",
            )


def _condition(name: str, text: str, evidence: Evidence, policy: Gate) -> Condition:
    """Raises UsageError if the text cannot be read, or makes no sense for the task."""
    # A project without conditions of its own does not load the language.
    from ratchet.core.conditions.check import check
    from ratchet.core.conditions.judge import judge
    from ratchet.core.conditions.parse import parse
    from ratchet.core.conditions.shown import Enough
    from ratchet.core.evidence.measures import EvidenceMeasures

    requirement = parse(text, name=name)
    check(requirement, evidence.task)
    enough = Enough(clusters=policy.min_clusters, independent_rows=MIN_INDEPENDENT_ROWS)
    judged = judge(requirement, EvidenceMeasures(evidence), policy.alpha, enough=enough)
    found = judged.parts[0] if len(judged.parts) == 1 else None
    passed = judged.state == "shown true"
    return Condition(
        name=f"own:{name}",
        passed=passed,
        sentence=judged.sentence,
        remedy="" if passed else _remedy(judged, evidence),
        harm=judged.state == "shown false",
        estimate=found.value if found else None,
        low=found.low if found else None,
        high=found.high if found else None,
        threshold=(found.least if found.most is None else found.most) if found else None,
        rows=found.rows if found else None,
        clusters=found.clusters if found else None,
    )


def _remedy(judged: Judged, evidence: Evidence) -> str:
    if judged.state == "shown false":
        return "a model of which it is true"
    unmeasured = [part for part in judged.parts if part.value is None]
    if any("champion." in part.text for part in unmeasured) and evidence.reference != CHAMPION:
        return "nothing serves, and what nothing costs is not known; gate.costs with vs_champion allows for that"
    if unmeasured:
        return "rows on which everything in it is defined, and columns that are there"
    return "a model of which it is true, or more rows that show it"
