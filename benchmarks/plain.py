"""The alternative that `ratchet run` is measured against: one plain script with pandas and scikit-learn.

It does the same work on the same raw batches: the checks of `schema.yaml`, the room's own feature functions, three
folds that walk forward and a final fit with the estimator of `params.yaml`, all metrics with intervals clustered by day
against a constant baseline, the pictures, the model file. It keeps no lineage, no versions and no intermediate tables,
and starts from nothing each time. `--mlflow` adds the logging that tutorials show.

    python benchmarks/plain.py PROJECT OUT [--mlflow]
"""

from __future__ import annotations

import argparse
import json
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import polars as pl
import yaml
from matplotlib import pyplot as plt
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import t as student
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import (
    average_precision_score,
    classification_report,
    confusion_matrix,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
Interval = tuple[float, float, float]
"""Value, lower bound, upper bound."""

LEAKED = 0.01
"""Share of the test batch that may be among the rows of training by chance."""
LOWER_IS_BETTER = ("log_loss", "brier", "ece")
IDEAL = {"calibration_slope": 1.0, "calibration_intercept": 0.0}


def read(project: Path, batch: str) -> dict[str, pd.DataFrame]:
    """The tables of one raw batch, time stamps in UTC."""
    tables = {name: pd.read_parquet(project / "data/raw" / batch / f"{name}.parquet") for name in ("rows", "weather")}
    return {name: table.assign(time_hour=table["time_hour"].dt.tz_convert("UTC")) for name, table in tables.items()}


def check(table: pd.DataFrame, schema: dict[str, Any], name: str) -> None:
    """Exit with the first rule that a table breaks."""
    if set(table) != set(schema["columns"]) or table.duplicated(schema["key"]).any():
        sys.exit(f"{name}: other columns than the schema's, or a key twice")
    for column, rule in schema["columns"].items():
        values = table[column]
        if values.isna().any() and not rule.get("nullable"):
            sys.exit(f"{name}.{column}: a value is missing")
        present = values.dropna()
        if rule["type"] in ("integer", "number") and not pd.api.types.is_numeric_dtype(values):
            sys.exit(f"{name}.{column}: not a number")
        if ("min" in rule and (present < rule["min"]).any()) or ("max" in rule and (present > rule["max"]).any()):
            sys.exit(f"{name}.{column}: out of range")
        if "values" in rule and not present.isin(rule["values"]).all():
            sys.exit(f"{name}.{column}: an unknown value")
        if "missing" in rule and values.isna().mean() > rule["missing"]:
            sys.exit(f"{name}.{column}: too many values are missing")
    rules = [pl.sql_expr(relation["rule"]).all() for relation in schema.get("relations", ())]
    named = {str(place): rule for place, rule in enumerate(rules)}
    if named and not all(pl.from_pandas(table).select(**named).row(0)):
        sys.exit(f"{name}: a relation between columns does not hold")


def check_references(tables: dict[str, pd.DataFrame], schema: dict[str, Any]) -> None:
    """Exit if too few rows have their entries in the lookups."""
    for reference in schema["rows"]["references"]:
        key = schema["lookups"][reference["lookup"]]["key"]
        entries = tables[reference["lookup"]][key].set_axis(reference["columns"], axis="columns")
        matched = tables["rows"][reference["columns"]].merge(entries.drop_duplicates(), how="inner")
        if len(matched) < reference["matched"] * len(tables["rows"]):
            sys.exit(f"rows: too few have an entry in {reference['lookup']}")


def require_apart(train: list[pd.DataFrame], test: pd.DataFrame) -> None:
    """Exit if many rows of the test batch are rows of training too: they would be judged by heart."""
    known = np.concatenate([pd.util.hash_pandas_object(table, index=False).to_numpy() for table in train])
    if np.isin(pd.util.hash_pandas_object(test, index=False).to_numpy(), known).mean() > LEAKED:
        sys.exit("rows of the test batch are among those of training")


def prepare(project: Path, schema: dict[str, Any]) -> dict[str, tuple[pd.DataFrame, pd.DataFrame]]:
    """Features and labels (day and outcome) of each batch, checked."""
    sys.path.insert(0, str(project / "src"))
    from flights.features import build, label

    known = [name for name, rule in schema["rows"]["columns"].items() if rule.get("known") != "after"]
    planes = pd.read_parquet(project / "data/lookups/planes.parquet")
    check(planes, schema["lookups"]["planes"], "planes")
    airlines = pd.read_parquet(project / "data/lookups/airlines.parquet")
    check(airlines, schema["lookups"]["airlines"], "airlines")
    out = {}
    for batch in sorted(path.name for path in (project / "data/raw").iterdir() if path.is_dir()):
        tables = read(project, batch)
        check(tables["rows"], schema["rows"], "rows")
        check(tables["weather"], schema["lookups"]["weather"], "weather")
        check_references({**tables, "planes": planes, "airlines": airlines}, schema)
        features = build(tables["rows"][known], {"planes": planes, "weather": tables["weather"]})
        late = label(tables["rows"])
        day = tables["rows"]["time_hour"].dt.tz_convert("America/New_York").dt.strftime("%Y-%m-%d")
        labels = pd.DataFrame({"day": day, "late": late})[late.notna()]
        out[batch] = (features[late.notna()].reset_index(drop=True), labels.reset_index(drop=True))
    return out


def fit(batches: list[tuple[pd.DataFrame, pd.DataFrame]], model: dict[str, Any]) -> Pipeline:
    """Preprocessing and estimator, fitted together."""
    features = pd.concat([features for features, _ in batches], ignore_index=True)
    late = pd.concat([labels["late"] for _, labels in batches], ignore_index=True).astype(int)
    texts = [name for name in features if not pd.api.types.is_numeric_dtype(features[name])]
    numbers = [name for name in features if name not in texts]
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2)
    steps = [("numbers", "passthrough", numbers), ("categories", encoder, texts)]
    estimator = HistGradientBoostingClassifier(random_state=model["seed"], **model["params"])
    pipeline = Pipeline([("preprocess", ColumnTransformer(steps)), ("estimator", estimator)])
    return pipeline.fit(features, late)


