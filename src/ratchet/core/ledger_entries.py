"""What the ledger remembers: one record for each kind of entry.

A version is registered, people say something about it, phases are judged, it is promoted, and perhaps taken back.
Promotions stop in a freeze. Batches are erased. Each entry names who, when and why; its place in the chain comes from
`core.chain`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, TypeAdapter, model_serializer

from ratchet.core.chain import Link
from ratchet.core.phases import Phase, PhaseName
from ratchet.core.section import Section

Text = Annotated[str, Field(min_length=1)]
EXCEPTIONS = ("overrides", "no_way_back")
"""Fields of a change that say what was put up with for it."""


class Said(Section):
    """Who said it, when and why, and about which model."""

    model: str
    actor: str
    time: str = Field(description="ISO 8601, UTC")
    reason: str


class Overridden(Section):
    """Failed conditions of the decision that somebody took upon themselves, and until when (see `core.override`)."""

    conditions: tuple[str, ...]
    reason: str
    actor: str
    expires: str = Field(description="ISO 8601, UTC: from then on nothing more was to be promoted by it")


class Change(Said):
    """What somebody asks the ledger to remember: `version` of `model` now serves.

    `replaces` is the version that served before (null for the first), which makes the append a compare-and-set.
    """

    kind: Literal["promotion", "rollback"]
    version: int
    replaces: int | None
    run_id: str = Field(description="the MLflow run that recorded the decision")
    fingerprint: str = Field(description="of what was computed: code, data, parameters, champion")
    model_digest: str = Field(description="SHA-256 of model.skops")
    seal: str = Field(description="SHA-256 of seal.json, which names every file of the model folder")
    decision_digest: str = Field(description="SHA-256 of the decision record")
    commit: str
    trained_on: dict[str, str]
    metrics: dict[str, float]
    overrides: tuple[Overridden, ...] = Field(default=(), description="what let a decision of another verdict serve")
    no_way_back: str = Field(
        default="",
        description="how the version it replaces failed its rehearsal, where that was put up with",
    )

    @model_serializer(mode="wrap")
    def _as_before(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """An exception that was not made is left out: an entry of before has the same bytes, and the same hash."""
        tree: dict[str, Any] = dump(self)
        return {name: value for name, value in tree.items() if value or name not in EXCEPTIONS}


class Registration(Said):
    """A version stands as a candidate, with all that a promotion will hold it to."""

    kind: Literal["registered"] = "registered"
    version: int
    run_id: str = Field(description="the MLflow run that recorded the decision")
    fingerprint: str = Field(description="of what was computed: code, data, parameters, champion")
    model_digest: str = Field(description="SHA-256 of model.skops")
    seal: str = Field(description="SHA-256 of seal.json, which names every file of the model folder")
    decision_digest: str = Field(description="SHA-256 of the decision record")
    verdict: Literal["promote", "hold", "reject"]
    decided: str = Field(description="the decision's words")
    failed: tuple[str, ...] = Field(default=(), description="its conditions that did not hold, by name")
    champion: int | None = Field(description="the version that it was compared with; null: nothing served")
    policy: str = Field(description="SHA-256 of the gate's policy that decided")
    commit: str
    authors: tuple[str, ...] = Field(description="who made the change, by every name they are known under")
    trained_on: dict[str, str]
    batches: dict[str, str] = Field(description="raw batches behind it, as git tracks them: name and digest")
    judged_on: tuple[str, ...] = Field(description="those of the batches that judged it")
    metrics: dict[str, float]
    phases: tuple[Phase, ...] = Field(description="what it goes through, as declared when it was registered")
    manifest: str = Field(default="", description="SHA-256 of the manifest of all that is kept of the version")
    signed_by: str = Field(default="", description="the key that signed the manifest; empty: unsigned")


class Opinion(Said):
    """What a person says about a candidate; a hold stops it until it is released, a rejection for good."""

    kind: Literal["approval", "rejection", "hold", "release"]
    version: int
    link: str = Field(default="", description="where it was said, such as a review on GitHub")


class PhaseResult(Said):
    """A phase that rows decided, with what they showed."""

    kind: Literal["phase"] = "phase"
    version: int
    place: Annotated[int, Field(ge=0)] = Field(description="of the phase among the candidate's, from 0")
    phase: PhaseName
    outcome: Literal["passed", "failed"]
    numbers: dict[str, float]


class Freeze(Said):
    """From now on nothing is promoted (`freeze`, until a moment or a thaw), or again (`thaw`)."""

    kind: Literal["freeze", "thaw"]
    until: str = Field(default="", description="ISO 8601, UTC; empty: until a thaw")
    everything: bool = Field(default=False, description="of all models, not of `model` alone")


class Override(Said):
    """Failed conditions of one run's decision that somebody takes upon themselves until `expires`."""

    kind: Literal["override"] = "override"
    run_id: Text
    decision_digest: str = Field(description="SHA-256 of the decision's file")
    conditions: Annotated[tuple[str, ...], Field(min_length=1)]
    reason: Text
    actor: Text
    expires: str = Field(description="ISO 8601, UTC: from then on nothing is promoted by it")


class Erase(Said):
    """Batches whose data is taken away for good, from all places that are known, and not to come back."""

    kind: Literal["erase"] = "erase"
    reason: Text
    actor: Text
    batches: Annotated[dict[str, tuple[Text, ...]], Field(min_length=1)] = Field(
        description="by name, the digests by which git has tracked each, the newest first"
    )
    trained: tuple[int, ...] = Field(description="versions that learned from them, which stay as they are")
    judged: tuple[int, ...] = Field(description="versions that were judged on them")


class Entry(Change, Link):
    """A change with its place in the chain: what put a version into service."""


class RegistrationEntry(Registration, Link):
    """A registration with its place in the chain."""


class OpinionEntry(Opinion, Link):
    """An opinion with its place in the chain."""


class PhaseEntry(PhaseResult, Link):
    """A phase's result with its place in the chain."""


class FreezeEntry(Freeze, Link):
    """A freeze or thaw with its place in the chain."""


class OverrideEntry(Override, Link):
    """An override with its place in the chain."""


class EraseEntry(Erase, Link):
    """An erasure with its place in the chain."""


Event = Change | Registration | Opinion | PhaseResult | Freeze | Override | Erase
Line = Annotated[
    Entry | RegistrationEntry | OpinionEntry | PhaseEntry | FreezeEntry | OverrideEntry | EraseEntry,
    Field(discriminator="kind"),
]
LINE: TypeAdapter[Line] = TypeAdapter(Line)
PLACED: dict[type[Said], type[Link]] = {
    Change: Entry,
    Registration: RegistrationEntry,
    Opinion: OpinionEntry,
    PhaseResult: PhaseEntry,
    Freeze: FreezeEntry,
    Override: OverrideEntry,
    Erase: EraseEntry,
}
"""By record: the same with a place in the chain."""
