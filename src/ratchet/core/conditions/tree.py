"""A condition as a tree of frozen records.

Two trees are equal if they say the same: where in the text each part stands (`place`, from 0) does not count.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, get_args

Whose = Literal["challenger", "champion", "gain"]
WHOSE: tuple[Whose, ...] = get_args(Whose)
"""`champion` is what the challenger is compared with; `gain` is how much better the challenger is."""
COSTS: Mapping[str, str] = MappingProxyType({"latency_p50_ms": "ms", "latency_p95_ms": "ms", "model_mb": "MB"})
"""What a model costs: those of `gate_params.CostName`, single numbers without an interval, and their units."""
Relation = Literal["<", "<=", ">", ">="]
Equality = Literal["=", "!="]
Operator = Literal["+", "-", "*", "/"]
Kind = Literal["text", "number", "truth"]
Value = str | float | bool


def kind_of(value: Value) -> Kind:
    """What a value of a slice is."""
    return "truth" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"


@dataclass(frozen=True)
class Term:
    """What a slice asks of one column; the kind tells `true` from 1, which Python takes for equal."""

    column: str
    relation: Relation | Equality
    value: Value
    place: int = field(default=0, compare=False)
    kind: Kind = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", kind_of(self.value))


@dataclass(frozen=True)
class Where:
    """A slice: the rows for which all terms hold, all rows if there are none. The order of the terms says nothing."""

    terms: tuple[Term, ...] = ()

    def __post_init__(self) -> None:
        ordered = sorted(set(self.terms), key=lambda term: (term.column, term.relation, term.kind, term.value))
        object.__setattr__(self, "terms", tuple(ordered))


EVERYWHERE = Where()
"""The slice of all rows."""


@dataclass(frozen=True)
class Number:
    """A number that stands in the text."""

    value: float
    place: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Subject:
    """Something measured: whose, which metric or cost, and on which rows."""

    whose: Whose
    name: str
    where: Where = EVERYWHERE
    place: int = field(default=0, compare=False)
    name_place: int = field(default=0, compare=False)

    @property
    def is_cost(self) -> bool:
        """It is a single number without an interval."""
        return self.name in COSTS


@dataclass(frozen=True)
class Negative:
    """Minus something that is not a number of the text."""

    operand: Expression
    place: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Arithmetic:
    """Two numbers combined; `place` is the operator's."""

    operator: Operator
    left: Expression
    right: Expression
    place: int = field(default=0, compare=False)


Expression = Number | Subject | Negative | Arithmetic


@dataclass(frozen=True)
class Comparison:
    """Two numbers compared at a level, or at the gate's own; `place` is the relation's."""

    relation: Relation
    left: Expression
    right: Expression
    level: Number | None = None
    place: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Between:
    """A number within two limits, which belong to what is allowed."""

    middle: Expression
    low: Expression
    high: Expression
    level: Number | None = None
    place: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Not:
    """The opposite."""

    operand: Node
    place: int = field(default=0, compare=False)


@dataclass(frozen=True)
class And:
    """All of two parts or more."""

    parts: tuple[Node, ...]
    place: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Or:
    """At least one of two parts or more."""

    parts: tuple[Node, ...]
    place: int = field(default=0, compare=False)


Leaf = Comparison | Between
Node = Leaf | Not | And | Or


@dataclass(frozen=True)
class Requirement:
    """A condition as it was written: its name and text for messages, and the tree."""

    body: Node
    name: str = field(default="condition", compare=False)
    text: str = field(default="", compare=False)


def expressions(leaf: Leaf) -> tuple[Expression, ...]:
    """What a comparison compares, in the order of the text."""
    return (leaf.left, leaf.right) if isinstance(leaf, Comparison) else (leaf.middle, leaf.low, leaf.high)


def children(part: Node | Expression) -> tuple[Node | Expression, ...]:
    """What a part is directly made of, in the order of the text."""
    match part:
        case Comparison() | Between():
            return expressions(part)
        case Arithmetic():
            return (part.left, part.right)
        case Not() | Negative():
            return (part.operand,)
        case And() | Or():
            return part.parts
        case Number() | Subject():
            return ()


def leaves(node: Node) -> Iterator[Leaf]:
    """The comparisons, in the order of the text."""
    match node:
        case Comparison() | Between():
            yield node
        case Not():
            yield from leaves(node.operand)
        case And() | Or():
            for part in node.parts:
                yield from leaves(part)


def subjects(part: Node | Expression) -> Iterator[Subject]:
    """What is measured, in the order of the text."""
    if isinstance(part, Subject):
        yield part
    for child in children(part):
        yield from subjects(child)


def mentioned(requirement: Requirement) -> frozenset[Subject]:
    """Each metric (of one model or gained, on one slice) and each cost that the condition names.

    >>> from ratchet.core.conditions.parse import parse
    >>> [(each.whose, each.name) for each in mentioned(parse("gain.brier > 0 and gain.brier < 1"))]
    [('gain', 'brier')]
    """
    return frozenset(subjects(requirement.body))


def is_of_costs(leaf: Leaf) -> bool:
    """Whether a comparison is about what models cost: numbers without an interval."""
    return any(subject.is_cost for subject in subjects(leaf))
