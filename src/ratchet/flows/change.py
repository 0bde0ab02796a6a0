"""What a change did against its base, as one record: the models, the inputs, the stages, and why the metric moved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ratchet.core.change.attribution import Cause
from ratchet.core.change.code import can_change_model
from ratchet.core.change.records import Attribution, Change, Comparison, DataChange, StageRun
from ratchet.errors import RatchetError
from ratchet.flows.attribute import attribute
from ratchet.flows.base_model import UP_TO_THE_MODEL
from ratchet.flows.seeds import SeedNoise, missing_refits, seed_noise
from ratchet.flows.versus_base import compare_with_base
from ratchet.flows.what_changed import code_changes, data_change, dependency_changes, param_changes, stage_runs
from ratchet.io import dvc, layout
from ratchet.io.git import head_commit
from ratchet.io.progress import say
from ratchet.io.revision import Revision, base_of
from ratchet.io.room import read_params
from ratchet.settings import Settings

MODEL_PARAMS = ("project", "split", "features", "model")
"""Sections of params.yaml that can change the model."""
TRAIN = "train"
NOT_MEASURED = SeedNoise(sd={}, seeds=0, seconds=0.0, from_cache=0)


@dataclass
class _Budget:
    """Seconds that reruns may take unasked; what each takes is estimated by the last training (None: not known)."""

    asked: bool
    seconds: float
    each: float | None

    def allows(self, reruns: int) -> bool:
        """Whether so many may run; if so, their time is spent."""
        cost = reruns * (self.each or 0.0)
        if not self.asked and reruns and (self.each is None or cost > self.seconds):
            return False
        self.seconds = max(0.0, self.seconds - cost)
        return True


def change_of(settings: Settings, ref: str, *, explain: bool) -> Change:
    """Compare the work tree, whose pipeline has run, with the commit that it and `ref` came from.

    `explain`: rerun for the causes however long it takes. Raises UsageError if there is no such ref, ServiceFailed if
    nothing was run here yet.
    """
    base = base_of(settings.root, ref)
    with dvc.project(settings.root, settings.dvc_remote) as repo:
        data = data_change(settings, repo, base)
    code, params, dependencies = code_changes(base), param_changes(base), dependency_changes(base)
    stages = stage_runs(base)
    limits = read_params(settings.root).report
    budget = _Budget(asked=explain, seconds=limits.budget_seconds, each=_seconds(stages, TRAIN))
    named = base.outs().get(layout.MODEL) == base.outs_here().get(layout.MODEL)
    # A lock that is not of the base's own files names another model than the base is compared by.
    other_model = not named or bool(base.untrained(UP_TO_THE_MODEL))
    noise = _noise(settings, limits.seeds, budget) if other_model else NOT_MEASURED
    comparison, reason = compare_with_base(settings, base, seed_sd=noise.sd, seeds=noise.seeds)
    changed = set(_causes(data, [each.path for each in code], [each.key for each in params], bool(dependencies)))
    return Change(
        base=base.commit,
        head=head_commit(settings.root),
        base_name=ref,
        comparison=comparison,
        no_comparison=reason,
        data=data,
        code=code,
        params=params,
        dependencies=dependencies,
        stages=stages,
        attribution=_attribution(settings, base, changed, comparison, noise, budget) if other_model else None,
    )


def _causes(data: DataChange, files: list[str], keys: list[str], dependencies: bool) -> Iterator[Cause]:
    if dependencies:
        yield "dependencies"
    if data.batches:
        yield "data"
    if any(map(can_change_model, files)):
        yield "code"
    if any(key.partition(".")[0] in MODEL_PARAMS for key in keys):
        yield "params"


def _seconds(stages: tuple[StageRun, ...], name: str) -> float | None:
    """How long a stage took in this run, or else the last time it ran."""
    return next((stage.seconds or stage.saved for stage in stages if stage.name == name), None)


def _noise(settings: Settings, seeds: int, budget: _Budget) -> SeedNoise:
    """What other seeds do, if there is time for it; a refit that fails leaves it unmeasured, as the report says."""
    try:
        if not budget.allows(missing_refits(settings, seeds)):
            return NOT_MEASURED
        return seed_noise(settings, seeds)
    except RatchetError as error:
        say(f"the noise of the seed was not measured: {error.message}")
        return NOT_MEASURED


def _attribution(
    settings: Settings,
    base: Revision,
    changed: set[Cause],
    comparison: Comparison | None,
    noise: SeedNoise,
    budget: _Budget,
) -> Attribution | None:
    """None where there is nothing to share out."""
    if comparison is None or not changed:
        return None
    return attribute(
        settings,
        base,
        changed=changed,
        asked=budget.asked,
        budget_seconds=budget.seconds,
        train_seconds=budget.each,
        seed_sd=noise.sd.get(comparison.loss),
    )
