"""`evaluate.costs`: what decisions cost or earn, as a matrix by classes or as a function of the user's own.

A matrix is by rows of what is true and columns of what is said. It must make sense to be right: of each true class the
right answer may not cost more than a mistake (the reasonableness conditions of Elkan, The foundations of cost-sensitive
learning, IJCAI 2001), or a sign or the order of the classes is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, field_validator, model_validator

from ratchet.core.section import Section, Share, Task

PROFIT = "profit_"
"""What the name of a metric begins with whose numbers are earned: higher is better. All others are paid."""
NAME = re.compile(r"(cost|profit)_[a-z][a-z0-9_]{0,32}")
FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


def _require_name(name: str) -> str:
    if NAME.fullmatch(name):
        return name
    raise ValueError(f"{name!r} must begin with cost_ (lower is better) or profit_, then at most 33 of a-z, 0-9 and _")


def _require_function(name: str) -> str:
    if FUNCTION.fullmatch(name):
        return name
    raise ValueError(f"{name!r} is not module:function, such as costs:rebooking for a function of costs.py in the room")


PricedName = Annotated[str, AfterValidator(_require_name)]
"""The name says which way is better wherever it stands: in a policy, a decision, a report."""
ByOrder = Annotated[tuple[Annotated[tuple[float, ...], Field(strict=False)], ...], Field(strict=False)]
ByName = dict[str, dict[str, float]]
Matrix = Annotated[
    Annotated[ByName, Tag("classes")] | Annotated[ByOrder, Tag("rows")],
    Discriminator(lambda matrix: "classes" if isinstance(matrix, Mapping) else "rows"),
]


class PricedBy(Section):
    """How the rows of one metric are priced: by a matrix, or by a function."""

    matrix: Matrix | None = Field(
        default=None,
        description="by true class, then by what is said: `{false: {true: 1}, true: {false: 5}}`; or rows of numbers, "
        "the classes in their order (binary: false, true; else by name)",
    )
    threshold: Share | None = Field(
        default=None, description="binary: say true from this probability on; null: say what is expected to cost least"
    )
    function: Annotated[str, AfterValidator(_require_function)] | None = Field(
        default=None, description="`module:function` of the room: one number per row of (truth, prediction, rows)"
    )

    @field_validator("matrix", mode="before")
    @classmethod
    def _class_names(cls, value: object) -> object:
        """YAML reads false, true and 1 as other things than texts, and they are names of classes here."""
        if not isinstance(value, Mapping):
            return value
        return {_name(true): _named(row) if isinstance(row, Mapping) else row for true, row in value.items()}

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.matrix is None) == (self.function is None):
            raise ValueError("say either matrix or function")
        if self.function is not None and self.threshold is not None:
            raise ValueError("threshold goes with matrix: a function is given the probabilities themselves")
        if problem := next(_shape_problems(self.matrix), ""):
            raise ValueError(problem)
        return self

    def classes(self) -> tuple[str, ...] | None:
        """The classes that the matrix names; None if it goes by their order, or is none."""
        return tuple(self.matrix) if isinstance(self.matrix, Mapping) else None


def earns(name: str) -> bool:
    """Whether a declared metric of this name is earned, so that higher is better."""
    return name.startswith(PROFIT)


def problems(costs: Mapping[str, PricedBy]) -> Iterator[str]:
    """What makes no sense in the matrices of `costs`, by the names of their metrics."""
    for name, by in costs.items():
        if by.matrix is not None:
            yield from (f"costs.{name}: {problem}" for problem in _senseless(cells(by.matrix), earned=earns(name)))


def unfit(costs: Mapping[str, PricedBy], task: Task) -> Iterator[str]:
    """What a model of `task` cannot be priced by, by the names of the metrics."""
    for name, by in costs.items():
        if by.matrix is not None and task == "regression":
            yield f"costs.{name} has a matrix, and a regression has no classes; a function can price its values"
        if by.threshold is not None and task != "binary":
            yield f"costs.{name} has a threshold, which is for yes or no, and this project is {task}"
        if by.matrix is not None and task == "binary" and not {*cells(by.matrix)} <= {"false", "true", "0", "1"}:
            yield f"costs.{name} prices {', '.join(cells(by.matrix))}, and the classes of binary are false and true"


def cells(matrix: ByName | ByOrder) -> dict[str, dict[str, float]]:
    """By true class and what is said; in a matrix by order the classes are numbers. A right answer unsaid is 0."""
    if isinstance(matrix, Mapping):
        return {true: {true: 0.0, **row} for true, row in matrix.items()}
    return {str(true): {str(said): value for said, value in enumerate(row)} for true, row in enumerate(matrix)}


def _senseless(priced: Mapping[str, Mapping[str, float]], *, earned: bool) -> Iterator[str]:
    sign, verb, other = (-1, "earns less", "cost_") if earned else (1, "costs more", PROFIT)
    for true, row in priced.items():
        said = min((each for each in row if each != true), key=lambda each: sign * row[each])
        if sign * row[true] > sign * row[said]:
            yield (
                f"where {true} is true, the right answer ({row[true]:g}) {verb} than to say {said} ({row[said]:g}); "
                f"rows are what is true, columns what is said, and a name with {other} in front turns the direction"
            )
            return
    if all(len(set(row.values())) == 1 for row in priced.values()):
        yield "whatever is said comes to the same: nothing is decided by it"


def _shape_problems(matrix: ByName | ByOrder | None) -> Iterator[str]:
    if matrix is None:
        return
    if len(matrix) < 2:
        yield f"matrix has {len(matrix)} rows, and there are two classes or more"
    if isinstance(matrix, Mapping):
        for true, row in matrix.items():
            if unknown := [said for said in row if said not in matrix]:
                yield f"matrix.{true} prices {unknown[0]!r}, which has no row of its own"
            if unsaid := [said for said in matrix if said != true and said not in row]:
                yield f"matrix.{true} does not say what {unsaid[0]!r} costs there"
        return
    for number, values in enumerate(matrix):
        if len(values) != len(matrix):
            yield f"row {number} of matrix has {len(values)} numbers, and there are {len(matrix)} rows: one per class"


def _named(row: Mapping[Any, Any]) -> dict[Any, Any]:
    return {_name(said): value for said, value in row.items()}


def _name(key: object) -> object:
    if isinstance(key, bool):
        return "true" if key else "false"
    return str(key) if isinstance(key, int) else key
