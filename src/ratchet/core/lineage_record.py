"""From what a version was made, and where: `lineage/lineage.json` of a run, written when the run is recorded.

Whoever rebuilds the version compares with this record, and finds the cause of a difference in it: another row, another
package, another seed, another processor. It holds no time of day: the same state gives the same bytes.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ratchet.core.manifest import digest_of
from ratchet.core.section import Section

FILE = "lineage.json"
Use = Literal["training", "judging"]


class Commit(Section):
    """The commit that was checked out, and what differed from it, but for what a run itself writes."""

    commit: str = Field(description="empty before the first commit and outside of a repository")
    changed: tuple[str, ...] = Field(description="files that were not as committed, the first ones by name")
    changes: int = Field(description="how many there were")

    @property
    def clean(self) -> bool:
        """Whether the commit alone says what was run."""
        return bool(self.commit) and not self.changes


class BatchLineage(Section):
    """One batch: what git tracks of it, what became of its rows, and the time that they span."""

    name: str
    used_for: Use
    raw: str = Field(description="MD5 by which git and DVC track the raw batch; empty: it was not tracked")
    features: str = Field(description="SHA-256 of its features")
    rows: int | None = Field(description="rows that came; None: nobody counted")
    quarantined: int | None = Field(description="those of them that were put aside")
    warnings: int | None = Field(description="findings of validation to look at")
    first: str | None = Field(default=None, description="ISO 8601, the earliest time of a row; None: rows have no time")
    last: str | None = Field(default=None, description="the latest")


class Environment(Section):
    """What the code ran in."""

    python: str
    packages: dict[str, str] = Field(description="every installed package by name, with its version")
    lock: str = Field(description="SHA-256 of requirements/run.txt; empty: there is none")

    @property
    def digest(self) -> str:
        """SHA-256 of what was installed, whatever the lock says."""
        return digest_of(self.packages)


class Machine(Section):
    """The hardware, and what numerical libraries were told to make of it (None: they decide).

    A library has its own code for each kind of processor, and each rounds in its own way. `kernels` and `vectors` are
    None where they were not kept: in records of before they were.
    """

    system: str
    architecture: str
    processor: str
    cores: int
    threads: dict[str, str | None]
    kernels: dict[str, str | None] | None = Field(default=None, description="variables that choose a library's code")
    vectors: tuple[str, ...] | None = Field(default=None, description="the processor's vector instructions")


class Lineage(Section):
    """`lineage.json`."""

    commit: Commit
    lock: str = Field(description="SHA-256 of dvc.lock")
    params: str = Field(description="SHA-256 of params.yaml's values")
    room: str = Field(description="SHA-256 of the room's code and schema")
    code: str = Field(description="SHA-256 of the code of Ratchet itself")
    data_schema: str = Field(description="SHA-256 of the room's schema.yaml")
    batches: tuple[BatchLineage, ...]
    lookups: dict[str, str] = Field(description="standing lookups, each with the MD5 by which it is tracked")
    seed: int
    environment: Environment
    machine: Machine

    def used_for(self, use: Use) -> tuple[BatchLineage, ...]:
        """The batches of one use, in time order."""
        return tuple(each for each in self.batches if each.used_for == use)
