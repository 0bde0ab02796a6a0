"""Why the metric moved: the pipeline run again with some of what changed, and the gain shared out.

With k of data, code and params changed there are 2^k - 2 combinations between the base and the change, and one more if
the libraries changed: the base's environment cannot be had again, so its inputs are run with today's, and what that
alone does to the metric is the libraries' part.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ratchet.core.change.attribution import (
    BASE,
    Cause,
    Combination,
    Factor,
    Losses,
    Noise,
    combinations_of,
    named,
    share,
)
from ratchet.core.change.attribution import FACTORS as ALL
from ratchet.core.change.records import Attribution, Part
from ratchet.core.metrics import row_losses
from ratchet.core.scoring import Scores
from ratchet.errors import DataRefused, RatchetError
from ratchet.flows.base_model import base_model, of_other_libraries
from ratchet.flows.counterfactual import HeldOut, held_out, known, rerun, scores_on
from ratchet.io.progress import say
from ratchet.io.revision import Revision
from ratchet.io.workspace import ENVIRONMENT, Parts, RerunFailed, identity
from ratchet.settings import Settings

Floats = NDArray[np.float64]


@dataclass
class _Work:
    """What is known so far: losses by combination, and what they cost."""

    settings: Settings
    base: Revision
    rows: HeldOut
    losses: dict[Combination, Floats] = field(default_factory=dict)
    recorded: Floats | None = None
    by_inputs: dict[str, Floats] = field(default_factory=dict)
    reruns: int = 0
    from_cache: int = 0


def attribute(
    settings: Settings,
    base: Revision,
    *,
    changed: Collection[Cause],
    asked: bool,
    budget_seconds: float,
    train_seconds: float | None,
    seed_sd: float | None,
) -> Attribution:
    """Share out the gain of the work tree's model over the base's among what `changed`.

    One cause has it all. Several need reruns: they happen if `asked`, or if those that must train take no longer than
    `budget_seconds` together, at `train_seconds` each (None: not known). `seed_sd` is the deviation of the gate's
    metric over `report.seeds` refits; None: not measured. What stands in the way is a note, not an error.
    Raises ServiceFailed if nothing was run here yet.
    """
    started = time.monotonic()
    work = _Work(settings, base, held_out(settings.root))
    parts: tuple[Part, ...] = ()
    total, note = None, ""
    try:
        ends = _ends(work, changed)
        total = float((ends[0] - ends[1]).mean())
        plan = _plan(work, changed)
        note = "" if asked else _too_long(work, plan, budget_seconds, train_seconds)
        if not note:
            _run(work, plan)
            parts = share(Losses(combined=work.losses, recorded=work.recorded), _noise(work.rows, seed_sd))
    except RatchetError as refused:
        note = refused.message
    return Attribution(
        metric=work.rows.params.gate.metric,
        total=total,
        parts=parts,
        reruns=work.reruns,
        from_cache=work.from_cache,
        seconds=time.monotonic() - started,
        note=note,
    )


def _ends(work: _Work, changed: Collection[Cause]) -> tuple[Floats, Floats]:
    """The losses of the base's model as it was recorded, and of the change's."""
    rows = work.rows
    with base_model(work.settings, work.base) as other, of_other_libraries(other.model.record.libraries):
        try:
            old = _losses(rows, scores_on(rows, other.model, other.home))
        except DataRefused as refused:
            raise DataRefused(f"the base's model cannot be judged here: {refused.message}") from refused
    new = _losses(rows, scores_on(rows, rows.own, rows.root))
    work.by_inputs[identity(rows.root, Parts())] = new
    everything = frozenset(factor for factor in ALL if factor in changed)
    if "dependencies" in changed:
        work.recorded = old
    else:
        work.by_inputs[identity(rows.root, _parts(work, BASE, libraries=""))] = old
        work.losses[BASE] = old
    work.losses[everything] = new
    return old, new


def _plan(work: _Work, changed: Collection[Cause]) -> dict[Combination, Parts]:
    """The combinations whose losses are not known yet, with what they are made of."""
    libraries = _libraries(work) if "dependencies" in changed else ""
    factors: list[Factor] = [factor for factor in ALL if factor in changed]
    plan: dict[Combination, Parts] = {}
    for combination in combinations_of(factors):
        if combination in work.losses:
            continue
        parts = _parts(work, combination, libraries=libraries)
        same = work.by_inputs.get(identity(work.rows.root, parts))
        if same is None:
            plan[combination] = parts
        else:
            work.losses[combination] = same
    return plan


def _too_long(
    work: _Work, plan: Mapping[Combination, Parts], budget_seconds: float, train_seconds: float | None
) -> str:
    """Why the reruns do not happen unasked, and how to ask; empty if they may."""
    missing = sum(not known(work.settings, parts) for parts in plan.values())
    if not missing or (train_seconds is not None and missing * train_seconds <= budget_seconds):
        return ""
    reruns = "1 rerun" if missing == 1 else f"{missing} reruns"
    each = "" if missing == 1 else " each"
    cost = f"would take about {train_seconds:.0f} s{each}" if train_seconds is not None else "may take long"
    return f"{reruns} {cost}; ask with the label `explain`, or: ratchet report --base {work.base.commit[:9]} --explain"


def _run(work: _Work, plan: Mapping[Combination, Parts]) -> None:
    """Fill in the losses. Raises DataRefused that names the combination that cannot be."""
    factors = max(work.losses, key=len)
    for number, (combination, parts) in enumerate(plan.items(), start=1):
        words = named(combination, factors)
        cached = " (from the run cache)" if known(work.settings, parts) else ""
        say(f"explain {number} of {len(plan)}: {words}{cached}")
        try:
            with rerun(work.settings, parts) as done:
                work.losses[combination] = _losses(work.rows, scores_on(work.rows, done.model, done.home))
        except RerunFailed as failed:
            raise DataRefused(f"{words} cannot run together: {failed.words}") from failed
        except RatchetError as refused:
            raise DataRefused(f"{words} cannot be judged: {refused.message}") from refused
        work.reruns += 1
        work.from_cache += not done.trained


def _parts(work: _Work, combination: Combination, *, libraries: str) -> Parts:
    data, code, params = (None if factor in combination else work.base for factor in ALL)
    return Parts(data=data, code=code, params=params, libraries=libraries)


def _libraries(work: _Work) -> str:
    """A name for the libraries that are locked here."""
    path = work.rows.root / ENVIRONMENT
    return hashlib.sha256(path.read_bytes() if path.is_file() else b"").hexdigest()[:16]


def _losses(rows: HeldOut, scores: Scores) -> Floats:
    return row_losses(rows.params.gate.metric, rows.target, scores, rows.prices)


def _noise(rows: HeldOut, seed_sd: float | None) -> Noise:
    seeds = rows.params.report.seeds
    return Noise(clusters=rows.clusters, alpha=rows.params.gate.alpha, seed_sd=seed_sd if seeds else None, seeds=seeds)