def log_losses(late: Labels, score: Floats) -> Floats:
    """The surprise at each row."""
    likelihood: Floats = np.clip(np.where(late == 1, score, 1 - score), 1e-15, 1)
    return -np.log(likelihood)


def briers(late: Labels, score: Floats) -> Floats:
    """The squared error of each row."""
    return np.square(score - late)


def slope(late: Labels, score: Floats) -> float:
    """Of the log odds of the outcome on those of the score, by Newton's method; NaN for a constant score."""
    logit = np.log(score) - np.log1p(-score)
    if np.ptp(logit) < 1e-9:
        return np.nan
    design, weights = np.column_stack([np.ones_like(logit), logit]), np.zeros(2)
    for _ in range(25):
        mean = 1 / (1 + np.exp(-design @ weights))
        step = np.linalg.solve((design.T * (mean * (1 - mean))) @ design, design.T @ (late - mean))
        weights += step
        if np.abs(step).max() < 1e-9:
            break
    return float(weights[1])


def intercept(late: Labels, score: Floats) -> float:
    """How far the log odds must move until the mean score is the share of late flights."""
    logit, share = np.log(score) - np.log1p(-score), late.mean()
    return float(brentq(lambda move: (1 / (1 + np.exp(-logit - move))).mean() - share, -20, 20))


def bins(late: Labels, score: Floats) -> pd.DataFrame:
    """Mean score and share of late flights in ten bins of equally many rows."""
    edges = np.quantile(score, np.linspace(0, 1, 11)[1:-1])
    index, weights = np.searchsorted(edges, score), {"predicted": score, "observed": late}
    rows = np.bincount(index, minlength=10)
    means = {name: np.bincount(index, weights=each, minlength=10)[rows > 0] for name, each in weights.items()}
    return pd.DataFrame({**means, "rows": rows[rows > 0]}).assign(
        predicted=lambda table: table["predicted"] / table["rows"],
        observed=lambda table: table["observed"] / table["rows"],
    )


