"""A person's approval of a run's environment, as GitHub or the forge recorded it, becomes one in the ledger.

Who it was comes from the API's answer about the very run that asks, never from a variable. Each approval counts for
one version: where the ledger has it for another one, somebody tried to use it twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ratchet.core.candidates import Candidate
from ratchet.core.ledger_entries import OpinionEntry
from ratchet.errors import PromotionRefused, UsageError
from ratchet.flows.clock import Clock, now
from ratchet.flows.ledger import ledger
from ratchet.flows.opinions import give_opinion
from ratchet.io.github.client import connect
from ratchet.io.github.deployments import Review
from ratchet.io.room import read_params
from ratchet.settings import Settings


@dataclass(frozen=True)
class Heard:
    """One person's approval: whether it was written now, and else why it counts for nothing (empty: it was before)."""

    who: str
    written: bool
    why: str = ""


def record_approvals(
    settings: Settings, found: Candidate, environment: str, *, clock: Clock = now
) -> tuple[Heard, ...]:
    """Write who approved this run's `environment` as approvals of a candidate, each person's once.

    What would not count is told, not raised. Raises UsageError outside a run, GitHubFailed if the API does not answer,
    ServiceFailed.
    """
    if not settings.github.run_id:
        raise UsageError(
            "--approvals-from-environment is for a workflow's run, and GITHUB_RUN_ID names none",
            next_step='elsewhere: ratchet approve VERSION --reason "..."',
        )
    api = connect(settings.github)
    try:
        reviews = api.deployments.reviews(settings.github.run_id)
    finally:
        api.close()
    said = {each.who: each for each in _of(reviews, environment)}
    used = _used(settings, found) if said else {}
    return tuple(
        Heard(each.who, written=False, why=f"it was given for version {used[each.who]}")
        if each.who in used
        else _record(settings, found, each, environment, clock=clock)
        for each in said.values()
    )


def _of(reviews: Iterable[Review], environment: str) -> Iterable[Review]:
    return (each for each in reviews if each.approved and each.who and environment in each.environments)


def _record(settings: Settings, found: Candidate, review: Review, environment: str, *, clock: Clock) -> Heard:
    person = replace(settings, actor=review.who)
    reason = review.comment.strip() or f"approved the environment {environment} of run {settings.github.run_id}"
    try:
        _, written = give_opinion(
            person, found.version, "approval", reason=reason, link=settings.github.run_page, clock=clock
        )
    except PromotionRefused as refused:
        return Heard(review.who, written=False, why=refused.message)
    return Heard(review.who, written=written)


def _used(settings: Settings, found: Candidate) -> dict[str, int]:
    """By person whose approval of this run is written for another version: which one."""
    page = settings.github.run_page
    return {
        each.actor: each.version
        for each in ledger(settings, read_params(settings.root)).read()
        if isinstance(each, OpinionEntry)
        and (each.kind, each.link) == ("approval", page)
        and (each.model, each.version) != (found.entry.model, found.version)
    }
