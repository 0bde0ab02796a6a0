"""MLflow's scoring protocol, so that its clients work unchanged: what `/invocations` takes and refuses.

One of `dataframe_split` (columns, data and perhaps an index), `dataframe_records` (a list of rows), `inputs` or
`instances` (a list of rows, or a mapping of columns). Unlike MLflow, which drops fields that the model does not
know and fills in those that a record lacks, both are refused. Source: `mlflow.pyfunc.scoring_server` of MLflow 3.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from importlib import metadata
from typing import Any

from ratchet.serving.bodies import check_rows
from ratchet.serving.fields import clipped, shown
from ratchet.serving.inputs import Columns, Inputs
from ratchet.serving.refusal import RequestRefused

NEXT = 'send {"dataframe_split": {"columns": [...], "data": [[...], ...]}}; GET /model lists the features'
ERROR_CODES = {503: "TEMPORARILY_UNAVAILABLE", 500: "INTERNAL_ERROR"}
"""MLflow's names for HTTP statuses; every other one is a BAD_REQUEST."""


def columns(body: object, inputs: Inputs, max_rows: int) -> Columns:
    """The model's columns from a decoded body. Raises RequestRefused."""
    if not isinstance(body, dict):
        raise _refused(f"the body is {shown(body)}, not an object with one of {', '.join(READERS)}")
    if body.get("params"):
        raise _refused("the model takes no params")
    forms = sorted(body.keys() - {"params"})
    if len(forms) != 1 or forms[0] not in READERS:
        found = clipped(", ".join(forms)) or "nothing"
        raise _refused(f"the body must hold exactly one of {', '.join(READERS)}, not {found}")
    return READERS[forms[0]](body[forms[0]], inputs, max_rows)


def error(status: int, message: str) -> dict[str, str]:
    """The body of an error, as MLflow's clients read it."""
    return {"error_code": ERROR_CODES.get(status, "BAD_REQUEST"), "message": message}


@functools.cache
def version() -> str:
    """The MLflow version whose protocol is spoken; MLflow itself is not imported."""
    return metadata.version("mlflow")


def _split(form: object, inputs: Inputs, max_rows: int) -> Columns:
    if not isinstance(form, dict) or "data" not in form or form.keys() - {"columns", "data", "index"}:
        raise _refused("dataframe_split must be an object of columns, data and perhaps index")
    names, data, index = form.get("columns"), form["data"], form.get("index")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise _refused("dataframe_split.columns must be a list of field names")
    if len(set(names)) != len(names):
        raise _refused("dataframe_split.columns names a field twice")
    if not isinstance(data, list):
        raise _refused(f"dataframe_split.data is {shown(data)}, not a list of rows")
    check_rows(len(data), max_rows)
    if index is not None and (not isinstance(index, list) or len(index) != len(data)):
        raise _refused("dataframe_split.index must be a list with one value per row")
    for place, row in enumerate(data):
        if not isinstance(row, list) or len(row) != len(names):
            raise _refused(f"row {place} of dataframe_split.data is not a list of {len(names)} values, one per column")
    return inputs.from_columns(dict(zip(names, zip(*data, strict=True), strict=True)))


def _records(form: object, inputs: Inputs, max_rows: int) -> Columns:
    if not isinstance(form, list):
        raise _refused(f"the records are {shown(form)}, not a list of rows")
    check_rows(len(form), max_rows)
    return inputs.from_rows(form)


def _records_or_columns(form: object, inputs: Inputs, max_rows: int) -> Columns:
    if not isinstance(form, dict):
        return _records(form, inputs, max_rows)
    lengths = {len(values) if isinstance(values, list) else -1 for values in form.values()}
    if len(lengths) != 1 or lengths == {-1}:
        raise _refused("the columns must be lists of one length")
    check_rows(max(lengths), max_rows)
    return inputs.from_columns(form)


READERS: Mapping[str, Callable[[Any, Inputs, int], Columns]] = {
    "dataframe_split": _split,
    "dataframe_records": _records,
    "inputs": _records_or_columns,
    "instances": _records_or_columns,
}


def _refused(message: str) -> RequestRefused:
    return RequestRefused(message, next_step=NEXT)