def ece(late: Labels, score: Floats) -> float:
    """The mean gap between them."""
    table = bins(late, score)
    return float(np.average((table["predicted"] - table["observed"]).abs(), weights=table["rows"]))


def accuracy(late: Labels, score: Floats) -> float:
    """The share of right guesses."""
    return float(((score >= 0.5) == late).mean())


LOSSES: dict[str, Callable[[Labels, Floats], Floats]] = {"log_loss": log_losses, "brier": briers}
STATISTICS: dict[str, Callable[[Labels, Floats], float]] = {
    "roc_auc": roc_auc_score,
    "average_precision": average_precision_score,
    "calibration_slope": slope,
    "calibration_intercept": intercept,
    "ece": ece,
    "accuracy": accuracy,
}


def measure(late: Labels, score: Floats) -> dict[str, float]:
    """All metrics, without intervals."""
    losses = {name: float(loss(late, score).mean()) for name, loss in LOSSES.items()}
    return losses | {name: float(statistic(late, score)) for name, statistic in STATISTICS.items()}


def by_day(values: Floats, day: Labels) -> Interval:
    """The mean with its interval over days."""
    days = day.max() + 1
    sums = np.bincount(day, weights=values - values.mean())
    reach = student.ppf(0.9, days - 1) * np.sqrt(days / (days - 1) * (sums @ sums)) / len(values)
    return float(values.mean()), float(values.mean() - reach), float(values.mean() + reach)


def jackknifed(value: float, left_out: Floats) -> Interval:
    """The value with the interval that leaving out one day at a time gives."""
    days = len(left_out)
    reach = student.ppf(0.9, days - 1) * left_out.std(ddof=1) * (days - 1) / np.sqrt(days)
    return value, float(value - reach), float(value + reach)


def gain(name: str, reference: Any, challenger: Any) -> Any:
    """How much better the challenger is."""
    if name in IDEAL:
        return np.abs(reference - IDEAL[name]) - np.abs(challenger - IDEAL[name])
    return reference - challenger if name in LOWER_IS_BETTER else challenger - reference


def evaluate(late: Labels, scores: dict[str, Floats], day: Labels) -> dict[str, dict[str, Interval]]:
    """Each metric of each model, and the gain of the challenger over the baseline, with intervals."""
    out: dict[str, dict[str, Interval]] = {name: {} for name in (*scores, "gain")}
    for name, loss in LOSSES.items():
        losses = {model: loss(late, score) for model, score in scores.items()}
        for model, values in {**losses, "gain": losses["baseline"] - losses["challenger"]}.items():
            out[model][name] = by_day(values, day)
    kept = [day != one for one in range(day.max() + 1)]
    for name, statistic in STATISTICS.items():
        whole = {model: float(statistic(late, score)) for model, score in scores.items()}
        parts = {
            model: np.array([statistic(late[rows], score[rows]) for rows in kept]) for model, score in scores.items()
        }
        for model in scores:
            out[model][name] = jackknifed(whole[model], parts[model])
        value = gain(name, whole["baseline"], whole["challenger"])
        out["gain"][name] = jackknifed(value, gain(name, parts["baseline"], parts["challenger"]))
    return out


