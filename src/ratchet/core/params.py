"""`params.yaml` as typed records: every tunable once, with its type and range.

Unknown keys are refused with the nearest known one; `ratchet params schema` prints the JSON Schema for editors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self, TypeVar, get_args

from pydantic import BaseModel, Field, ValidationError, model_validator

from ratchet.core.cost_params import unfit
from ratchet.core.evaluate_params import Evaluate as Evaluate  # noqa: PLC0414 - part of this file's records
from ratchet.core.feature_params import Features as Features  # noqa: PLC0414 - part of this file's records
from ratchet.core.gate_params import Bounds as Bounds  # noqa: PLC0414 - part of this file's records
from ratchet.core.gate_params import Gate as Gate  # noqa: PLC0414 - part of this file's records
from ratchet.core.promotion_params import Promotion as Promotion  # noqa: PLC0414 - part of this file's records
from ratchet.core.section import Name
from ratchet.core.section import Section as Section  # noqa: PLC0414 - part of this file's records
from ratchet.core.section import Task as Task  # noqa: PLC0414 - part of this file's records
from ratchet.core.sources.declared import Data as Data  # noqa: PLC0414 - part of this file's records
from ratchet.core.zones import Zone
from ratchet.errors import UsageError, did_you_mean

Record = TypeVar("Record", bound=BaseModel)


class Project(Section):
    """What is predicted, and whose room (`src/<room>/`) says where data comes from."""

    name: Name = Field(description="the registered model's name")
    room: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] = Field(
        description="the package under src/ with features.py and schema.yaml"
    )
    task: Task = Field(description="binary, multiclass or regression")
    target: Name = Field(description="what the label is called in tables and reports")


class Cluster(Section):
    """Rows that fail together: one cluster per value of a column, or per calendar period of a timestamp column."""

    column: str = Field(description="a column of the rows table")
    every: Literal["value", "day", "week", "month"] = Field(default="value", description="the period of one cluster")
    zone: Zone | None = Field(default=None, description="the time zone whose calendar counts, such as America/New_York")


class Split(Section):
    """Which batches train, which are held out, and which rows are not independent."""

    holdout: Annotated[int, Field(ge=1)] = Field(
        default=1, description="newest batches held out for the gate, each with what came late for it"
    )
    open: Annotated[float, Field(ge=0, le=0.9)] = Field(
        default=0.0,
        description="share of the training batches' clusters that no model is trained on, and that reports look at",
    )
    folds: Annotated[int, Field(ge=1, le=50)] = Field(default=3, description="time-ordered cross-validation folds")
    cluster: Cluster | None = Field(default=None, description="null says that rows are independent")


class Model(Section):
    """The estimator by name, its own parameters, and the seed of everything random."""

    estimator: Name = Field(description="a name from ratchet.core.estimators")
    params: dict[str, bool | int | float | str | None] = Field(
        default_factory=dict, description="passed to the estimator as they are"
    )
    seed: Annotated[int, Field(ge=0, lt=2**32)] = Field(default=0, description="of everything random in a fit")


class Serve(Section):
    """The REST server."""

    host: str = Field(default="127.0.0.1", description="the address that the server listens on")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(default=8000, description="0: any free one")
    poll_seconds: Annotated[float, Field(gt=0)] = Field(default=2.0, description="how often the ledger is asked")
    max_rows: Annotated[int, Field(ge=1)] = Field(default=10_000, description="rows in one request at most")
    lookup_megabytes: Annotated[float, Field(ge=0)] = Field(
        default=64.0, description="MiB of standing lookups that travel with a model at most, for raw rows"
    )
    log: Annotated[str, Field(min_length=1)] | None = Field(
        default=".ratchet/predictions",
        description="the folder that answers are logged to, from the project's; null: no log, no shadow, no canary",
    )
    log_inputs: bool = Field(default=False, description="log what was asked as well: it may be personal data")
    trial_seconds: Annotated[float, Field(gt=0)] = Field(
        default=1.0,
        description="a version on trial that takes longer than this and 3 times the champion's time has failed",
    )


class Report(Section):
    """What a report against a base looks into, and how long it may take."""

    seeds: Annotated[int, Field(ge=0, le=10)] = Field(
        default=2, description="refits with other seeds, to measure how much luck is in a metric; 0: not measured"
    )
    budget_seconds: Annotated[float, Field(ge=0)] = Field(
        default=120.0, description="what refits and reruns that were not asked for may take together, by estimate"
    )
    slices: Annotated[int, Field(ge=0)] = Field(default=5, description="worst slices shown")
    slice_rows: Annotated[int, Field(ge=1)] = Field(default=200, description="a slice with fewer rows is not looked at")
    examples: Annotated[int, Field(ge=0)] = Field(default=5, description="rows shown that got worse")


class Card(Section):
    """What the model card says that no number does."""

    purpose: str = Field(default="", description="what the model is for, in a sentence or two")
    owner: str = Field(default="", description="who answers for it: a person or a team, and how to reach them")
    limits: list[str] = Field(default_factory=list, description="what it must not be used for, and where it is weak")


class Params(Section):
    """The whole of `params.yaml`. A section that a stage depends on must be there, if only as `{}`: DVC compares it."""

    project: Project
    data: Data = Data()
    split: Split
    features: Features
    model: Model
    evaluate: Evaluate
    gate: Gate
    promotion: Promotion = Promotion()
    serve: Serve = Serve()
    report: Report = Report()
    card: Card = Card()

    @model_validator(mode="after")
    def _priced_by_policy(self) -> Self:
        """What decisions cost is part of the policy that names it: of its digest, and of every decision's record."""
        if problem := next(unfit(self.evaluate.costs, self.project.task), ""):
            raise ValueError(f"evaluate.{problem}")
        if self.gate.priced and self.gate.priced != self.evaluate.costs:
            raise ValueError("gate.priced is not for you to write: it is evaluate.costs, as part of the policy")
        if self.evaluate.costs:
            # Past what frozen forbids: nobody has this record yet.
            self.__dict__["gate"] = self.gate.model_copy(update={"priced": self.evaluate.costs})
        return self

    @property
    def sealed(self) -> bool:
        """Whether nothing that the labels of the held-out batches say may be told, but the gate's answer."""
        return self.gate.reuse.policy != "open"

    @model_validator(mode="after")
    def _something_can_be_looked_at(self) -> Self:
        if self.sealed and not self.split.open:
            raise ValueError(
                f"gate.reuse.policy {self.gate.reuse.policy} seals the held-out batches, and split.open is 0: "
                "nothing could be looked at; say a share of the training rows, such as 0.15"
            )
        if self.sealed and self.split.holdout != 1:
            raise ValueError(
                f"gate.reuse.policy {self.gate.reuse.policy} charges each batch for its looks, and split.holdout is "
                f"{self.split.holdout}: a batch would be new in every window that it is part of; say holdout 1"
            )
        return self


