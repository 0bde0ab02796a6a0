"""The repository's own workflows through each of their events, with a `ratchet` that only notes what it is asked."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from ratchet.forge import approvals, hook, results, worker, workflows
from ratchet.forge import run as runs
from ratchet.forge.dispatch import dispatch, event, scheduled
from ratchet.forge.home import Home
from ratchet.forge.pulls import pulls
from ratchet.forge.pulls.pull_record import Draft
from ratchet.forge.tickets import Ticket

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


def git(arguments: Sequence[str], checkout: Path) -> str:
    """Run git and return all it says."""
    done = subprocess.run(
        ["git", *arguments], cwd=checkout, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True
    )
    return done.stdout


def push(forge: Home, verdict: str, branch: str = "main") -> str:
    """Push a commit whose training comes to `verdict`."""
    checkout = forge.root.parent / "checkout"
    (checkout / "src" / "verdict").write_text(verdict, encoding="utf-8")
    git(["add", "--all", "--", ":!.ratchet", ":!.dvc"], checkout)
    git(["commit", "--quiet", "--message", f"verdict: {verdict}"], checkout)
    return git(["push", "forge", f"HEAD:{branch}"], checkout)


def calls(forge: Home) -> list[str]:
    """What `ratchet` and `make` were asked since the last time, in order."""
    file = forge.root / "calls"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    file.unlink(missing_ok=True)
    return lines


def trained(name: str, reason: str, branch: str = "main", between: str = "->") -> list[str]:
    """The calls of the train workflow for the event `name`; only the steps that read or write branches have a token."""
    steps = ("models --pick", "data fetch", "run", "report --into reports", "publish", "record")
    tokens = {"run": "yes", "publish": "yes", "record": "yes"}
    return [
        f"{step} branch={branch} run= reason={reason} token={tokens.get(step, '')} {name} {between}" for step in steps
    ]


def ended(forge: Home) -> list[tuple[str, str, str]]:
    """Each run's workflow, event and conclusion."""
    return [(run.workflow, run.event, run.conclusion) for run in results.runs(forge)]


ASKED = "dispatch promote.yaml --ref main run-id=r17 actor=ada branch=main run=r17 reason= token= {event} ->"
OTHERS = {"Ask for the other models": "skipped"}
PROMOTED = [
    "advance r17 --reason  --approvals-from-environment production branch=main run=r17 reason= token=yes"
    " workflow_dispatch ->",
    "notify --deployments branch=main run= reason= token=yes workflow_dispatch ->",
]


def test_a_promotion_follows_training_that_says_so(forge: Home) -> None:
    """A push trains on its branch, keeps the report, and starts the promotion of the run that training recorded."""
    said = push(forge, "promote")
    assert calls(forge) == [*trained("push", "push"), ASKED.format(event="push"), *PROMOTED]
    assert ended(forge) == [("retrain", "push", "success"), ("promote", "workflow_dispatch", "success")]
    run = results.runs(forge)[0]
    assert run.jobs == {"Train / Train": "success", **OTHERS, "Ask for promotion": "success"}
    assert run.outputs == {"model": "", "verdict": "promote", "run-id": "r17"}
    assert run.summary.read_text(encoding="utf-8") == "# Report\n"
    assert (run.artifacts / "report" / "report.md").read_text(encoding="utf-8") == "# Report\n"
    assert said.index("retrain #1: ok") < said.index("promote #2: dispatch of") < said.index("promote #2: ok")
    assert list(forge.queue.iterdir()) == list(forge.open.iterdir()) == []


def test_each_model_that_a_push_touches_has_a_run_of_its_own(forge: Home) -> None:
    """The first is trained by the push's run, which asks for the others; each promotion names its model."""
    checkout = forge.root.parent / "checkout"
    (checkout / "src").mkdir(exist_ok=True)
    (checkout / "src" / "models").write_text("model=late\nothers=cancelled on-time\n", encoding="utf-8")
    push(forge, "promote")
    assert [(run.workflow, run.event, run.ok) for run in results.runs(forge)].count(
        ("retrain", "workflow_dispatch", True)
    ) == 2
    asked = [line.split(" branch=")[0] for line in calls(forge) if line.startswith("dispatch")]
    assert sorted(asked) == [
        "dispatch promote.yaml --ref main run-id=r17 actor=ada model=cancelled",
        "dispatch promote.yaml --ref main run-id=r17 actor=ada model=late",
        "dispatch promote.yaml --ref main run-id=r17 actor=ada model=on-time",
        "dispatch retrain.yaml --ref main reason=push actor=ada model=cancelled",
        "dispatch retrain.yaml --ref main reason=push actor=ada model=on-time",
    ]


