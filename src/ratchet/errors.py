"""What can go wrong, and the exit code that says so.

RatchetError                     1  the base; a bare one is a bug
├── UsageError                   2  the command, params.yaml or schema.yaml is wrong
├── DataRefused                  3  the data cannot be used: too few batches, an immutable one changed
│   └── BatchRefused                a batch broke its schema
├── PromotionRefused             4  the gate, the ledger or a race says no
│   ├── Frozen                      not now: somebody called a freeze, or params.yaml has a window
│   └── ChampionChanged             the decision was made against another champion
├── ServiceFailed                5  something outside did not answer: MLflow, DVC, git, the disk
│   └── TamperedFile                bytes are not the ones that were recorded
│       └── SignatureRefused        a model's signature is missing, wrong, or by a key that nobody trusts
└── StageFailed                  *  a pipeline stage ended with this exit code and said why

"Refused" is a result with evidence; "crashed" is everything that is not in this tree, and exits with 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

EXAMPLES_SHOWN = 3
"""How many offending values a message shows, however large the data."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a message about a name that is not known: the nearest one that is, or nothing.

    >>> did_you_mean("medain", ["mean", "median"])
    ', did you mean median?'
    """
    import difflib

    near = difflib.get_close_matches(name, list(known), n=1)
    return f", did you mean {near[0]}?" if near else ""


class RatchetError(Exception):
    """What is wrong, where, the value; and what to do next.

    `message` names the thing, the rule and the value. `next_step` is one sentence that a person can act on.
    """

    exit_code = 1

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.message}\n  next: {self.next_step}" if self.next_step else self.message


class UsageError(RatchetError):
    """The command line, `params.yaml` or `schema.yaml` asks for something that cannot be."""

    exit_code = 2


@dataclass(frozen=True, kw_only=True)
class Violation:
    """One broken rule in one column of one table of one batch, with a bounded number of examples."""

    table: str
    column: str
    rule: str
    count: int
    examples: tuple[str, ...] = ()

    def __str__(self) -> str:
        shown = f", for example {', '.join(self.examples)}" if self.examples else ""
        rows = "row" if self.count == 1 else "rows"
        concerned = f" ({self.count:,} {rows}{shown})" if self.count else ""
        return f"{self.table}.{self.column}: {self.rule}{concerned}"


class DataRefused(RatchetError):
    """The data cannot be used as it is; nothing was changed."""

    exit_code = 3


class BatchRefused(DataRefused):
    """A batch is refused before anything downstream sees it; `violations` says why."""

    def __init__(self, batch: str, violations: Sequence[Violation], *, next_step: str = "") -> None:
        self.batch = batch
        self.violations = tuple(violations)
        lines = "".join(f"\n  - {violation}" for violation in self.violations)
        super().__init__(
            f"batch {batch} is refused:{lines}",
            next_step=next_step or "mend the data at its source and add it again; nothing was changed here",
        )


class PromotionRefused(RatchetError):
    """The gate, the ledger or a race says no; nothing was changed."""

    exit_code = 4


class Frozen(PromotionRefused):
    """Nothing is promoted just now, and later the same may be."""


class ChampionChanged(PromotionRefused):
    """The decision compared with a champion that no longer serves."""


class ServiceFailed(RatchetError):
    """Something outside did not do its part: MLflow, DVC, git, the disk. Trying again later may work."""

    exit_code = 5


class TamperedFile(ServiceFailed):
    """A file's bytes are not the ones that were recorded; it was not used."""


class SignatureRefused(TamperedFile):
    """A model's signature is missing, does not hold, or is by a key that nobody trusts; nothing was constructed."""


class StageFailed(RatchetError):
    """A stage of the pipeline ended early; its own message stands above, and its exit code becomes ours."""

    def __init__(self, stage: str, exit_code: int) -> None:
        super().__init__(
            f"stage {stage} ended with exit code {exit_code}; later stages did not run",
            next_step="mend what the stage says, then ratchet run goes on where it stopped",
        )
        self.exit_code = exit_code
