"""The statuses of a repository of several models: one for each, and the one over all that may be required."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from ratchet.core.decision import Decision
from ratchet.core.gate_status import of_all
from ratchet.flows.post import Request, post
from ratchet.forge import conversation
from ratchet.forge.api import server as api
from ratchet.io.git import git
from ratchet.settings import Settings, load_settings

if TYPE_CHECKING:
    from tests.github.conftest import Bench

    Decide = Callable[..., Decision]

BOTH = ("early", "late")


@pytest.fixture
def two(bench: Bench) -> Bench:
    """The project's repository holds the models `early` and `late`, each in its folder, and none at the top."""
    params = (bench.root / "params.yaml").read_text(encoding="utf-8")
    (bench.root / "params.yaml").unlink()
    git(["init", "--quiet"], cwd=bench.root)
    for name in BOTH:
        folder = bench.root / "models" / name
        folder.mkdir(parents=True)
        (folder / "params.yaml").write_text(params.replace("name: diabetes", f"name: {name}"), encoding="utf-8")
        (folder / "dvc.yaml").write_text("stages: {}\n", encoding="utf-8")
    return bench


def settings(bench: Bench, name: str) -> Settings:
    """A workflow's settings for one of the models."""
    return load_settings(bench.root / "models" / name, bench.environment())


def told(bench: Bench, name: str, **request: object) -> None:
    """Post what came of one model; the report stands in the run's folder."""
    asked = {"reports": bench.root / "reports", "touched": BOTH, **request}
    assert post(settings(bench, name), Request(**asked)).problems == ()  # type: ignore[arg-type]  # a record's fields


def states(bench: Bench, sha: str = "") -> dict[str, str]:
    """The state of each status of a commit."""
    return {each.context: each.state for each in conversation.statuses(bench.home, sha or bench.head)}


def test_the_sum_waits_for_every_model_that_is_touched(two: Bench, decided: Decide) -> None:
    """It is green when all are, and not while one has no status yet."""
    two.report(decided())
    told(two, "late")
    assert states(two) == {"ratchet/gate/late": "success", "ratchet/gate": "pending"}
    told(two, "early", pending=True)
    assert states(two)["ratchet/gate"] == "pending"
    told(two, "early")
    assert set(states(two).values()) == {"success"}
    assert len(states(two)) == 3


def test_one_that_is_refused_closes_it(two: Bench, decided: Decide) -> None:
    """Whichever comes last, and until it is measured again."""
    two.report(decided(comparison={"p_better": 0.4}))
    told(two, "early")
    two.report(decided())
    told(two, "late")
    assert states(two) == {"ratchet/gate/early": "failure", "ratchet/gate/late": "success", "ratchet/gate": "failure"}
    told(two, "early")
    assert states(two)["ratchet/gate"] == "success"


def test_a_change_of_one_model_needs_that_one_alone(two: Bench, decided: Decide) -> None:
    """What may be required is there for every pull request, whatever it touches."""
    two.report(decided())
    told(two, "late", touched=("late",))
    assert states(two) == {"ratchet/gate/late": "success", "ratchet/gate": "success"}


def test_the_machines_commit_has_the_sum_as_well(two: Bench, decided: Decide) -> None:
    """It keeps what the commit below it was told of other models, and its sum counts that."""
    two.report(decided())
    told(two, "early")
    made = two.commit(two.head, "lock")
    two.move_head(made)
    two.event(two.head)
    told(two, "late", commit=made)
    assert states(two, made) == dict.fromkeys(("ratchet/gate/early", "ratchet/gate/late", "ratchet/gate"), "success")


@pytest.mark.parametrize(
    ("name", "told_too"),
    [("models/early/dvc.lock", True), ("models/late/dvc.lock", False), ("src/ratchet/errors.py", False)],
)
def test_a_commit_on_top_is_told_if_it_is_of_other_models_alone(
    two: Bench, decided: Decide, name: str, told_too: bool
) -> None:
    """Another model's run put its lock on the branch before this one posts: what is said of this one holds there."""
    two.report(decided())
    top = two.commit(two.head, "on top", two.tree({name: "x\n"}))
    git(["update-ref", "refs/heads/topic", top], cwd=two.home.origin)
    git(["fetch", "--quiet", str(two.home.origin), "refs/heads/topic:refs/heads/topic"], cwd=two.root)
    git(["symbolic-ref", "HEAD", "refs/heads/topic"], cwd=two.root)
    told(two, "late")
    assert states(two) == {"ratchet/gate/late": "success", "ratchet/gate": "pending"}
    assert states(two, top) == (states(two) if told_too else {})


def test_two_that_end_together_leave_the_true_sum(two: Bench, decided: Decide) -> None:
    """One has read the statuses before the other gave its own, and writes after it: it looks again."""
    two.report(decided())
    others: list[api.Request] = []

    def another_in_between(request: api.Request) -> None:
        if request.method == "POST" and b'"ratchet/gate"' in request.content and not others:
            others.append(request)
            told(two, "early")

    two.api.tamper = another_in_between
    told(two, "late")
    assert len(others) == 1
    assert set(states(two).values()) == {"success"}


@pytest.mark.parametrize(
    ("found", "state", "words"),
    [
        ({"late": "success", "early": "error"}, "error", "early: error"),
        ({"late": "failure", "early": "error"}, "error", "early: error, late: failure"),
        ({"late": "failure", "early": "pending"}, "failure", "late: failure"),
        ({"late": "success", "early": "pending"}, "pending", "waits for early"),
        ({"late": "success"}, "success", "all that the change touches: late"),
    ],
)
def test_the_worst_counts(found: dict[str, str], state: str, words: str) -> None:
    """An error before a failure before what waits; the description names whose it is."""
    assert (of_all(found).state, of_all(found).description) == (state, words)