@pytest.mark.parametrize("verdict", ["hold", "reject", ""])
def test_nothing_else_promotes(forge: Home, verdict: str) -> None:
    """Training that does not say `promote` ends well, and promotes nothing."""
    push(forge, verdict)
    [run] = results.runs(forge)
    assert (run.ok, run.jobs) == (True, {"Train / Train": "success", **OTHERS, "Ask for promotion": "skipped"})
    assert calls(forge) == trained("push", "push")


def test_every_other_way_to_retrain_says_why(forge: Home) -> None:
    """By hand, on schedule, and when drift was seen, the same training runs, and the reason reaches the commands."""
    push(forge, "hold")
    calls(forge)
    drift = {"reason": "psi 0.4 $(date)"}
    for asked, reason in (
        ([dispatch(forge, "retrain", {"reason": "it drifts; $(date)"}, actor="ada")], "it drifts; $(date)"),
        (scheduled(forge, actor="ada", only="17 3 * * 1"), "schedule"),
        ([event(forge, "drift-detected", drift, actor="ada")], "psi 0.4 $(date)"),
    ):
        hook.show(forge, asked)
        assert calls(forge) == trained(asked[0].event, reason)
    hook.show(forge, [event(forge, "something-else", {}, actor="ada")])
    assert [run.event for run in results.runs(forge)] == [
        "push", "workflow_dispatch", "schedule", "repository_dispatch"
    ]  # fmt: skip


def test_a_protected_promotion_waits_for_its_approval(forge: Home) -> None:
    """With production protected, the push ends with the promotion held; approved, it runs, and says by whom."""
    approvals.protect(forge, "production")
    said = push(forge, "promote")
    assert "promote #2 waits for an approval of production: ratchet forge approve 2" in said
    assert ended(forge) == [("retrain", "push", "success")]
    assert calls(forge)[-1] == ASKED.format(event="push")
    [held] = runs.unfinished(forge)
    assert (held.number, held.state, held.environments) == (2, "waiting", ("production",))
    approvals.decide(forge, 2, by="grace", approved=True)
    worker.drain(forge)
    assert calls(forge) == PROMOTED
    assert [(run.number, run.ok, run.approved_by) for run in results.runs(forge)] == [(1, True, ""), (2, True, "grace")]


def posted(result: str, event_name: str) -> str:
    """The call of the job that posts the report of the first pull request."""
    return f"post --reports reports --pr 1 --result {result} --commit  branch=add-july run= reason= token= {event_name}"


def pull_request(forge: Home, verdict: str) -> Ticket:
    """The ticket of a pull request from the branch add-july into main that is opened."""
    git(["switch", "--quiet", "--create", "add-july"], forge.root.parent / "checkout")
    push(forge, verdict, "add-july")
    draft = Draft(title="Add July", body="", head="add-july", base="main", author="ada")
    ticket = pulls.create(forge, draft)[1]
    assert ticket is not None
    return ticket


