"""Going back: to the version that served before, or to any that ever served."""

from __future__ import annotations

from datetime import datetime

from ratchet.core.ledger import champion, champion_at, not_loading, rollback_target, served
from ratchet.core.ledger_entries import EXCEPTIONS, Change, Entry, Line
from ratchet.core.ledger_words import when
from ratchet.errors import ChampionChanged, PromotionRefused, UsageError
from ratchet.flows.alias import follow
from ratchet.flows.clock import Clock, moment, now, stamp
from ratchet.flows.ledger import ledger
from ratchet.flows.permission import require_role
from ratchet.flows.rehearse import Probe, rehearse
from ratchet.io.mlflow import tracking
from ratchet.io.progress import say
from ratchet.io.room import read_params
from ratchet.settings import Settings


def rollback(
    settings: Settings,
    *,
    reason: str,
    to: int | None = None,
    at: str | None = None,
    clock: Clock = now,
    probe: Probe | None = None,
) -> Entry:
    """Return to the version that served before the serving one; or to version `to`, or to what served `at` a time.

    Its model is fetched, verified and loaded first: nothing changes if it could not serve. Asked again, with the same
    words, after one that was interrupted before the alias followed, it ends that one instead of going further back.
    Raises PromotionRefused if nothing served before, UsageError if that version never served.
    """
    params = read_params(settings.root)
    require_role(settings, params, "rollback")
    branch = ledger(settings, params)
    entries = branch.read()
    before = champion(entries, params.project.name)
    if before is not None and _same(settings, before, entries, reason=reason, to=to, at=at):
        with tracking(settings.mlflow_uri, params.project.name) as store:
            if store.alias(params.promotion.alias) != before.version:
                follow(branch, store, params, before)
                return before
    target = _target(entries, params.project.name, to=to, at=at)
    if exception := not_loading(entries, target.model).get(target.version):
        say(_warning(exception))
    rehearse(settings, params, target, probe)

    def decide(entries: tuple[Line, ...]) -> Change:
        serving = champion(entries, params.project.name)
        if serving is None or serving != before:
            now_serving, was = (each.version if each else "none" for each in (serving, before))
            raise ChampionChanged(
                f"another version serves by now: {now_serving}, and {was} when this began",
                next_step="look at ratchet history, then decide",
            )
        return _return(settings, target, serving, reason=reason, time=clock())

    with tracking(settings.mlflow_uri, params.project.name) as store:
        # Before the ledger names a version that the alias could then not follow.
        store.require_promoter()
        entry = branch.append(decide, Entry)
        follow(branch, store, params, entry)
    return entry


def _same(
    settings: Settings, last: Entry, entries: tuple[Line, ...], *, reason: str, to: int | None, at: str | None
) -> bool:
    """Whether the last change is what is asked for now, in the same words by the same person."""
    if (last.kind, last.actor, last.reason) != ("rollback", settings.actor, reason):
        return False
    wanted = _at(entries, last.model, at).version if at is not None else to
    return wanted in (None, last.version)


def _warning(exception: Entry) -> str:
    return (
        f"version {exception.replaces} did not load on {when(exception.time)}, when version {exception.version} was "
        f"promoted over it without a way back (ledger entry {exception.sequence}): {exception.no_way_back}"
    )


def _target(entries: tuple[Line, ...], model: str, *, to: int | None, at: str | None) -> Entry:
    if to is None and at is None:
        return rollback_target(entries, model)
    if to is not None and at is not None:
        raise UsageError("--to and --at are two wishes", next_step="leave one of them out")
    serving = champion(entries, model)
    found = _at(entries, model, at) if at is not None else _version(entries, model, to)
    if serving is not None and found.version == serving.version:
        raise PromotionRefused(f"version {found.version} serves already", next_step="ratchet history")
    return found


def _at(entries: tuple[Line, ...], model: str, at: str) -> Entry:
    found = champion_at(entries, model, moment(at))
    if found is None:
        raise UsageError(f"nothing served at {at}", next_step="ratchet history says what served when")
    return found


def _version(entries: tuple[Line, ...], model: str, version: int | None) -> Entry:
    found = [entry for entry in served(entries, model) if entry.version == version]
    if not found:
        ever = sorted({entry.version for entry in served(entries, model)})
        raise UsageError(
            f"version {version} never served",
            next_step=f"versions that did: {', '.join(map(str, ever))}" if ever else "nothing served yet",
        )
    return found[-1]


def _return(settings: Settings, target: Entry, serving: Entry, *, reason: str, time: datetime) -> Change:
    same = target.model_dump(include=set(Change.model_fields) - set(EXCEPTIONS))
    return Change(
        **{
            **same,
            "kind": "rollback",
            "replaces": serving.version,
            "actor": settings.actor,
            "time": stamp(time),
            "reason": reason,
        }
    )
