"""The commit status that carries the verdict, and may be required for merging. Green is what was shown to be fine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ratchet.core.report.own_rules import edited_rules
from ratchet.core.report.text import moved, number

if TYPE_CHECKING:
    from ratchet.core.change.records import ParamChange
    from ratchet.core.decision import Decision

CONTEXT = "ratchet/gate"
LONGEST = 140
"""The longest description that GitHub takes, in characters."""
ANSWER = "sealed"
"""The condition that says no more than the verdict."""
RULE = 40
"""Characters of a parameter that decides how a change is judged, with its values."""


def context_of(model: str = "") -> str:
    """The status's name: a model that shares its repository with others has one of its own.

    >>> context_of(), context_of("late")
    ('ratchet/gate', 'ratchet/gate/late')
    """
    return f"{CONTEXT}/{model}" if model else CONTEXT


@dataclass(frozen=True, kw_only=True)
class GateStatus:
    """A state of GitHub's, and one line that says why."""

    state: Literal["error", "failure", "pending", "success"]
    description: str


def of_decision(decision: Decision, params: Iterable[ParamChange] = ()) -> GateStatus:
    """Green for a promotion, and where the model is the very one that serves: merging then changes nothing served.

    `params` are the parameters that the change edits: those that decide how it is judged are named.
    """
    rules = _rules(edited_rules(params))
    if decision.evidence.challenger_is_champion:
        same = "same model: the change makes the model that already serves"
        return GateStatus(state="success", description=same + rules)
    state: Literal["success", "failure"] = "success" if decision.verdict == "promote" else "failure"
    why = _sealed(decision) or f"{decision.verdict}: {_gain(decision) or decision.reason}"
    return GateStatus(state=state, description=shorten(why, LONGEST - len(rules)) + rules)


def _sealed(decision: Decision) -> str:
    """'not promoted: look 3 at 2013-07, at level 0.0013; 17 more are in the budget'; empty for an open decision."""
    if decision.seal is None:
        return ""
    # Imported late: it brings numpy, and most that asks for a status judges nothing sealed.
    from ratchet.core.report.sealed import budget_of, word_of

    failed = [each.sentence for each in decision.conditions if not each.passed and each.name != ANSWER]
    return f"{word_of(decision)}: {'; '.join(failed) or budget_of(decision)}"


def _gain(decision: Decision) -> str:
    """'log_loss: gain +0.0061, p 0.007 < 0.1 (not worse by 0.005)'; empty if it is not the gain alone that decided."""
    from ratchet.core.decision import decisive

    decided_by, compared = decisive(decision.conditions), decision.evidence.comparison
    if compared is None or [each.name for each in decided_by] != ["better"] or decided_by[0].estimate is None:
        return ""
    alpha, margin = decision.policy.alpha, decision.policy.margin_for(refit=decision.evidence.refit)
    goal = f"not worse by {margin:.4g}" if margin else "better"
    found = f"p {_against(compared.p_better, alpha)} ({goal})"
    if decided_by[0].harm:
        found = f"shown to be worse, p {_against(compared.p_worse, alpha)}"
    return f"{decision.evidence.metric}: gain {number(compared.gain, sign='+')}, {found}"


def _against(p: float, alpha: float) -> str:
    """On which side of alpha p is, with as many digits as show it: '0.007 < 0.1', '0.4, not below 0.1'."""
    below = p < alpha
    text = next(text for digits in (2, 4, 8, 17) if (float(text := f"{p:.{digits}g}") < alpha) == below)
    return f"{text} < {alpha:g}" if below else f"{text}, not below {alpha:g}"


def _rules(edited: Sequence[ParamChange]) -> str:
    """That the change is judged by its own rules: never cut off, so that it is short itself."""
    if not edited:
        return ""
    first = moved(edited[0].key, edited[0].old, edited[0].new)
    more = f" and {len(edited) - 1:,} more" if len(edited) > 1 else ""
    return f"; edits how it is judged: {shorten(first, RULE)}{more}"


def of_no_decision(result: str) -> GateStatus:
    """The run ended without a decision; `result` is how (failure, cancelled, skipped), as far as it is known."""
    ended = f"training ended with: {result}" if result and result != "success" else "the run left no decision"
    return GateStatus(state="error", description=shorten(f"no verdict: {ended}"))


def of_all(states: Mapping[str, str]) -> GateStatus:
    """The one status over those of all models of a repository that a change touches: `states` has each model's.

    >>> of_all({"late": "success", "early": "failure"})
    GateStatus(state='failure', description='early: failure')
    >>> of_all({"late": "success", "early": ""}).state
    'pending'
    """
    worst: tuple[Literal["error", "failure"], ...] = ("error", "failure")
    against = {name: state for name, state in states.items() if state in worst}
    waiting = [name for name, state in states.items() if state not in (*worst, "success")]
    if against:
        state = next(each for each in worst if each in against.values())
        said = ", ".join(f"{name}: {each}" for name, each in sorted(against.items()))
        return GateStatus(state=state, description=shorten(said))
    if waiting:
        return GateStatus(state="pending", description=shorten(f"waits for {', '.join(sorted(waiting))}"))
    return GateStatus(state="success", description=shorten(f"all that the change touches: {', '.join(sorted(states))}"))


PENDING = GateStatus(state="pending", description="the change is being trained and judged")


def shorten(text: str, most: int = LONGEST) -> str:
    """One line of at most `most` characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"