def parse_params(tree: object, *, source: str = "params.yaml") -> Params:
    """Turn the parsed YAML into records.

    Raises UsageError that lists every problem: where, the rule, the value, and for an unknown key the nearest one.
    """
    return parse_record(Params, tree, source=source)


def parse_record(record: type[Record], tree: object, *, source: str) -> Record:
    """Check `tree` against `record`; `source` is the file that the message names. Raises UsageError."""
    if not isinstance(tree, Mapping):
        raise UsageError(
            f"{source} holds {type(tree).__name__}, not a mapping", next_step=f"see docs/params.md for {source}"
        )
    try:
        return record.model_validate(tree)
    except ValidationError as error:
        lines = "".join(f"\n  - {line}" for line in _problems(record, error))
        raise UsageError(f"{source} is refused:{lines}", next_step=f"mend {source}; nothing was run") from error


def _problems(record: type[BaseModel], error: ValidationError) -> Iterator[str]:
    for problem in error.errors(include_url=False):
        where = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            yield f"{where}: unknown key{_nearest(record, problem['loc'])}"
        elif problem["type"] == "missing":
            yield f"{where}: required, and not there"
        elif problem["type"] == "value_error":
            # A rule of a record's own says all there is to say; the value may hold a password.
            yield f"{where}: {problem['ctx']['error']}".removeprefix(": ")
        else:
            yield f"{where}: {problem['msg'].lower()}, not {problem['input']!r}"


def _nearest(record: type[BaseModel], location: tuple[int | str, ...]) -> str:
    known = [*_record_at(record, location[:-1]).model_fields]
    return did_you_mean(str(location[-1]), known) or f"; known are {', '.join(known)}"


def _record_at(record: type[BaseModel], location: tuple[int | str, ...]) -> type[BaseModel]:
    """The record that the location lies in: lists and mappings have one record for all of their values."""
    for part in location:
        field = record.model_fields.get(str(part))
        if field is not None:
            record = next(records_in(field.annotation), record)
    return record


def records_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The records that a type is made of.

    >>> [record.__name__ for record in records_in(dict[str, Bounds] | None)]
    ['Bounds']
    """
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from records_in(argument)
