"""Environments: who approved a run, as an approval in the ledger; what serves, as the repository's deployments."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from ratchet.core.candidates import Candidate
from ratchet.core.ledger_entries import PLACED, Change, Event, Opinion, OpinionEntry, Registration
from ratchet.core.phases import Phase
from ratchet.errors import UsageError
from ratchet.flows.deployments import update_deployments
from ratchet.flows.environment_approvals import Heard, record_approvals
from ratchet.flows.ledger import ledger
from ratchet.flows.register import standing
from ratchet.forge import approvals, deployments, ending
from ratchet.forge import run as runs
from ratchet.forge.api.request import Answer
from ratchet.forge.approvals import ENDING
from ratchet.forge.run import Run
from ratchet.forge.tickets import DISPATCH, Ticket
from ratchet.io.files import write_json
from ratchet.io.git import git
from ratchet.io.github.client import GitHubFailed
from ratchet.io.room import read_params
from ratchet.settings import Settings

if TYPE_CHECKING:
    from tests.github.conftest import Bench

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
STAMP = AT.isoformat()
APPROVAL = {"approval": {"count": 2}}


@dataclass
class Registry:
    """The bench's project with a ledger of its own."""

    bench: Bench

    def settings(self, **changed: str) -> Settings:
        """Of a step of the workflow's run 42, as the bot."""
        return self.bench.settings(**{"RATCHET_ACTOR": "github-actions[bot]", **changed})

    def write(self, *events: Event) -> None:
        """Into the ledger."""
        branch = ledger(self.settings(), read_params(self.bench.root))
        for event in events:
            branch.append(lambda _, each=event: each, PLACED[type(event)])  # type: ignore[misc]  # any of them

    def opinions(self) -> list[tuple[str, int, str, str]]:
        """Who approved which version, why, and where."""
        entries = ledger(self.settings(), read_params(self.bench.root)).read()
        return [
            (each.actor, each.version, each.reason, each.link) for each in entries if isinstance(each, OpinionEntry)
        ]

    def registered(self, version: int, *phases: Any, champion: int | None = None) -> Registration:
        """A candidate that ada made."""
        return Registration(
            version=version, verdict="promote", decided="ok", champion=champion, policy="p", authors=("ada",),
            batches={}, judged_on=(), phases=tuple(Phase.model_validate(each) for each in phases or ("gate",)),
            **self._same(version),
        )  # fmt: skip

    def change(self, version: int, replaces: int | None, kind: Any = "promotion") -> Change:
        """What serves now."""
        return Change(kind=kind, version=version, replaces=replaces, **self._same(version))

    def _same(self, version: int) -> dict[str, Any]:
        return {
            "model": "diabetes", "actor": "ada", "time": STAMP, "reason": "r", "run_id": f"r{version}",
            "fingerprint": "f", "seal": "s", "model_digest": f"m{version}", "decision_digest": "d",
            "trained_on": {}, "metrics": {}, "commit": self.bench.base if version == 1 else self.bench.head,
        }  # fmt: skip

    def standing(self, version: int) -> Candidate:
        """A version as it stands."""
        return standing(self.settings(), read_params(self.bench.root), version, clock=lambda: AT)

    def hear(self, version: int, **changed: str) -> tuple[Heard, ...]:
        """What `ratchet advance --approvals-from-environment production` does first."""
        return record_approvals(self.settings(**changed), self.standing(version), "production", clock=lambda: AT)

    def approve(self, by: str, *, approved: bool = True, environment: str = "production", comment: str = "") -> None:
        """What a person said in the forge about run 42."""
        ticket = Ticket(name="1", event=DISPATCH, ref="refs/heads/main", before="", sha="", actor="ada")
        known = Run(number=42, path="promote.yaml", title="P", ticket=ticket, environments=(environment,))
        self.bench.home.open.mkdir(exist_ok=True)
        runs.save(self.bench.home, known)
        write_json(runs.file(self.bench.home, 42, ENDING), {"by": by, "approved": approved, "comment": comment})


