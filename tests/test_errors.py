"""What can go wrong is one tree, and each branch has its exit code."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from ratchet import errors
from ratchet.errors import BatchRefused, RatchetError, StageFailed, Violation

EXIT_CODES = {
    "RatchetError": 1,
    "UsageError": 2,
    "DataRefused": 3,
    "BatchRefused": 3,
    "PromotionRefused": 4,
    "Frozen": 4,
    "ChampionChanged": 4,
    "ServiceFailed": 5,
    "TamperedFile": 5,
    "SignatureRefused": 5,
}


def tree(kind: type[RatchetError]) -> Iterator[type[RatchetError]]:
    yield kind
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from tree(child)


def test_every_error_has_its_exit_code() -> None:
    """Refused, failed and misused are told apart by scripts, too."""
    found = {kind.__name__: kind.exit_code for kind in tree(RatchetError) if kind is not StageFailed}
    assert found == EXIT_CODES


def test_the_drawing_shows_the_tree() -> None:
    """The docstring names every error in order, with its exit code where a branch begins."""
    drawn = re.findall(r"^(?:[│ ]*[├└]── )?(\w+) +(\d|\*)? ", errors.__doc__ or "", re.MULTILINE)
    names = {kind.__name__ for kind in tree(RatchetError)}
    assert [name for name, _ in drawn if name in names] == [kind.__name__ for kind in tree(RatchetError)]
    assert {name: int(code) for name, code in drawn if code.isdigit()}.items() <= EXIT_CODES.items()


def test_a_message_ends_with_the_next_step() -> None:
    """What a person can do stands in a line of its own, and only if there is something."""
    assert str(RatchetError("it broke", next_step="mend it")) == "it broke\n  next: mend it"
    assert str(RatchetError("it broke")) == "it broke"


@pytest.mark.parametrize(
    ("violation", "text"),
    [
        (Violation(table="rows", column="x", rule="is missing", count=1), "rows.x: is missing (1 row)"),
        (
            Violation(table="rows", column="x", rule="is above 5", count=1234, examples=("6", "7")),
            "rows.x: is above 5 (1,234 rows, for example 6, 7)",
        ),
    ],
)
def test_a_violation_reads_as_a_sentence(violation: Violation, text: str) -> None:
    """Where, which rule, how many rows, and some values."""
    assert str(violation) == text


def test_a_refused_batch_lists_its_violations() -> None:
    """The batch is named, each violation has a line, and what to do next is said."""
    first = Violation(table="rows", column="x", rule="is missing", count=2)
    second = Violation(table="weather", column="*", rule="has no rows", count=0)
    refused = BatchRefused("2013-07", [first, second])
    assert refused.message == f"batch 2013-07 is refused:\n  - {first}\n  - {second}"
    assert (refused.batch, refused.violations) == ("2013-07", (first, second))
    assert refused.next_step.endswith("nothing was changed here")


def test_a_stages_exit_code_is_ours() -> None:
    """Whoever runs the pipeline ends with the code of the stage that refused."""
    failed = StageFailed("ingest", 3)
    assert (failed.exit_code, "stage ingest ended with exit code 3" in str(failed)) == (3, True)
    assert StageFailed("ingest", 5).exit_code == 5
