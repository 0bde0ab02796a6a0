"""A batch that passes validation does not crash what comes after it, whatever its schema allows and its values are."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ratchet.errors import BatchRefused, DataRefused
from ratchet.io.files import write_text
from ratchet.io.tables import write_table
from ratchet.io.validated import Validated

MakeProject = Callable[[Path, list[int]], Path]
RunPipeline = Callable[..., None]

ROWS = 24
PARAMS = """
project: {name: little, room: little, task: binary, target: late}
split: {holdout: 1, folds: 2}
features: {}
model: {estimator: ESTIMATOR, params: {}}
evaluate: {}
gate: {metric: log_loss}
"""
FEATURES = """
def build(rows, lookups):
    return rows.drop(columns="id").assign(
        **{name: rows[name].dt.hour for name in rows.columns if rows[name].dtype.kind == "M"},
        **{name: rows[name].astype("boolean").astype("float64") for name in rows.columns if name.startswith("flag")},
        one=1.0,
    )


def label(rows):
    return rows["late"].astype("boolean")
"""

Values = st.SearchStrategy[Any]
ODD_TEXTS = [
    "",
    " ",
    "a",
    "b",
    "\x00",
    "KÃ¶ln",
    "Köln",
    "\N{REPLACEMENT CHARACTER}",
    "nan",
    "None",
    "x" * 300,
    "🙂",
    "'; --",
]
ODD_NUMBERS = [0.0, -0.0, 1.5, float("nan"), float("inf"), float("-inf"), 1e308, -1e308, 5e-324, 1e16, 1e140]
ODD_TIMES = [datetime(1, 1, 1), datetime(1970, 1, 1), datetime(2020, 2, 29, 12), datetime(9999, 12, 31)]
KINDS: dict[str, tuple[pa.DataType, list[Any]]] = {
    "string": (pa.string(), ODD_TEXTS),
    "number": (pa.float64(), ODD_NUMBERS),
    "integer": (pa.int64(), [0, 1, -1, 2**62, -(2**62), 7]),
    "boolean": (pa.bool_(), [True, False]),
    "timestamp": (pa.timestamp("us"), ODD_TIMES),
}


@dataclass(frozen=True)
class Drawn:
    """A column that was drawn: its declaration, and its values in each of three batches."""

    declared: dict[str, Any]
    values: list[list[Any]]


@st.composite
def columns(draw: st.DrawFn) -> Drawn:
    """A column of any type with odd values, missing or not, with a range or a level."""
    kind = draw(st.sampled_from(sorted(KINDS)))
    declared: dict[str, Any] = {"type": kind, "nullable": draw(st.booleans())}
    if kind in ("number", "integer") and draw(st.booleans()):
        declared |= {"min": draw(st.sampled_from([-10, 0])), "max": draw(st.sampled_from([2, 1e9]))}
    declared["level"] = draw(st.sampled_from(["quarantine", "warn"]))
    declared["missing"] = draw(st.sampled_from([0.5, 1.0]))
    pool = draw(st.lists(st.none() | st.sampled_from(KINDS[kind][1]), min_size=1, max_size=4))
    values = st.lists(st.sampled_from(pool), min_size=ROWS, max_size=ROWS)
    return Drawn(declared, [draw(values) for _ in range(3)])


def lay_out(root: Path, drawn: list[Drawn], keys: list[list[int]], estimator: str) -> None:
    """Write the schema, the features and three batches of the columns."""
    names = [f"{'flag' if each.declared['type'] == 'boolean' else 'column'} {at}" for at, each in enumerate(drawn)]
    table = {
        "key": ["id"],
        "quarantine": 0.9,
        "columns": {
            "id": {"type": "integer"},
            "late": {"type": "boolean", "known": "after", "nullable": True, "missing": 1},
            **{name: each.declared for name, each in zip(names, drawn, strict=True)},
        },
    }
    write_text(root / "params.yaml", PARAMS.replace("ESTIMATOR", estimator))
    write_text(root / "src" / "little" / "schema.yaml", yaml.safe_dump({"rows": table}))
    write_text(root / "src" / "little" / "features.py", FEATURES)
    (root / "data" / "lookups" / "places.parquet").unlink()
    for batch in range(3):
        arrays = {name: pa.array(each.values[batch], KINDS[each.declared["type"]][0], from_pandas=False)
                  for name, each in zip(names, drawn, strict=True)}  # fmt: skip
        late = pa.array([row % 2 == 0 for row in range(ROWS)])
        write_table(root / "data" / "raw" / f"b{batch}" / "rows.parquet",
                    pa.table({"id": pa.array(keys[batch]), "late": late, **arrays}))  # fmt: skip


@pytest.mark.slow
@settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    drawn=st.lists(columns(), min_size=1, max_size=4),
    keys=st.lists(st.permutations(range(ROWS)) | st.just([*range(ROWS - 1), 0]), min_size=3, max_size=3),
    estimator=st.sampled_from(["hist_gradient_boosting", "logistic_regression"]),
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_what_passes_validation_can_be_learnt_from(
    tmp_path_factory: pytest.TempPathFactory, make_project: MakeProject, run_pipeline: RunPipeline,
    drawn: list[Drawn], keys: list[list[int]], estimator: str,
) -> None:  # fmt: skip
    """Every stage ends well, or says in its own words that the data is refused; nothing else is ever raised."""
    root = make_project(tmp_path_factory.mktemp("odd"), [])
    lay_out(root, drawn, keys, estimator)
    with suppress(BatchRefused):
        run_pipeline(root, "ingest", "validate")
    if Validated(root).store.names() == ["b0", "b1", "b2"]:
        with suppress(DataRefused):
            run_pipeline(root, "featurize", "train", "evaluate", "gate")