@pytest.fixture
def registry(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Nothing is registered yet."""
    for name in ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"):
        monkeypatch.setenv(name, "ada@example.org")
    git(["init", "--quiet", "--initial-branch=main", str(bench.root)], cwd=bench.root)
    return Registry(bench)


PAGE = "https://github.com/local/forge/actions/runs/42"


def test_an_environments_approval_is_one_in_the_ledger(registry: Registry) -> None:
    """In the name of the person whom the API names, whoever the step acts as, with the run's page; once."""
    registry.write(registry.registered(1, "gate", APPROVAL))
    registry.approve("grace", comment="looked at the slices")
    assert registry.hear(1) == (Heard("grace", written=True),)
    assert registry.hear(1, RATCHET_ACTOR="kai") == (Heard("grace", written=False),)
    assert registry.opinions() == [("grace", 1, "looked at the slices", PAGE)]
    assert [each.actor for each in registry.standing(1).approvals] == ["grace"]
    registry.approve("kai")
    registry.hear(1)
    assert registry.standing(1).state == "ready"
    assert registry.opinions()[1][2] == "approved the environment production of run 42"


@pytest.mark.parametrize(
    "said",
    [{"approved": False}, {"environment": "staging"}],
)
def test_nothing_else_is_an_approval(registry: Registry, said: dict[str, Any]) -> None:
    """A rejection is none, nor is the approval of another environment, nor a run that nobody was asked about."""
    registry.write(registry.registered(1, "gate", APPROVAL))
    registry.approve("grace", **said)
    assert (registry.hear(1), registry.opinions()) == ((), [])


def test_an_approval_that_would_not_count_is_told_and_not_written(registry: Registry) -> None:
    """Of whoever made the change; where a later phase asks; and where roles do not let this person approve."""
    registry.write(registry.registered(1, "gate", APPROVAL))
    registry.approve("ada")
    (heard,) = registry.hear(1)
    assert "ada made the change" in heard.why
    registry.approve("grace")
    registry.write(registry.registered(2, "gate", {"shadow": {"rows": 5}}, APPROVAL))
    (heard,) = registry.hear(2)
    assert "is in phase shadow: no approval is asked for" in heard.why
    params = registry.bench.root / "params.yaml"
    params.write_text(params.read_text() + "promotion: {roles: {approve: [kai]}}\n", encoding="utf-8")
    (heard,) = registry.hear(2)
    assert "grace may not do this" in heard.why
    assert registry.opinions() == []


def test_where_no_approval_is_asked_for_it_is_kept_for_the_record(registry: Registry) -> None:
    """Who let the run go on stands in the ledger, once, and the version is as ready as before."""
    registry.write(registry.registered(1))
    registry.approve("grace")
    assert [registry.hear(1)[0].written for _ in range(2)] == [True, False]
    assert (len(registry.opinions()), registry.standing(1).state) == (1, "ready")


def test_one_approval_is_for_one_version(registry: Registry) -> None:
    """A run that was approved for one cannot carry another into service."""
    registry.write(registry.registered(1, "gate", APPROVAL))
    registry.approve("grace")
    registry.hear(1)
    registry.write(registry.registered(2, "gate", APPROVAL))
    assert registry.hear(2) == (Heard("grace", written=False, why="it was given for version 1"),)
    assert [each[1] for each in registry.opinions()] == [1]


def test_the_name_comes_from_the_api_alone(registry: Registry) -> None:
    """Outside of a run there is nobody to ask, and a user who is gone is nobody."""
    registry.write(registry.registered(1, "gate", APPROVAL))
    with pytest.raises(UsageError, match="GITHUB_RUN_ID names none"):
        registry.hear(1, GITHUB_RUN_ID="")
    gone = [{"environments": [{"name": "production"}], "state": "approved", "user": None, "comment": ""}]
    registry.bench.api.tamper = lambda _: Answer(json=gone, headers={"x-checked": "no"})
    assert registry.hear(1) == ()


def test_a_run_that_may_not_ask_says_which_permission_it_lacks(registry: Registry) -> None:
    """And nothing is written."""
    registry.write(registry.registered(1, "gate", APPROVAL))
    no = {"message": "Resource not accessible by integration", "documentation_url": "x", "status": "403"}
    registry.bench.api.tamper = lambda _: Answer(status=403, json=no)
    with pytest.raises(GitHubFailed, match="actions: read"):
        registry.hear(1)


def shown(registry: Registry) -> dict[object, tuple[str, str]]:
    """The newest status of each version's deployment, and its commit."""
    found = deployments.deployments(registry.bench.home)
    assert len({each.payload["version"] for each in found}) == len(found)
    return {each.payload["version"]: (each.state, each.sha) for each in found}


def test_deployments_follow_the_ledger(registry: Registry) -> None:
    """What waits is queued, what serves a success, what it replaced inactive; going back makes it what it was."""
    base, head = registry.bench.base, registry.bench.head
    registry.write(registry.registered(1))
    assert update_deployments(registry.settings(), clock=lambda: AT) == ("version 1 of diabetes in production: queued",)
    registry.write(registry.change(1, None), registry.registered(2, "gate", APPROVAL, champion=1))
    update_deployments(registry.settings(), clock=lambda: AT)
    assert shown(registry) == {1: ("success", base), 2: ("queued", head)}
    said = {"model": "diabetes", "time": STAMP, "reason": "yes"}
    registry.write(*(Opinion(kind="approval", version=2, actor=name, **said) for name in ("grace", "kai")))
    registry.write(registry.change(2, 1))
    update_deployments(registry.settings(), clock=lambda: AT)
    assert shown(registry) == {1: ("inactive", base), 2: ("success", head)}
    registry.write(registry.change(1, 2, "rollback"))
    update_deployments(registry.settings(), clock=lambda: AT)
    assert shown(registry) == {1: ("success", base), 2: ("inactive", head)}
    before = len(registry.bench.api.requests)
    assert update_deployments(registry.settings(), clock=lambda: AT) == ()
    assert {each.method for each in registry.bench.api.requests[before:]} == {"GET"}


def test_a_refused_version_is_a_failure_and_one_that_was_never_shown_stays_away(registry: Registry) -> None:
    """Old versions that were over before anybody asked make no deployment."""
    said = {"model": "diabetes", "actor": "kai", "time": STAMP, "reason": "no"}
    registry.write(registry.registered(1), registry.registered(2))
    update_deployments(registry.settings(), clock=lambda: AT)
    registry.write(*(Opinion(kind="rejection", version=version, **said) for version in (1, 2)))
    registry.write(registry.registered(3), Opinion(kind="rejection", version=3, **said))
    update_deployments(registry.settings(), clock=lambda: AT)
    assert {version: state for version, (state, _) in shown(registry).items()} == {2: "failure"}


def test_deployments_of_a_commit_that_is_not_there_are_refused(registry: Registry) -> None:
    """With the server's words; nothing is left half made."""
    entry = registry.registered(1).model_copy(update={"commit": "0" * 40})
    registry.write(entry)
    with pytest.raises(GitHubFailed, match="No ref found"):
        update_deployments(registry.settings(), clock=lambda: AT)
    assert shown(registry) == {}


def test_the_forge_keeps_a_file_of_them(registry: Registry) -> None:
    """In the order in which they were made, with all that was said; those that are not over are shown."""
    assert list(deployments.lines(registry.bench.home)) == []
    registry.write(registry.registered(1), registry.change(1, None))
    update_deployments(registry.settings(), clock=lambda: AT)
    (line,) = deployments.lines(registry.bench.home)
    assert line.split("  since ")[0] == "   -  success      production  version 1 of diabetes"
    (found,) = deployments.deployments(registry.bench.home)
    assert (found.environment, found.task, found.payload["run"]) == ("production", "serve diabetes", "r1")
    assert [(each.state, each.log_url) for each in found.statuses] == [("success", PAGE)]
    number = found.id
    deployments.add_status(registry.bench.home, number, replace(found.statuses[0], state="inactive"))
    assert list(deployments.lines(registry.bench.home)) == []
    assert deployments.add_status(registry.bench.home, number + 1, found.statuses[0]) is None


def test_who_approved_is_known_of_a_run_that_has_ended(registry: Registry) -> None:
    """From its result; a run that was let go on by nobody, and one that is not there, have none."""
    registry.approve("grace")
    home, run = registry.bench.home, runs.find(registry.bench.home, 42)
    assert run is not None
    ending.without_running(home, replace(run, approved_by="grace"), "success", "", lambda _: None)
    assert approvals.given(home, 42) == (
        approvals.Given(by="grace", approved=True, environments=("production",)),
    )  # fmt: skip
    assert approvals.given(home, 43) is None
    registry.write(registry.registered(1, "gate", APPROVAL))
    assert registry.hear(1) == (Heard("grace", written=True),)
    with pytest.raises(GitHubFailed, match="404"):
        registry.hear(1, GITHUB_RUN_ID="43")