def draw(out: Path, late: Labels, score: Floats, gains: pd.Series) -> None:
    """The pictures and the points behind them."""
    false, true, _ = roc_curve(late, score)
    precision, recall, _ = precision_recall_curve(late, score)
    table = bins(late, score)
    figure, axes = plt.subplots(1, 3, figsize=(12.6, 3.9), layout="constrained")
    axes[0].plot(false, true)
    axes[1].plot(recall, precision)
    axes[2].plot(table["predicted"], table["observed"], marker="o")
    figure.savefig(out / "curves.png", dpi=110)
    figure, axis = plt.subplots(figsize=(4.2, 3.9), layout="constrained")
    counts = confusion_matrix(late, score >= 0.5)
    axis.imshow(counts, cmap="Blues")
    for (row, column), count in np.ndenumerate(counts):
        axis.text(column, row, f"{count:,}", ha="center")
    figure.savefig(out / "confusion.png", dpi=110)
    figure, axis = plt.subplots(figsize=(9, 3.9), layout="constrained")
    axis.bar(range(len(gains)), gains)
    figure.savefig(out / "gain.png", dpi=110)
    for name, points in {"roc": (false, true), "precision_recall": (recall, precision)}.items():
        pd.DataFrame(dict(zip("xy", points, strict=True))).iloc[:: max(1, len(points[0]) // 200)].to_csv(
            out / f"{name}.csv", index=False
        )
    table.to_csv(out / "calibration.csv", index=False)
    gains.to_csv(out / "gain.csv")
    report = classification_report(late, score >= 0.5, digits=4)
    (out / "classification_report.txt").write_text(report, encoding="utf-8")


def log(out: Path, model: Pipeline, params: dict[str, Any], metrics: dict[str, float], example: pd.DataFrame) -> None:
    """Log the run as tutorials show it. skops, MLflow's default format, refuses this estimator: cloudpickle is used."""
    import mlflow

    mlflow.set_tracking_uri(f"sqlite:///{out / 'mlflow.db'}")
    mlflow.set_experiment(experiment_id=mlflow.create_experiment("flights", (out / "artifacts").as_uri()))
    with mlflow.start_run():
        mlflow.log_params(params)
        mlflow.log_metrics(metrics)
        for path in sorted(out.glob("*.*")):
            if path.suffix in (".png", ".csv", ".json", ".txt"):
                mlflow.log_artifact(str(path))
        mlflow.sklearn.log_model(model, name="model", input_example=example, serialization_format="cloudpickle")


def main(project: Path, out: Path, *, with_mlflow: bool) -> None:
    """Read, check, build, fit, judge, draw, save."""
    mpl.use("Agg")
    out.mkdir(parents=True)
    params = yaml.safe_load((project / "params.yaml").read_text(encoding="utf-8"))
    schema = yaml.safe_load((project / "src/flights/schema.yaml").read_text(encoding="utf-8"))
    batches = prepare(project, schema)
    *train, test = batches
    require_apart([batches[name][0] for name in train], batches[test][0])
    folds = {}
    for index in range(len(train) - params["split"]["folds"], len(train)):
        fitted = fit([batches[name] for name in train[:index]], params["model"])
        features, labels = batches[train[index]]
        folds[train[index]] = measure(labels["late"].to_numpy(dtype=int), fitted.predict_proba(features)[:, 1])
    model = fit([batches[name] for name in train], params["model"])
    (out / "model.pickle").write_bytes(pickle.dumps(model))

    features, labels = batches[test]
    late, day = labels["late"].to_numpy(dtype=int), np.unique(labels["day"], return_inverse=True)[1]
    share = pd.concat([batches[name][1]["late"] for name in train]).astype(int).mean()
    scores = {"challenger": model.predict_proba(features)[:, 1], "baseline": np.full(len(late), share)}
    metrics = evaluate(late, scores, day)
    saved = log_losses(late, scores["baseline"]) - log_losses(late, scores["challenger"])
    draw(out, late, scores["challenger"], pd.Series(saved).groupby(labels["day"].to_numpy()).mean())
    labels.assign(**scores).to_parquet(out / "predictions.parquet")
    (out / "metrics.json").write_text(json.dumps({"folds": folds, "test": metrics}, indent=2), encoding="utf-8")
    better = metrics["gain"]["log_loss"][1] > 0 and metrics["challenger"]["roc_auc"][0] >= 0.6
    print(f"{'promote' if better else 'hold'}: log loss gain {metrics['gain']['log_loss']}")
    if with_mlflow:
        values = {name: value for name, (value, _, _) in metrics["challenger"].items()}
        log(out, model, params["model"]["params"], values, features.head(3))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The plain script that ratchet is measured against.")
    parser.add_argument("project", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--mlflow", action="store_true")
    asked = parser.parse_args()
    main(asked.project.resolve(), asked.out.resolve(), with_mlflow=asked.mlflow)
