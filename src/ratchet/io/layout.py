"""Where stage outputs are, relative to the project's root: the same names as in `dvc.yaml`."""

INGESTED = "data/ingested"
VALIDATION = "data/validation"
FEATURES = "data/features"
MODEL = "data/model"
CHAMPION = "data/champion"
EVALUATION = "data/evaluation"
TRAIN_METRICS = "data/metrics/train.json"
EVALUATE_METRICS = "data/metrics/evaluate.json"
SEALED = "data/sealed"
LEVEL = "data/level.json"
DECISION = "data/decision.json"
REPORTS = "reports"
LOCK = "dvc.lock"
COMPUTED = "data/computed.yaml"

RESULTS = (LOCK, COMPUTED, TRAIN_METRICS, EVALUATE_METRICS, LEVEL, DECISION)
"""The small files that git holds of a run."""

WRITTEN_INTO = ("data/metrics", MODEL, SEALED)
"""Folders in which stages write single files, so that a killed one may leave half a file there."""
