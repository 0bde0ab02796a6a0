"""Why a version that was made again is not as it was recorded: what else differs between the two lineages.

A row, the code, a parameter, a package, the machine: in this order, since what comes first decides what comes after.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set

from ratchet.core.lineage_record import Lineage, Machine
from ratchet.core.rebuilt import Cause, CauseKind, Record, listed

PYTHON = "python"
FIRST = (PYTHON, "scikit-learn", "numpy", "scipy", "pandas", "polars", "pyarrow", "skops")
"""Packages that numbers come from: they are named before others."""


def causes(then: Record, now: Record, locked: Set[str] = frozenset()) -> tuple[Cause, ...]:
    """Everything that is not as it was; the machine is named where nothing before it differs.

    `locked` are the packages that the commit's lock names: numbers come from these. Others, which a person installed or
    the tests need, are named last and hide nothing; without a lock every package counts.
    """
    inside, outside = _packages(then.lineage, now.lineage, locked)
    own = (
        *_rows(then.lineage, now.lineage),
        *_code(then.lineage, now.lineage),
        *_params(then, now),
        *_dependencies(inside),
    )
    return (
        *(own or _machine(then.lineage.machine, now.lineage.machine)),
        *_dependencies(outside, "not in the lock: "),
    )


def installed_from(lock: Set[str], lineage: Lineage) -> Lineage:
    """The lineage without packages that the lock does not name: where only the lock is installed, no other is missed.

    A stage that needed one would have ended early, with its name.
    """
    kept = {name: version for name, version in lineage.environment.packages.items() if name in lock}
    return lineage.model_copy(update={"environment": lineage.environment.model_copy(update={"packages": kept})})


def unexplained(then: Lineage) -> Cause:
    """For a difference with nothing that explains it."""
    words = "nothing on record differs: something in the pipeline is left to chance or to the time of day"
    if then.machine.vectors is None:
        words += "; or the processor is of another kind, of which the record, an old one, does not tell"
    return Cause(kind="unknown", words=words)


def _dependencies(changes: list[str], before: str = "") -> Iterator[Cause]:
    if changes:
        yield Cause(kind="dependency", words=before + listed(changes))


def _rows(then: Lineage, now: Lineage) -> Iterator[Cause]:
    old, new = ({each.name: each for each in side.batches} for side in (then, now))
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            yield Cause(kind="row", words=f"batch {name} is not in the commit")
        elif name not in old:
            yield Cause(kind="row", words=f"batch {name} is in the commit, and was not used")
        elif old[name].raw != new[name].raw:
            yield Cause(
                kind="row", words=f"batch {name} has other bytes: {new[name].raw[:12]}, was {old[name].raw[:12]}"
            )
    if wrong := _differing(then.lookups, now.lookups):
        yield Cause(kind="row", words=f"lookups have other bytes: {listed(wrong)}")


def _code(then: Lineage, now: Lineage) -> Iterator[Cause]:
    pairs = (
        ("schema.yaml", then.data_schema, now.data_schema),
        ("the room", then.room, now.room),
        ("Ratchet", then.code, now.code),
    )
    # A room's digest covers its schema as well, which is named by itself.
    wrong = [name for name, old, new in pairs if old != new]
    if wrong == ["schema.yaml", "the room"] and then.commit.clean:
        wrong = ["schema.yaml"]
    if wrong:
        yield Cause(kind="code", words=f"{' and '.join(wrong)} {'is' if len(wrong) == 1 else 'are'} not the same code")
    if then.commit.changes:
        more = then.commit.changes - len(then.commit.changed)
        named = listed(list(then.commit.changed), more=more)
        yield Cause(kind="code", words=f"it was not made from the commit alone: {named} were not as committed")


def _params(then: Record, now: Record) -> Iterator[Cause]:
    for name in _differing(then.params, now.params):
        kind: CauseKind = "seed" if name == "model.seed" else "parameter"
        yield Cause(kind=kind, words=f"{name} is {now.params.get(name)}, was {then.params.get(name)}")


def _packages(then: Lineage, now: Lineage, locked: Set[str]) -> tuple[list[str], list[str]]:
    """What differs: Python and the packages that the lock names (all, where there is no lock), and the others."""
    old = {**then.environment.packages, PYTHON: then.environment.python}
    new = {**now.environment.packages, PYTHON: now.environment.python}
    wrong = sorted(_differing(old, new), key=lambda name: (name not in FIRST, name))
    inside = [name for name in wrong if not locked or name in locked or name == PYTHON]
    outside = [name for name in wrong if name not in inside]
    said = {name: f"{name} {new.get(name, 'not there')}, was {old.get(name, 'not there')}" for name in wrong}
    return [said[name] for name in inside], [said[name] for name in outside]


def _machine(then: Machine, now: Machine) -> Iterator[Cause]:
    """Vector instructions, the commonest reason of another rounding, come first."""
    old, new = (set(side.vectors or ()) for side in (then, now))
    if old and new and old != new:
        changes = (("not here", old - new), ("only here", new - old))
        words = "; ".join(f"{where} {', '.join(sorted(names))}" for where, names in changes if names)
        yield Cause(kind="hardware", words=f"vector instructions: {words}")
    was, told = (_facts(side) for side in (then, now))
    for name in _differing(was, told):
        # What was not kept then cannot be compared.
        if name in was:
            yield Cause(kind="hardware", words=f"{name} {told.get(name) or 'not set'}, was {was[name] or 'not set'}")


def _facts(machine: Machine) -> dict[str, object]:
    named = machine.model_dump(include={"system", "architecture", "processor", "cores"})
    return {**named, **machine.threads, **(machine.kernels or {})}


def _differing(then: Mapping[str, object], now: Mapping[str, object]) -> list[str]:
    return sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))
