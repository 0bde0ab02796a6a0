"""What a rebuild found: equal, equal but for bytes, or different; and every difference names its cause."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.findings import Estimate, MetricRow
from ratchet.core.judged import Evaluation
from ratchet.core.lineage_record import BatchLineage, Commit, Environment, Lineage, Machine
from ratchet.core.rebuilt import GOLDEN, Check, Rebuilt, Record, answers_check, compared
from ratchet.core.rebuilt_causes import causes, installed_from, unexplained


def lineage(**changes: Any) -> Lineage:
    """That of a version of two batches, with some fields otherwise."""
    raw = changes.pop("raw", "raw a")
    machine = {
        "system": "Linux 6", "architecture": "x86_64", "processor": "P", "cores": 2, "threads": {"OMP": None},
        "kernels": {"CORETYPE": None}, "vectors": ("avx", "avx512f"),
    }  # fmt: skip
    fields = {
        "commit": Commit(commit="c", changed=(), changes=0),
        "lock": "l", "params": "p", "room": "r", "code": "k", "data_schema": "s", "seed": 0, "lookups": {"prices": "x"},
        "batches": tuple(
            BatchLineage(
                name=name, used_for="training", raw=digest, features=f"of {digest}", rows=1, quarantined=0, warnings=0
            )
            for name, digest in (("a", raw), ("b", "raw b"))
        ),
        "environment": Environment(
            python=changes.pop("python", "CPython 3.11"),
            packages={"numpy": "2.2", "zzz": "1", **changes.pop("packages", {})},
            lock="e",
        ),
        "machine": Machine.model_validate({**machine, **changes.pop("machine", {})}),
    }  # fmt: skip
    return Lineage.model_validate({**fields, **changes})


def record(found: Lineage, *, seed: int = 0, alpha: float = 1.0, value: float = 0.5) -> Record:
    estimate = Estimate(
        value=value, low=None, high=None, standard_error=None, rows=1, clusters=1, assumed_independent=True
    )
    row = MetricRow(name="rmse", meaning="", direction="lower", models={"challenger": estimate}, gain=None)
    evaluation = Evaluation(
        task="regression", labels=[], reference="baseline", champion=None, champion_entry=None,
        challenger_is_champion=False, refit=False, no_comparison="", holdout={}, contaminated=[], rows=1, clusters=None,
        metrics=[row],
    )  # fmt: skip
    params = {"model.seed": seed, "model.params.alpha": alpha}
    return Record(lineage=found, params=params, model_digest=f"{seed} {alpha}", evaluation=evaluation)


THEN = record(lineage())


def result(*checks: Check) -> Rebuilt:
    return Rebuilt(model="m", version=1, commit="c", checks=checks, causes=())


def test_what_is_made_alike_is_equal_and_has_no_cause() -> None:
    """The same lineage, model and numbers."""
    assert causes(THEN, record(lineage())) == ()
    assert result(*compared(THEN, record(lineage()))).verdict == "equal"


@pytest.mark.parametrize(
    ("now", "kind", "words"),
    [
        (record(lineage(raw="other")), "row", "batch a has other bytes"),
        (record(lineage(batches=())), "row", "batch a is not in the commit"),
        (record(lineage(lookups={"prices": "y"})), "row", "lookups have other bytes: prices"),
        (record(lineage(room="other")), "code", "the room"),
        (record(lineage(code="other")), "code", "Ratchet"),
        (record(lineage(room="other", data_schema="other")), "code", "schema.yaml is"),
        (record(lineage(), seed=1), "seed", "model.seed is 1, was 0"),
        (record(lineage(), alpha=2.0), "parameter", "model.params.alpha is 2.0, was 1.0"),
        (record(lineage(packages={"numpy": "2.3"})), "dependency", "numpy 2.3, was 2.2"),
        (record(lineage(packages={"new": "1"})), "dependency", "new 1, was not there"),
        (record(lineage(python="CPython 3.12")), "dependency", "python CPython 3.12, was CPython 3.11"),
        (record(lineage(machine={"processor": "Q"})), "hardware", "processor Q, was P"),
        (record(lineage(machine={"threads": {"OMP": "4"}})), "hardware", "OMP 4, was not set"),
        (record(lineage(machine={"kernels": {"CORETYPE": "Zen"}})), "hardware", "CORETYPE Zen, was not set"),
        (record(lineage(machine={"vectors": ("avx",)})), "hardware", "vector instructions: not here avx512f"),
        (
            record(lineage(machine={"vectors": ("avx", "avx512f", "fma")})),
            "hardware",
            "vector instructions: only here fma",
        ),
    ],
)
def test_a_single_difference_is_the_one_cause_that_is_named(now: Record, kind: str, words: str) -> None:
    """Whatever differs between the two lineages is named with what it is and what it was."""
    found = causes(THEN, now)
    assert {each.kind for each in found} == {kind}
    assert words in found[0].words


def test_a_version_of_uncommitted_files_says_so() -> None:
    """Its commit cannot make it again, and the files that were not in it are named."""
    dirty = record(lineage(commit=Commit(commit="c", changed=("params.yaml",), changes=3)))
    (cause,) = causes(dirty, record(lineage()))
    assert (cause.kind, "params.yaml; and 2 more" in cause.words) == ("code", True)


@given(st.lists(st.sampled_from(("row", "code", "seed", "dependency")), min_size=1, unique=True), st.booleans())
def test_every_cause_is_named_in_its_order_and_the_machine_only_alone(kinds: list[str], moved: bool) -> None:
    """Of several differences none hides another; another machine is no news beside them."""
    changed: dict[str, Any] = {"machine": {"processor": "Q"}} if moved else {}
    changed |= {"raw": "other"} if "row" in kinds else {}
    changed |= {"code": "other"} if "code" in kinds else {}
    changed |= {"packages": {"numpy": "9"}} if "dependency" in kinds else {}
    found = causes(THEN, record(lineage(**changed), seed=int("seed" in kinds)))
    assert [each.kind for each in found] == [each for each in ("row", "code", "seed", "dependency") if each in kinds]


def test_a_package_that_the_lock_does_not_name_hides_nothing() -> None:
    """Tools that somebody installed are named last, and the machine is told beside them; locked packages come first."""
    lock = frozenset({"numpy"})
    now = record(lineage(packages={"pytest": "9"}, machine={"processor": "Q"}))
    assert [(each.kind, each.words) for each in causes(THEN, now, lock)] == [
        ("hardware", "processor Q, was P"),
        ("dependency", "not in the lock: pytest 9, was not there"),
    ]
    (cause, last) = causes(THEN, record(lineage(packages={"pytest": "9", "numpy": "2.3"})), lock)
    assert (cause.words, last.words[:15]) == ("numpy 2.3, was 2.2", "not in the lock")


def test_where_only_the_lock_was_installed_other_packages_are_not_missed() -> None:
    """What was there beside the lock is no cause; what the lock names still is, and so is another Python."""
    lock = frozenset({"numpy"})
    then = replace(THEN, lineage=installed_from(lock, THEN.lineage))

    def made(**changes: Any) -> Record:
        return record(installed_from(lock, lineage(**changes)))

    assert causes(then, made(packages={"pytest": "9"}), lock) == ()
    assert [each.words for each in causes(then, made(packages={"numpy": "2.3"}), lock)] == ["numpy 2.3, was 2.2"]
    assert [each.kind for each in causes(then, made(python="CPython 3.12"), lock)] == ["dependency"]


def test_what_an_old_record_does_not_hold_is_no_cause() -> None:
    """A record of before vector instructions were kept differs in nothing by that; if nothing explains it, that may."""
    old = record(lineage(machine={"kernels": None, "vectors": None}))
    assert causes(old, record(lineage(machine={"kernels": {"CORETYPE": "Zen"}}))) == ()
    assert "the processor is of another kind" in unexplained(old.lineage).words
    assert "processor" not in unexplained(THEN.lineage).words


def test_numbers_come_before_other_packages() -> None:
    """Of many packages those that numbers come from are named first."""
    others = {f"a{number}": "1" for number in range(9)}
    (cause,) = causes(THEN, record(lineage(packages={**others, "numpy": "9"})))
    assert cause.words.startswith("numpy 9, was 2.2; a0 1")
    assert cause.words.endswith("and 4 more")


@pytest.mark.parametrize(
    ("largest", "same"), [(0.0, "same"), (1e-12, "close"), (1e-9, "close"), (1e-8, "other"), (float("inf"), "other")]
)
def test_answers_are_equal_to_nine_places(largest: float, same: str) -> None:
    """Rounding is no difference, and anything more is."""
    assert answers_check(GOLDEN, 16, largest).same == same


def test_other_bytes_that_answer_alike_are_equal_in_what_they_answer() -> None:
    """A model whose bytes alone differ, or whose numbers are rounded otherwise, counts as equal; one that answers
    otherwise does not.
    """
    near = record(lineage(), value=0.5 + 1e-13)
    checks = [each for each in compared(THEN, near) if each.name != "model"]
    model = Check(name="model", same="other", words="")
    good = result(*checks, model, answers_check(GOLDEN, 16, 1e-12))
    assert (good.equal, good.verdict) == (True, "equal in what it answers, not in bytes")
    assert result(*checks).verdict == "equal but for rounding"
    bad = result(*checks, model, answers_check(GOLDEN, 16, 0.1))
    assert (bad.equal, bad.verdict) == (False, "different")


def test_a_metric_that_moved_is_named_with_both_numbers() -> None:
    """By its name and the model that it is of; a number that is gone counts as well."""
    (check,) = [each for each in compared(THEN, record(lineage(), value=0.75)) if each.name == "metrics"]
    assert (check.same, check.words) == ("other", "rmse of challenger 0.75, was 0.5")
    (near,) = [each for each in compared(THEN, record(lineage(), value=0.5 + 1e-13)) if each.name == "metrics"]
    assert (near.same, near.words.startswith("3 numbers, within 1e-13: rmse of challenger")) == ("close", True)
