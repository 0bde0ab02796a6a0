"""Inference on the small room: a table of patients, in batches without a time."""

from __future__ import annotations

from pathlib import Path

import yaml

from ratchet.core.schema import parse_schema
from ratchet.core.schema_inference.records import Hints
from ratchet.flows.look import frames
from ratchet.flows.schema_infer import Sources, infer
from ratchet.io.tables import write_frame

DIABETES = Path(__file__).resolve().parent / "diabetes"


def test_patients(tmp_path: Path) -> None:
    """Every batch passes what is inferred from all; the key, the types and the codes are those that a person wrote."""
    batches = dict(frames(DIABETES))
    sources = Sources({name: {"rows": tmp_path / name / "rows.parquet"} for name in batches})
    for name, tables in batches.items():
        write_frame(sources.batches[name]["rows"], tables["rows"])
    draft = infer(sources, Hints(after=["progression"]))
    found = parse_schema(yaml.safe_load(draft.text))
    written = parse_schema(yaml.safe_load((DIABETES / "src" / "diabetes" / "schema.yaml").read_text(encoding="utf-8")))
    assert (draft.quarantined, draft.unusual) == ((), ())
    assert (found.rows.key, found.rows.time) == (written.rows.key, None)
    assert found.rows.columns.keys() == written.rows.columns.keys()
    for name, column in written.rows.columns.items():
        guess = found.rows.columns[name]
        assert (guess.values, guess.known, guess.nullable) == (column.values, column.known, column.nullable)
        assert guess.type == column.type or (guess.type, column.type) == ("integer", "number")
