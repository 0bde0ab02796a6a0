"""Which runs a newer one of their group cancels."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.errors import UsageError
from ratchet.forge import workflows
from ratchet.forge.concurrency import settle, superseded
from ratchet.forge.run import QUEUED, RUNNING, WAITING, Run
from ratchet.forge.tickets import Ticket

TICKET = Ticket(name="1", event="push", ref="refs/heads/main", before="0" * 40, sha="a" * 40, actor="ada")


def run(number: int, group: str, state: str = QUEUED, approved_by: str = "") -> Run:
    """A run that has not ended."""
    return Run(
        number=number, path="w.yaml", title="w", ticket=TICKET, state=state, group=group, approved_by=approved_by
    )


@pytest.mark.parametrize(
    ("others", "cancel", "out"),
    [
        ([], False, []),
        ([run(1, "g", RUNNING)], False, []),
        ([run(1, "g", RUNNING)], True, [1]),
        ([run(1, "g", RUNNING), run(2, "g")], False, [2]),
        ([run(1, "g", RUNNING), run(2, "g")], True, [1, 2]),
        ([run(1, "g", RUNNING), run(2, "h"), run(3, "")], True, [1]),
        # The worker is busy with another group: on GitHub the first one would be under way.
        ([run(1, "h", RUNNING), run(2, "g")], False, []),
        ([run(1, "h", RUNNING), run(2, "g"), run(3, "g")], False, [3]),
        ([run(1, "g", WAITING), run(2, "g", WAITING)], False, [2]),
        ([run(1, "g", WAITING), run(2, "g", QUEUED, "grace")], False, []),
        ([run(1, "g", WAITING), run(2, "g", QUEUED, "grace")], True, [1, 2]),
    ],
)
def test_a_group_has_one_under_way_and_one_that_waits(others: list[Run], cancel: bool, out: list[int]) -> None:
    """The newer one takes the place of the one that waits; with cancel-in-progress every other one goes."""
    assert [one.number for one in superseded("g", others, cancel=cancel)] == out


@given(st.lists(st.sampled_from(["g", "h", ""])), st.booleans())
def test_groups_do_not_know_each_other(groups: list[str], cancel: bool) -> None:
    """Runs without a group cancel nothing, and no run cancels one of another group, whatever waits."""
    others = [run(number, group) for number, group in enumerate(groups, start=1)]
    assert superseded("", others, cancel=cancel) == []
    assert {one.group for one in superseded("g", others, cancel=cancel)} <= {"g"}


@given(st.lists(st.sampled_from(["g", "h"]), max_size=12))
def test_a_group_never_grows_beyond_two(groups: list[str]) -> None:
    """However many runs are asked for, no group ever has more than two that have not ended, the newest among them."""
    unfinished: list[Run] = []
    for number, group in enumerate(groups, start=1):
        gone = superseded(group, unfinished, cancel=False)
        unfinished = [*(one for one in unfinished if one not in gone), run(number, group)]
        own = [one.number for one in unfinished if one.group == group]
        assert (len(own) <= 2, own[-1]) == (True, number)


def written(concurrency: str) -> workflows.Workflow:
    """A workflow with this concurrency."""
    return workflows.parse("w.yaml", f"on: push\nconcurrency: {concurrency}\njobs: {{a: {{}}}}")


@pytest.mark.parametrize(
    ("concurrency", "settled"),
    [
        ("''", ("", False)),
        ("Deploy", ("deploy", False)),
        ("'pr-${{ github.number }}'", ("pr-7", False)),
        ("{group: Deploy}", ("deploy", False)),
        ("{group: g, cancel-in-progress: true}", ("g", True)),
        ("{group: g, cancel-in-progress: '${{ github.number == 7 }}'}", ("g", True)),
        ("{group: g, cancel-in-progress: '${{ github.number == 8 }}'}", ("g", False)),
    ],
)
def test_a_workflow_says_its_group(concurrency: str, settled: tuple[str, bool]) -> None:
    """As text or as a mapping, with or without expressions; names of groups have no case."""
    assert settle(written(concurrency), {"github": {"number": 7}}) == settled


@pytest.mark.parametrize(
    "concurrency", ["'${{ github.none }}'", "{group: g, cancel-in-progress: maybe}", "'${{ secrets.X }}'"]
)
def test_a_group_that_comes_to_nothing_is_refused(concurrency: str) -> None:
    """A group without a name, or an answer that is neither yes nor no, is an error."""
    with pytest.raises(UsageError):
        settle(written(concurrency), {"github": {"number": 7}})


@pytest.mark.parametrize("concurrency", ["{cancel-in-progress: true}", "[a]"])
def test_a_concurrency_without_a_group_is_no_workflow(concurrency: str) -> None:
    """A mapping without a group, or a list, is refused when the file is read."""
    with pytest.raises(UsageError, match="concurrency is a group's name"):
        written(concurrency)
