"""Fixed records of decisions and changes, with the numbers of the flights, and the reports made of them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any, Literal

import pytest

from ratchet.core.change.records import (
    Attribution,
    BatchChange,
    BatchFinding,
    BatchMetric,
    Change,
    ColumnShift,
    Comparison,
    Curve,
    DataChange,
    DependencyChange,
    FileChange,
    Importance,
    MetricChange,
    ParamChange,
    Part,
    RowChange,
    Rows,
    Slice,
    StageRun,
)
from ratchet.core.decision import Condition, Decision, Evidence
from ratchet.core.evidence.regions import Region, Regions
from ratchet.core.evidence.weak_spots import WeakSpots
from ratchet.core.findings import Advice, Estimate, MetricRow
from ratchet.core.findings import Comparison as Compared
from ratchet.core.judged import Evaluation
from ratchet.core.leakage.records import LeakageCheck
from ratchet.core.metrics import METRICS
from ratchet.core.model_record import Feature, ModelRecord, Recipe
from ratchet.core.params import Features, Gate, Model, Project
from ratchet.core.report.build import Report, build_report, with_weak_spots
from ratchet.core.validation.records import Finding

Verdict = Literal["promote", "hold", "reject"]

ROWS, DAYS = 28_293, 31
GATE = Gate(metric="log_loss", alpha=0.10, refit_margin=0.005)
NAMES = (
    "log_loss",
    "roc_auc",
    "average_precision",
    "brier",
    "calibration_slope",
    "calibration_intercept",
    "ece",
    "accuracy",
)
BEFORE = (0.5591, 0.7247, 0.5513, 0.18765, 0.8415, 0.2389, 0.04185, 0.72658)
NOW: dict[Verdict, tuple[float, ...]] = {
    "promote": (0.5387, 0.7502, 0.5782, 0.18028, 0.8260, -0.0656, 0.0264, 0.73131),
    "hold": (0.5571, 0.7259, 0.5530, 0.18723, 0.8391, 0.2301, 0.0411, 0.72611),
    "reject": (0.5903, 0.6911, 0.5102, 0.20131, 0.7702, 0.3312, 0.0733, 0.70812),
}
ERRORS = (0.0082, 0.0071, 0.0098, 0.0036, 0.0313, 0.0521, 0.0068, 0.0067)
T = 1.31
SENTENCES: dict[Verdict, tuple[str, str]] = {
    "promote": (
        "log_loss: gain +0.0204 a row, 80% interval +0.0097 to +0.0311 (above 0: the challenger is better); "
        "required: better than the champion, p below 0.1; found: p 0.0094",
        "",
    ),
    "hold": (
        "log_loss: gain +0.0020 a row, 80% interval -0.0087 to +0.0127 (above 0: the challenger is better); "
        "required: better than the champion, p below 0.1; found: p 0.4",
        "a larger gain; about 84,879 more rows in 93 more clusters would show a gain of 0.0050 with power 0.8",
    ),
    "reject": (
        "log_loss: gain -0.0312 a row, 80% interval -0.0419 to -0.0205 (above 0: the challenger is better); "
        "required: better than the champion, p below 0.1; found: p 1; shown to be worse, p 0.00033",
        "a model with less loss",
    ),
}  # fmt: skip


def estimate(value: float, error: float | None = None) -> Estimate:
    """A value with its interval; without an error nothing is known about its noise."""
    low, high = (None, None) if error is None else (value - T * error, value + T * error)
    return Estimate(
        value=value, low=low, high=high, standard_error=error, rows=ROWS, clusters=DAYS, assumed_independent=False
    )


def decision(verdict: Verdict, *, first: bool = False) -> Decision:
    reason, remedy = SENTENCES[verdict]
    gain = BEFORE[0] - NOW[verdict][0]
    compared = Compared(
        gain=gain, low=gain - T * ERRORS[0], high=gain + T * ERRORS[0], standard_error=ERRORS[0], p_better=0.0094,
        p_worse=0.9906, sign_flip=None, rows=ROWS, clusters=DAYS, assumed_independent=False, design_effect=66.5,
        sd=0.332, lag1=0.316, alpha=0.1, margin=0.0,
    )  # fmt: skip
    return Decision(
        verdict=verdict,
        reason=reason,
        would_change=remedy,
        missing=Advice(rows=84_879, clusters=93) if verdict == "hold" else None,
        conditions=(
            Condition(
                name="untouched", passed=True, sentence="no model was trained on the batches that judge: 2013-07"
            ),
            Condition(name="floor:roc_auc", passed=True, sentence="roc_auc is 0.7502, and must be at least 0.6"),
            Condition(name="better", passed=verdict == "promote", sentence=reason, remedy=remedy),
        ),
        policy=GATE,
        evidence=Evidence(
            task="binary",
            metric="log_loss",
            reference="baseline" if first else "champion",
            champion=None if first else 1,
            challenger_is_champion=False,
            comparison=compared,
            metrics=(),
            holdout=("2013-07",),
            contaminated=(),
        ),
    )  # fmt: skip


def evaluation(verdict: Verdict, *, first: bool = False) -> Evaluation:
    reference = "baseline" if first else "champion"
    rows = [
        MetricRow(
            name=name, meaning=METRICS[name].meaning, direction=METRICS[name].direction,
            models={reference: estimate(before, error), "challenger": estimate(now, error)},
            gain=estimate(METRICS[name].gain(before, now), error),
        )
        for name, before, now, error in zip(NAMES, BEFORE, NOW[verdict], ERRORS, strict=True)
    ]  # fmt: skip
    return Evaluation(
        task="binary", labels=["False", "True"], reference="baseline" if first else "champion",
        champion=None if first else 1, champion_entry=None if first else "3f2a", challenger_is_champion=False,
        refit=False, no_comparison="", holdout={"2013-07": "aa"}, contaminated=[], rows=ROWS, clusters=DAYS,
        metrics=rows,
    )  # fmt: skip


RECORD = ModelRecord(
    task="binary", target="late",
    features=[Feature(name=f"f{each}", kind="number", nullable=False) for each in range(21)],
    labels=["False", "True"], baseline=[0.75, 0.25], threshold=0.5,
    trained_on={f"2013-{month:02d}": f"{month}" for month in range(1, 7)}, rows=160_678, model_digest="d", libraries={},
    recipe=Recipe(
        project=Project(name="flights-late", room="flights", task="binary", target="late"), features=Features(),
        model=Model(estimator="hist_gradient_boosting"),
    ),
)  # fmt: skip
FOLDS: dict[str, dict[str, float | None]] = {
    "2013-04": {"log_loss": 0.5906, "roc_auc": 0.6516},
    "2013-05": {"log_loss": 0.4664, "roc_auc": 0.7585},
    "2013-06": {"log_loss": 0.5313, "roc_auc": 0.7499},
}
SPREAD: dict[str, dict[str, float | None]] = {
    "log_loss": {"mean": 0.5294, "sd": 0.0621},
    "roc_auc": {"mean": 0.7200, "sd": 0.0594},
}


def metric_changes(now: tuple[float, ...], *, sd: float = 0.4) -> tuple[MetricChange, ...]:
    """As the champion's metrics, with the seed's noise added: `sd` is in units of the sampling error."""
    found = []
    for name, before, after, error in zip(NAMES, BEFORE, now, ERRORS, strict=True):
        gain = METRICS[name].gain(before, after)
        reach = T * error * math.sqrt(1 + 2 * sd**2) if now != BEFORE else 0.0
        low, high = gain - reach, gain + reach
        found.append(
            MetricChange(
                name=name, meaning=METRICS[name].meaning, direction=METRICS[name].direction,
                base=estimate(before, error), change=estimate(after, error), gain=estimate(gain, reach / T),
                seed_sd=sd * error, low=low, high=high,
                real="better" if low > 0 else "worse" if high < 0 else "within noise",
            )
        )  # fmt: skip
    return tuple(found)


def curve(
    name: Literal["roc", "precision_recall", "calibration"], model: Literal["base", "change"], bend: float
) -> Curve:
    """A curve of the right shape; `bend` says how good the model is."""
    x = tuple(round(each / 20, 2) for each in range(21))
    if name == "calibration":
        x = x[1:16:2]
        return Curve(name=name, model=model, x=x, y=tuple(round(each**bend, 4) for each in x))
    y = (
        (round(each ** (1 / bend), 4) for each in x)
        if name == "roc"
        else (round(1 - 0.75 * each**bend, 4) for each in x)
    )
    return Curve(name=name, model=model, x=x, y=tuple(y))


CURVES = (
    curve("roc", "base", 2.4), curve("roc", "change", 2.9),
    curve("precision_recall", "base", 0.7), curve("precision_recall", "change", 0.8),
    curve("calibration", "base", 0.85), curve("calibration", "change", 1.08),
)  # fmt: skip
SLICES = (
    Slice(name="carrier = YV", rows=312, base=0.5512, change=0.6120, gain=-0.0608, low=-0.0999, high=-0.0217,
          real="worse"),
    Slice(name="distance above 1,089", rows=7_051, base=0.4988, change=0.5029, gain=-0.0041, low=-0.0183, high=0.0101,
          real="within noise"),
    Slice(name="origin = LGA", rows=9_420, base=0.5402, change=0.5390, gain=0.0012, low=-0.0101, high=0.0125,
          real="within noise"),
    Slice(name="hour above 19", rows=4_133, base=0.6571, change=0.6088, gain=0.0483, low=0.0112, high=0.0854,
          real="better"),
)  # fmt: skip
WORST = tuple(
    RowChange(
        key={"time_hour": f"2013-07-{day:02d} 17:00", "carrier": "UA", "flight": f"{number}"}, actual="False",
        base="False", change="True", loss=loss,
    )
    for day, number, loss in ((10, 1_545, 2.1041), (22, 418, 1.8802), (28, 1_143, 1.5519))
)  # fmt: skip
LOOKED_AT = Regions(
    metric="log_loss", alpha=0.1, min_rows=200, rows=ROWS, clusters=DAYS, looked_at=1_782, tested=10,
)  # fmt: skip


def region(where: tuple[tuple[str, str], ...], rows: int, losses: tuple[float, float], error: float) -> Region:
    """A region of so many rows, half of them tested, with the losses of the reference and of the challenger."""
    gain = losses[0] - losses[1]
    return Region(
        where=where, rows=rows, reference=losses[0], challenger=losses[1], p=0.0136,
        gain=Estimate(value=gain, low=gain - 2 * error, high=min(gain + 2 * error, 0.0), standard_error=error,
                      rows=rows // 2, clusters=15, assumed_independent=False),
    )  # fmt: skip


def spots(*, found: bool) -> WeakSpots:
    """What was looked for among the regions, with findings or without."""
    losing = (
        region((("origin", "= LGA"), ("plane_seats", "up to 55")), 583, (0.3731, 0.4366), 0.0225),
        region((("dep_hour", "above 12 and up to 17"),), 7_402, (0.5012, 0.5151), 0.0071),
    )
    hardest = (region((("carrier", "= EV"), ("dep_hour", "above 17")), 717, (0.5147, 0.7221), 0.0561),)
    return WeakSpots(
        losing=LOOKED_AT.model_copy(update={"found": losing if found else ()}),
        hardest=LOOKED_AT.model_copy(update={"found": hardest if found else (), "tested": 3}),
        switched=Rows(broken=812, mended=944, worst=WORST if found else ()),
    )


IMPORTANCE = tuple(
    Importance(feature=feature, base=base, change=change)
    for feature, base, change in (
        ("humid", None, 0.0312), ("dep_hour", 0.0904, 0.0711), ("precip", 0.0102, 0.0217), ("carrier", 0.0311, 0.0355),
        ("distance", 0.0121, 0.0128), ("plane_age", 0.0044, None),
    )
)  # fmt: skip
HISTORY = (
    BatchMetric(batch="2013-03", base=0.4833, change=None, held_out=False),
    BatchMetric(batch="2013-04", base=0.5906, change=0.5871, held_out=False),
    BatchMetric(batch="2013-05", base=0.4664, change=0.4611, held_out=False),
    BatchMetric(batch="2013-06", base=0.5313, change=0.5266, held_out=False),
    BatchMetric(batch="2013-07", base=0.5591, change=0.5387, held_out=True),
)


def comparison(verdict: Verdict) -> Comparison:
    """Two models that differ."""
    return Comparison(
        rows=ROWS, clusters=DAYS, coverage=0.8, loss="log_loss", metrics=metric_changes(NOW[verdict]), seeds=2,
        slices=SLICES, switched=Rows(broken=1_204, mended=1_338, worst=WORST), importance=IMPORTANCE, history=HISTORY,
        curves=CURVES,
    )  # fmt: skip


def same_model() -> Comparison:
    """A model and itself: nothing is gained, and nothing is noise."""
    update = {
        "metrics": metric_changes(BEFORE),
        "seeds": 0,
        "slices": (),
        "switched": Rows(broken=0, mended=0, worst=()),
        "importance": tuple(each.model_copy(update={"change": each.base}) for each in IMPORTANCE if each.base),
        "history": tuple(each.model_copy(update={"change": each.base}) for each in HISTORY),
        "curves": tuple(
            each.model_copy(update={"model": model})
            for each in CURVES
            if each.model == "base"
            for model in ("base", "change")
        ),
    }
    return comparison("hold").model_copy(update=update)


STAGES = (
    StageRun(name="ingest", state="unchanged", seconds=None, saved=3.1, reasons=()),
    StageRun(name="validate", state="ran", seconds=2.4, saved=None, reasons=("data/raw/2013-07",)),
    StageRun(
        name="featurize", state="ran", seconds=4.2, saved=None, reasons=("data/raw/2013-07", "src/flights/features.py")
    ),
    StageRun(name="train", state="restored", seconds=None, saved=21.7, reasons=("model.params.max_iter",)),
    StageRun(name="evaluate", state="ran", seconds=3.9, saved=None, reasons=("data/model",)),
    StageRun(name="gate", state="ran", seconds=0.6, saved=None, reasons=("data/evaluation",)),
)


def batch(
    name: str,
    table: str,
    kind: Literal["added", "removed", "changed"],
    rows: tuple[int, int, int, int, int],
    flips: int | None = None,
    categories: Mapping[str, tuple[str, ...]] | None = None,
) -> BatchChange:
    """`rows` before and after, then those added, removed and edited."""
    before, after, added, removed, edited = rows
    return BatchChange(
        batch=name, table=table, kind=kind, rows_before=before, rows_after=after, rows_added=added,
        rows_removed=removed, rows_edited=edited, label_flips=flips, new_categories=categories or {},
    )  # fmt: skip


EVERYTHING = Change(
    base="c2cdf4f0e1a2b3c4d5e6f708192a3b4c5d6e7f80", head="7db6ef5aa1b2c3d4e5f60718293a4b5c6d7e8f90", base_name="main",
    comparison=None, no_comparison="",
    data=DataChange(
        batches=(
            batch("2013-07", "flights", "added", (0, 28_293, 28_293, 0, 0), 0,
                  {"carrier": ("ZZ",), "dest": ("ANC", "BZN")}),
            batch("2013-05", "flights", "changed", (28_128, 28_137, 12, 3, 40), 7),
            batch("2013-01", "weather", "removed", (2_226, 0, 0, 2_226, 0)),
        ),
        shifts=(
            ColumnShift(table="weather", column="humid", distance=0.1832, before="mean 58.1, 0% missing",
                        after="mean 66.9, 0% missing"),
            ColumnShift(table="flights", column="dep_delay", distance=0.0711, before="mean 12.4", after="mean 21.7"),
        ),
        findings=(
            BatchFinding(batch="2013-07", finding=Finding(
                table="flights", column="distance", rule="below-min", level="quarantine", sentence="is below 1 mi",
                count=4, examples=("-3", "0"))),
            BatchFinding(batch="2013-07", finding=Finding(
                table="weather", column="temp", rule="drift", level="warn", sentence="has moved", count=1_228)),
            BatchFinding(batch="2013-05", finding=Finding(
                table="flights", column="air_time", rule="above-max", level="quarantine", sentence="is above 1200 min",
                count=40, released="a balloon")),
        ),
        note="lookups are not compared",
    ),
    code=(
        FileChange(path="src/flights/features.py", lines_added=24, lines_removed=6),
        FileChange(path="src/flights/map.png", lines_added=None, lines_removed=None),
    ),
    params=(
        ParamChange(key="model.params.max_iter", old="100", new="200", line=24),
        ParamChange(key="gate.margin", old="0.0", new=None, line=None),
    ),
    dependencies=(
        DependencyChange(name="scikit-learn", old="1.8.0", new="1.8.1"),
        DependencyChange(name="skrub", old=None, new="0.7.2"),
    ),
    stages=STAGES,
    attribution=Attribution(
        metric="log_loss", total=0.0204, reruns=7, from_cache=5, seconds=48.2,
        parts=(
            Part(factor="data", gain=0.0171, low=0.0078, high=0.0264, real="better"),
            Part(factor="code", gain=0.0062, low=0.0007, high=0.0117, real="better"),
            Part(factor="params", gain=-0.0031, low=-0.0088, high=0.0026, real="within noise"),
            Part(factor="dependencies", gain=0.0002, low=-0.0049, high=0.0053, real="within noise"),
        ),
    ),
)  # fmt: skip
IDLE = {"state": "unchanged", "seconds": None, "saved": 2.0, "reasons": ()}
NOTHING = EVERYTHING.model_copy(
    update={
        "data": DataChange(batches=(), shifts=()), "code": (), "params": (), "dependencies": (), "attribution": None,
        "stages": tuple(each.model_copy(update=IDLE) for each in STAGES),
    }
)  # fmt: skip
UNTOLD = Attribution(
    metric="log_loss", total=0.0204, parts=(), reruns=0, from_cache=0, seconds=0.0,
    note="6 reruns would take about 3 min, more than report.budget_seconds (120): ratchet report --base main --explain",
)  # fmt: skip
NO_COMPARISON = "main was never trained: nothing to compare with; the gate compares with the champion"


def made(verdict: Verdict, change: Change | None, *, first: bool = False) -> Report:
    """The report of one case."""
    return build_report(
        model="flights-late", record=RECORD, decision=decision(verdict, first=first),
        evaluation=evaluation(verdict, first=first), folds=FOLDS, spread=SPREAD, change=change,
    )  # fmt: skip


def changes(verdict: Verdict) -> Mapping[str, Change | None]:
    """What may be known about the change besides the gate's decision."""
    compared = comparison(verdict)
    total = {"attribution": EVERYTHING.attribution if verdict == "promote" else UNTOLD}
    return {
        "everything": EVERYTHING.model_copy(update={"comparison": compared, **total}),
        "nothing": NOTHING.model_copy(update={"comparison": same_model()}),
        "no-comparison": EVERYTHING.model_copy(update={"no_comparison": NO_COMPARISON, "attribution": None}),
        "gate-only": None,
    }


