"""What each stage did in a run, and why: two versions of `dvc.lock` side by side, and how long stages took."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ratchet.core.change.code import is_source
from ratchet.core.change.params import flatten
from ratchet.core.change.records import StageRun

Stage = Mapping[str, Any]
"""One stage of `dvc.lock`: cmd, deps, params, outs."""


@dataclass(frozen=True, kw_only=True)
class Took:
    """Which stages the run computed, in seconds, which it restored, and how long each stage last took, if known."""

    seconds: Mapping[str, float] = field(default_factory=dict)
    restored: Collection[str] = ()
    last: Mapping[str, float] = field(default_factory=dict)


def stage_runs(
    order: Sequence[str], base: Mapping[str, Stage], head: Mapping[str, Stage], took: Took
) -> tuple[StageRun, ...]:
    """Say for every stage of the head's lock what it did in the run, and in what it differs from the base's.

    The two are apart: a stage that an earlier run computed is unchanged now, and may still differ from the base's.

    `order` names the stages as `dvc.yaml` has them; one that it makes several of (`train@a`) stands where it does.
    """
    place = {name: position for position, name in enumerate(order)}
    names = sorted(head, key=lambda name: (place.get(name.split("@")[0], len(place)), name))
    return tuple(_stage_run(name, base.get(name), head[name], took) for name in names)


def _stage_run(name: str, base: Stage | None, head: Stage, took: Took) -> StageRun:
    ran = name in took.seconds
    return StageRun(
        name=name,
        state="ran" if ran else "restored" if name in took.restored else "unchanged",
        seconds=took.seconds.get(name),
        saved=None if ran else took.last.get(name),
        reasons=reasons(base, head),
    )


def reasons(base: Stage | None, head: Stage) -> tuple[str, ...]:
    """What differs between two locks of a stage: its command, dependencies by path, parameters by dotted key.

    Data comes first, then parameters, then code, as a reader asks for them; each sorted.

    >>> reasons({"deps": [{"path": "data/raw", "md5": "1"}]}, {"deps": [{"path": "data/raw", "md5": "2"}]})
    ('data/raw',)
    """
    if base is None:
        return ("everything: the base has not computed it",)
    paths = _differing(_deps(base), _deps(head))
    return (
        *(["its command"] if base.get("cmd") != head.get("cmd") else []),
        *(path for path in paths if not is_source(path)),
        *(f"params: {key}" for key in _differing(dict(_params(base)), dict(_params(head)))),
        *(path for path in paths if is_source(path)),
    )


def _differing(base: Mapping[str, str], head: Mapping[str, str]) -> list[str]:
    return sorted(key for key in base.keys() | head.keys() if base.get(key) != head.get(key))


def _deps(stage: Stage) -> dict[str, str]:
    """The digest of each dependency; what was never hashed has none."""
    return {dep["path"]: str(dep.get(dep.get("hash", "md5"), "")) for dep in stage.get("deps", ())}


def _params(stage: Stage) -> Iterator[tuple[str, str]]:
    """Parameters by dotted key: of one file in a project, so its name says nothing."""
    for values in (stage.get("params") or {}).values():
        yield from flatten(values)