def test_a_pull_request_is_trained_checked_and_reported(forge: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """Opened, its branch is trained and the report posted, and the code is checked; the run knows head and base."""
    push(forge, "hold")
    ticket = pull_request(forge, "hold ")
    calls(forge)
    hook.show(forge, [ticket])
    between = "add-july->main"
    post = posted("success", "pull_request add-july->main")
    made = [*trained("pull_request", "pull request 1", "add-july", between), post]
    assert sorted(calls(forge)) == sorted([*made, "make check", "make quick", "make slow"])
    ended_runs = results.runs(forge)[1:]
    assert [(run.workflow, run.ok, run.pull, run.ref) for run in ended_runs] == [
        ("pull-request", True, 1, "refs/pull/1/merge"),
        ("ci", True, 1, "refs/pull/1/merge"),
        ("report", True, 0, "refs/heads/main"),
    ]
    assert ended_runs[0].jobs == {"Train / Train": "success", **OTHERS, "Report": "success", "Sample": "skipped"}
    assert (ended_runs[2].event, ended_runs[2].jobs) == ("workflow_run", {"Vet and post": "skipped"})
    assert "    # Report\n" in capsys.readouterr().out


def test_labels_and_pushes_of_a_pull_request_start_what_they_should(forge: Home) -> None:
    """A push to its branch runs it again, and so does the label `explain`; any other label trains nothing."""
    push(forge, "hold")
    ticket = pull_request(forge, "hold ")
    git(["push", "--quiet", "forge", "main:other"], forge.root.parent / "checkout")
    calls(forge)
    push(forge, "hold  ", "add-july")
    between = "add-july->main"
    again = trained("pull_request", "pull request 1", "add-july", between)
    assert [line for line in calls(forge) if line in again] == again
    for name, expected in (("docs", []), ("explain", again)):
        labelled = pulls.label(forge, 1, name, actor="ada")[1]
        hook.show(forge, [labelled] if labelled else [])
        assert [line for line in calls(forge) if line in again] == expected
    assert ticket.number == 1


def test_ci_of_the_machines_own_commit_is_asked_for(forge: Home) -> None:
    """Started by hand on a branch, CI looks at what differs from main and checks it."""
    push(forge, "hold")
    push(forge, "hold ", "add-july")
    calls(forge)
    hook.show(forge, [dispatch(forge, "ci", {}, actor="ada", branch="add-july")])
    assert sorted(calls(forge)) == ["make check", "make quick", "make slow"]
    assert results.runs(forge)[-1].jobs["All green"] == "success"


def test_new_data_is_looked_for_daily_and_by_hand(forge: Home) -> None:
    """On main: the data comes first, to be compared with; the step that asks has the token, the other one none.

    It asks for one batch, and by hand for as many as are wanted.
    """
    push(forge, "hold")
    calls(forge)
    daily = scheduled(forge, actor="ada", only="41 4 * * *")
    by_hand = [dispatch(forge, "ingest", {"limit": "5"}, actor="ada")]
    for limit, asked in (("1", daily), ("5", by_hand)):
        hook.show(forge, asked)
        event_name = asked[0].event
        assert calls(forge) == [
            f"models --pick branch=main run= reason= token= {event_name} ->",
            f"data fetch branch=main run= reason= token= {event_name} ->",
            f"data offer --base main --limit {limit} branch=main run= reason= token=yes {event_name} ->",
        ]
    assert ended(forge)[1:] == [("ingest", "schedule", "success"), ("ingest", "workflow_dispatch", "success")]


def test_what_waits_goes_on_every_hour_and_by_hand(forge: Home) -> None:
    """Each model is taken as far as it goes and told of; what still waits is on the run's page."""
    push(forge, "hold")
    calls(forge)
    hourly = scheduled(forge, actor="ada", only="23 * * * *")
    by_hand = [dispatch(forge, "advance", {}, actor="ada")]
    for asked in (hourly, by_hand):
        hook.show(forge, asked)
        name = asked[0].event
        steps = (
            ("models --pick", ""),
            ("reconcile", "yes"),
            ("advance", "yes"),
            ("notify --deployments", "yes"),
            ("queue", "yes"),
        )
        assert calls(forge) == [f"{step} branch=main run= reason= token={token} {name} ->" for step, token in steps]
    assert results.runs(forge)[-1].summary.read_text(encoding="utf-8") == "```\nnothing waits\n```\n"
    seen = (forge.root / "seen").read_text(encoding="utf-8").splitlines()
    actors = [word for line in seen if line.startswith("advance: ") for word in line.split() if "RATCHET_ACTOR" in word]
    assert actors == ["RATCHET_ACTOR=github-actions[bot]", "RATCHET_ACTOR=ada"]
    (forge.root.parent / "checkout" / "src" / "models").write_text("model=late\nothers=on-time\n", encoding="utf-8")
    push(forge, "hold ")
    calls(forge)
    hook.show(forge, [dispatch(forge, "advance", {}, actor="ada")])
    assert [line.split(" branch=")[0] for line in calls(forge)] == [
        "models --pick", "reconcile", "reconcile", "advance", "advance", *["notify --deployments"] * 2, "queue"
    ]  # fmt: skip


def test_what_serves_is_made_again_weekly_and_any_version_by_hand(forge: Home) -> None:
    """Of each model where there are several; the step that reads the ledger has the token, and writes nothing."""
    push(forge, "hold")
    calls(forge)
    weekly = scheduled(forge, actor="ada", only="23 5 * * 6")
    by_hand = [dispatch(forge, "rebuild", {"version": "7", "packages": "locked"}, actor="ada")]
    for version, asked in (("", weekly), (" 7 --environment", by_hand)):
        hook.show(forge, asked)
        event_name = asked[0].event
        assert calls(forge) == [
            f"models --pick branch=main run= reason= token= {event_name} ->",
            f"rebuild{version} branch=main run= reason= token=yes {event_name} ->",
        ]
    assert ended(forge)[1:] == [("rebuild", "schedule", "success"), ("rebuild", "workflow_dispatch", "success")]


def test_a_pull_request_that_a_workflow_opened_is_trained_when_asked(forge: Home) -> None:
    """On its branch, against its base, under its number: the same as for a person's, and only the branch's own."""
    push(forge, "hold")
    pull_request(forge, "hold ")
    calls(forge)
    hook.show(forge, [dispatch(forge, "pull-request", {"number": "1"}, actor="ada", branch="add-july")])
    post = posted("success", "workflow_dispatch ->")
    assert calls(forge) == [*trained("workflow_dispatch", "pull request 1", "add-july"), post]
    [run, vetting] = results.runs(forge)[1:]
    assert run.jobs == {"Train / Train": "success", **OTHERS, "Report": "success", "Sample": "skipped"}
    assert (vetting.workflow, vetting.jobs) == ("report", {"Vet and post": "skipped"})
    seen = (forge.root / "seen").read_text(encoding="utf-8").splitlines()
    reported = [line for line in seen if line.startswith("report: ") and "workflow_dispatch" in line]
    assert [("RATCHET_BASE=main" in line, "RATCHET_EXPLAIN=false" in line) for line in reported] == [(True, True)]


def test_every_event_of_every_workflow_is_tried_above() -> None:
    """A new event of one of the workflows must not go without a test here."""
    known = {
        (Path(path).stem, event)
        for path in workflows.files(ROOT)
        for event in workflows.parse(path, (ROOT / path).read_text(encoding="utf-8")).triggers
    }
    assert known == {
        ("advance", "schedule"),
        ("advance", "workflow_dispatch"),
        ("ci", "pull_request"),
        ("ci", "workflow_dispatch"),
        ("ingest", "schedule"),
        ("ingest", "workflow_dispatch"),
        ("promote", "workflow_dispatch"),
        ("pull-request", "pull_request"),
        ("pull-request", "workflow_dispatch"),
        ("rebuild", "schedule"),
        ("rebuild", "workflow_dispatch"),
        ("report", "workflow_run"),
        ("retrain", "push"),
        ("retrain", "schedule"),
        ("retrain", "workflow_dispatch"),
        ("retrain", "repository_dispatch"),
        ("train", "workflow_call"),
    }


def test_a_pull_request_whose_training_fails_is_reported(forge: Home) -> None:
    """The report says that training failed, knows nothing of a commit, and the run has failed."""
    push(forge, "hold")
    pull_request(forge, "hold ")
    checkout = forge.root.parent / "checkout"
    script = checkout / "ratchet.sh"
    failing = script.read_text(encoding="utf-8").replace("set -eu\n", 'set -eu\n[ "$1" != run ] || exit 3\n')
    script.write_text(failing, encoding="utf-8")
    git(["commit", "--quiet", "--all", "--message", "fail"], checkout)
    calls(forge)
    git(["push", "forge", "HEAD:add-july"], checkout)
    post = posted("failure", "pull_request add-july->main")
    assert [call for call in calls(forge) if call.startswith(("post", "dispatch"))] == [post]
    run = next(run for run in results.runs(forge) if run.workflow == "pull-request")
    assert (run.conclusion, run.jobs) == (
        "failure",
        {"Train / Train": "failure", **OTHERS, "Report": "success", "Sample": "skipped"},
    )


def test_a_broken_file_stops_no_other_workflow_of_a_pull_request(forge: Home) -> None:
    """It is a failed run of its own, and those that wait for the end of others still learn of it."""
    push(forge, "hold")
    pull_request(forge, "hold ")
    checkout = forge.root.parent / "checkout"
    (checkout / ".github" / "workflows" / "broken.yaml").write_text("on: [push, pull_request\n", encoding="utf-8")
    push(forge, "hold", "add-july")
    found = {run.workflow: run for run in results.runs(forge) if run.event == "pull_request"}
    assert {name: run.conclusion for name, run in found.items()} == {
        "broken": "failure",
        "ci": "success",
        "pull-request": "success",
    }
    assert "broken.yaml is not a workflow" in found["broken"].error
