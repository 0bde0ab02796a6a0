"""`result.json`: what the run of a fork's pull request hands over. Numbers and names that are known here, no free text.

The run is the fork's own code, so that every byte may be made up. The record holds a claim to a form in which it can do
no harm; whether it is true, nobody here knows, and the comment says so.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Annotated, Any, Final

from pydantic import Field, ValidationError, model_validator

from ratchet.core.findings import Finite
from ratchet.core.fork.hostile_text import shown
from ratchet.core.metrics import METRICS, metrics_for
from ratchet.core.params import Task
from ratchet.errors import DataRefused

FORMAT: Final = 1
MOST_ROWS = 10_000_000
DEEPEST = 6
"""Brackets within brackets; the record itself has three."""
TOLERANCE = 1e-6
"""How far, relative to the values, an interval may miss the gain between them: they were rounded on the way."""
LARGEST = 1e30
"""Of a value whose metric has no bound of its own."""

Sha = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
Bounded = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]


class ResultRefused(DataRefused):
    """What a fork's run handed over is not a result; nothing of it was used."""


class ClaimedMetric(Finite):
    """One metric of both models on the same rows of the sample; None where the rows do not define it."""

    name: str = Field(max_length=40)
    base: Bounded | None
    change: Bounded | None
    low: Bounded | None = Field(description="lower bound of the gain of the change over the base; positive is better")
    high: Bounded | None

    @model_validator(mode="after")
    def _possible(self) -> ClaimedMetric:
        metric = METRICS.get(self.name)
        if metric is None:
            raise ValueError("a metric nobody knows")
        lowest, highest = metric.span
        if any(value is not None and not lowest <= value <= highest for value in (self.base, self.change)):
            raise ValueError(f"a value of {metric.name} outside {lowest:g} to {highest:g}")
        if (self.low is None) != (self.high is None) or (self.low is not None and self.gain is None):
            raise ValueError(f"half an interval of {metric.name}")
        if not self._holds_gain():
            raise ValueError(f"an interval of {metric.name} that does not hold the gain between its values")
        return self

    @property
    def gain(self) -> float | None:
        """How much better the change is, computed here from the two values; positive is better."""
        if self.base is None or self.change is None:
            return None
        return METRICS[self.name].gain(self.base, self.change)

    def _holds_gain(self) -> bool:
        if self.gain is None or self.base is None or self.change is None or self.low is None or self.high is None:
            return True
        slack = TOLERANCE * max(1.0, abs(self.base), abs(self.change))
        return self.low - slack <= self.gain <= self.high + slack


class ForkResult(Finite):
    """The whole of `result.json`."""

    format: Annotated[int, Field(ge=FORMAT, le=FORMAT)]
    base: Sha = Field(description="the commit that the change started from")
    head: Sha = Field(description="the change's commit")
    task: Task
    rows: Annotated[int, Field(ge=1, le=MOST_ROWS)] = Field(description="held-out rows that both models scored")
    clusters: Annotated[int, Field(ge=1, le=MOST_ROWS)] | None = Field(description="None: rows are independent")
    metrics: Annotated[tuple[ClaimedMetric, ...], Field(min_length=1, max_length=len(METRICS))]

    @model_validator(mode="after")
    def _consistent(self) -> ForkResult:
        names = [metric.name for metric in self.metrics]
        if names != [metric.name for metric in metrics_for(self.task, names) if metric.name in names]:
            raise ValueError("metrics that the task does not have, or not in their order, or twice")
        if self.clusters is not None and self.clusters > self.rows:
            raise ValueError("more clusters than rows")
        return self


def parse_result(content: bytes, also: Collection[str] = ()) -> ForkResult:
    """Read a stranger's `result.json`; beside the task's metrics it may have those that `also` names.

    The names of families are half free text, and a stranger may not choose them. Raises ResultRefused that names the
    rule; of the text itself it shows at most a key or a value, made harmless.
    """
    text = _text(content)
    _require_shallow(text)
    try:
        tree = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _refused(f"it is not JSON: {shown(str(error))}") from error
    try:
        # JSON's rules, strictly: no number from a text, and a tuple from a list.
        result = ForkResult.model_validate_json(json.dumps(tree))
    except ValidationError as error:
        raise _refused(_first_problem(error)) from error
    known = {*(metric.name for metric in metrics_for(result.task)), *also}
    if unasked := [metric.name for metric in result.metrics if metric.name not in known]:
        raise _refused(f"it has {shown(unasked[0])}, which nobody asked for")
    return result


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _refused(f"byte {error.start} is not UTF-8") from error


def _require_shallow(text: str) -> None:
    """Counted before parsing, brackets inside texts too: the parser itself may run out of stack."""
    depth = 0
    for character in text:
        depth += (character in "[{") - (character in "]}")
        if depth > DEEPEST:
            raise _refused(f"it has more than {DEEPEST} brackets within one another")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Readers do not agree on which of two equal keys counts."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _refused(f"the key {shown(key)} stands twice in one place")
        found[key] = value
    return found


def _no_constant(name: str) -> None:
    raise _refused(f"it holds {name}, which is no number")


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in problem["loc"])
    return f"{shown(where) or 'it'}: {shown(problem['msg'], limit=160)}"


def _refused(rule: str) -> ResultRefused:
    return ResultRefused(
        f"result.json of the fork's run is refused: {rule}",
        next_step="nothing of it is shown; let a maintainer run the change from a branch of this repository",
    )