VERDICTS: tuple[Verdict, ...] = ("promote", "hold", "reject")
CASES: dict[str, Any] = {
    f"{verdict}-{name}": (verdict, name) for verdict, name in itertools.product(VERDICTS, changes("promote"))
}


@pytest.fixture(scope="session")
def reports() -> dict[str, Report]:
    """The report of each case: a verdict, and what is known about the change."""
    found = {case: made(verdict, changes(verdict)[name]) for case, (verdict, name) in CASES.items()}
    found["promote-first"] = made("promote", None, first=True)
    for case, has, of in (("promote-weak-spots", True, "gate-only"), ("promote-no-weak-spots", False, "everything")):
        change = changes("promote")[of]
        found[case] = with_weak_spots(found[f"promote-{of}"], spots(found=has), evaluation("promote"), change)
    return found


@pytest.fixture(scope="session")
def leaking() -> Callable[[LeakageCheck], Report]:
    """The report of a model whose judging rows leak."""

    def make(check: LeakageCheck) -> Report:
        found = decision("reject")
        evidence = found.evidence.model_copy(update={"leakage": check})
        return build_report(
            model="flights-late", record=RECORD, decision=found.model_copy(update={"evidence": evidence}),
            evaluation=evaluation("reject"), folds={}, spread={},
        )  # fmt: skip

    return make


@pytest.fixture(scope="session")
def everything() -> Change:
    """A change of everything that can change, with both models compared."""
    change = changes("promote")["everything"]
    if change is None:
        raise LookupError("the case without a change was taken")
    return change


@pytest.fixture(scope="session")
def unchanged() -> Change:
    """A change that differs from its base in nothing."""
    return NOTHING.model_copy(update={"comparison": same_model()})


@pytest.fixture(scope="session")
def promoted() -> Callable[[Change], Report]:
    """Makes the report of a change that is promoted."""
    return lambda change: made("promote", change)
