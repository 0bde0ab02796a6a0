"""Posting a report: one comment whoever races, a status on the right commits, and no failure where none is due."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from ratchet.cli.app import app
from ratchet.core import sticky
from ratchet.core.decision import Decision
from ratchet.errors import UsageError
from ratchet.flows.comment import About, post_comment
from ratchet.flows.post import Request, post
from ratchet.forge import conversation
from ratchet.forge.api import server as api
from ratchet.forge.api.request import Answer

if TYPE_CHECKING:
    from tests.github.conftest import Bench

    Decide = Callable[..., Decision]

MARKER = sticky.marker_of("diabetes")
BOT = "github-actions[bot]"


def body(text: str, commit: str = "") -> str:
    """A comment as it is posted."""
    return sticky.with_marker(text, MARKER, commit=commit)


def refuse(status: int, message: str = "no", **headers: str) -> Callable[[api.Request], Answer]:
    """Every request is answered so."""
    return lambda _: Answer(status=status, json={"message": message}, headers=headers)


def test_the_first_report_makes_the_comment(bench: Bench, decided: Decide) -> None:
    """The comment says which commit it is about, the status carries the verdict and leads to the run."""
    bench.report(decided())
    outcome = post(bench.settings(), Request())
    assert (bench.comments(), outcome.problems) == ([body("# The report\n", bench.head)], ())
    state, words = bench.gate(bench.head)
    assert (state, words.startswith("promote: log_loss: gain +0.05")) == ("success", True)
    (status,) = conversation.statuses(bench.home, bench.head)
    assert status.target_url == f"https://github.com/{bench.repository}/actions/runs/42"


def test_the_next_report_takes_its_place(bench: Bench, decided: Decide) -> None:
    """On whatever page the comment stands, and nobody else's is touched."""
    others = [f"comment {number}" for number in range(130)]
    bench.chatter(*others)
    bench.report(decided())
    post(bench.settings(), Request())
    later = [f"later {number}" for number in range(130)]
    bench.chatter(*later)
    bench.report(decided(), "# Another\n")
    post(bench.settings(), Request())
    assert bench.comments() == [*others, body("# Another\n", bench.head), *later]


def test_a_strangers_marker_is_not_taken_over(bench: Bench, decided: Decide) -> None:
    """Anybody can type a marker: only what the API says is ours is changed or removed."""
    bench.chatter(body("mine!"), user="mallory")
    bench.chatter(body("of another bot"), user="other[bot]")
    bench.report(decided())
    for _ in range(2):
        post(bench.settings(), Request())
    assert bench.comments() == [body("mine!"), body("of another bot"), body("# The report\n", bench.head)]


def test_a_quoted_marker_is_no_marker(bench: Bench, decided: Decide) -> None:
    """A comment of ours that only mentions the marker is another comment."""
    bench.chatter(f"> {body('x')}", user=BOT)
    bench.report(decided())
    post(bench.settings(), Request())
    assert bench.comments() == [f"> {body('x')}", body("# The report\n", bench.head)]


def test_another_model_has_another_comment(bench: Bench, decided: Decide) -> None:
    """Two models in one repository do not share a comment."""
    bench.chatter(sticky.with_marker("of flights", sticky.marker_of("flights")), user=BOT)
    bench.report(decided())
    post(bench.settings(), Request())
    assert len(bench.comments()) == 2


def test_our_duplicates_are_removed(bench: Bench, decided: Decide) -> None:
    """Of several that are ours the oldest is kept, and has the new text."""
    bench.chatter("before", user="ada")
    bench.chatter(body("one"), body("two"), user=BOT)
    bench.chatter("between", user="ada")
    bench.chatter(body("three"), user=BOT)
    bench.report(decided())
    post(bench.settings(), Request())
    assert bench.comments() == ["before", body("# The report\n", bench.head), "between"]


def test_two_that_race_leave_one(bench: Bench) -> None:
    """Both have listed the comments before either has written: one comment stays, with one of the two texts."""
    together = threading.Barrier(2)

    def wait_for_both(request: api.Request) -> None:
        if request.method == "POST":
            together.wait(timeout=20)

    bench.api.tamper = wait_for_both
    clients = [bench.client(), bench.client()]
    racers = [
        threading.Thread(target=post_comment, args=(client, 1, f"text {number}", MARKER))
        for number, client in enumerate(clients)
    ]
    for each in racers:
        each.start()
    for each in racers:
        each.join()
    assert bench.comments() in ([body("text 0")], [body("text 1")])
    assert bench.api.asked.count("POST /issues/1/comments") == 2


def test_a_comment_that_vanishes_is_made_again(bench: Bench) -> None:
    """Somebody removes it between the list and the edit: the report is posted all the same."""
    bench.chatter(body("old"), user=BOT)

    def remove_first(request: api.Request) -> None:
        if request.method == "PATCH":
            conversation.delete_comment(bench.home, 1)

    bench.api.tamper = remove_first
    assert post_comment(bench.client(), 1, "new", MARKER).action == "made"
    assert bench.comments() == [body("new")]


def test_an_app_of_its_own_finds_its_comment(bench: Bench) -> None:
    """A token that may not ask who it is learns it from what it writes: still one comment."""
    bench.chatter(body("old"), user="ratchet-app[bot]")

    def as_app(request: api.Request) -> Answer | None:
        if request.method != "POST":
            return None
        made = conversation.add_comment(bench.home, 1, json.loads(request.content)["body"], user="ratchet-app[bot]")
        shown = {"id": made.id, "user": {"login": made.user}, "body": made.body, "html_url": "https://x.example"}
        return Answer(status=201, json=shown, headers={"x-checked": "no"})

    bench.api.tamper = as_app
    post_comment(bench.client(), 1, "new", MARKER)
    assert bench.comments() == [body("new")]


def test_a_forced_push_and_a_bots_commit_keep_one_comment(bench: Bench, decided: Decide) -> None:
    """The head is replaced, then the machine commits on top: one comment, and the status on both commits."""
    bench.report(decided())
    post(bench.settings(), Request())
    forced = bench.commit(bench.base, "forced")
    bench.move_head(forced)
    machine = bench.commit(forced, "lock")
    post(bench.settings(), Request(commit=machine))
    assert bench.comments() == [body("# The report\n", machine)]
    assert bench.gate(forced) == bench.gate(machine) == bench.gate(bench.head)


def test_the_commit_that_was_measured_has_the_status(bench: Bench, decided: Decide) -> None:
    """The branch moved before the run began: the report says which commit it is about, the event does not know."""
    newer = bench.commit(bench.head, "newer")
    bench.report(decided())
    (bench.root / "reports" / "change.json").write_text(json.dumps({"head": newer}), encoding="utf-8")
    post(bench.settings(), Request())
    assert (bench.gate(newer)[0], conversation.statuses(bench.home, bench.head)) == ("success", [])


def test_an_old_report_does_not_replace_a_new_one(bench: Bench, decided: Decide) -> None:
    """A slow run of an older commit leaves the comment on the newest commit, and sets its own commit's status."""
    old = bench.head
    new = bench.commit(old, "newer")
    bench.move_head(new)
    bench.report(decided(), "# New\n")
    post(bench.settings(), Request())
    bench.event(old)
    bench.report(decided(), "# Old\n")
    outcome = post(bench.settings(), Request())
    assert bench.comments() == [body("# New\n", new)]
    assert (bench.gate(old)[0], outcome.done[0].startswith("left the comment")) == ("success", True)


def test_an_old_report_replaces_an_older_one(bench: Bench, decided: Decide) -> None:
    """As long as nothing is said of the newest commit, the newest report stands."""
    first, second = bench.head, bench.commit(bench.head, "second")
    bench.report(decided(), "# First\n")
    post(bench.settings(), Request())
    bench.move_head(bench.commit(second, "third"))
    bench.event(second)
    bench.report(decided(), "# Second\n")
    post(bench.settings(), Request())
    assert (bench.comments(), first != second) == ([body("# Second\n", second)], True)


def test_a_report_that_is_too_long_is_cut(bench: Bench, decided: Decide) -> None:
    """GitHub takes it, and its last line leads to the whole."""
    bench.report(decided(), "# The report\n\n" + "".join(f"## Part {n}\n\n{'x' * 5000}\n\n" for n in range(20)))
    outcome = post(bench.settings(), Request())
    (found,) = bench.comments()
    assert (outcome.problems, sticky.size(found) <= sticky.LIMIT) == ((), True)
    assert found.endswith(f"[the run's artifacts](https://github.com/{bench.repository}/actions/runs/42).*")


@pytest.mark.parametrize(
    ("evidence", "state", "words"),
    [
        ({}, "success", "promote: log_loss: gain"),
        ({"comparison": {"p_better": 0.4}}, "failure", "hold: log_loss: gain"),
        ({"contaminated": ("2013-07",)}, "failure", "reject: a model was trained on the batches that judge"),
        ({"challenger_is_champion": True, "comparison": {"p_better": 0.4}}, "success", "same model"),
    ],
)
def test_the_status_is_the_verdict(bench: Bench, decided: Decide, evidence: Any, state: str, words: str) -> None:
    """Only a promotion, or the very model that serves, is green; the reason stands in at most 140 characters."""
    bench.report(decided(**evidence))
    post(bench.settings(), Request())
    found, description = bench.gate(bench.head)
    assert (found, description.startswith(words), len(description) <= 140) == (state, True, True)


def test_pending_sets_the_status_alone(bench: Bench, decided: Decide) -> None:
    """Whatever an earlier run left in the folder is not looked at."""
    bench.report(decided())
    post(bench.settings(), Request(pending=True))
    assert (bench.gate(bench.head)[0], bench.comments()) == ("pending", [])


@pytest.mark.parametrize("result", ["failure", "cancelled", "skipped"])
def test_a_run_that_ended_early_is_no_verdict(bench: Bench, decided: Decide, result: str) -> None:
    """The comment of an earlier report does not stand there as if it were this one's; nothing is green."""
    bench.report(decided())
    post(bench.settings(), Request())
    post(bench.settings(), Request(result=result))
    (found,) = bench.comments()
    assert bench.gate(bench.head) == ("error", f"no verdict: training ended with: {result}")
    assert f"training ended with: {result}" in found
    assert f"(https://github.com/{bench.repository}/actions/runs/42)" in found


@pytest.mark.parametrize("left", [None, "", "{}", '{"verdict": "promote"}'])
def test_a_decision_that_cannot_be_read_is_none(bench: Bench, decided: Decide, left: str | None) -> None:
    """Closed by default: what is missing or broken is never green."""
    bench.report(decided())
    decision = bench.root / "reports" / "decision.json"
    decision.unlink() if left is None else decision.write_text(left, encoding="utf-8")
    post(bench.settings(), Request(result="success"))
    assert bench.gate(bench.head) == ("error", "no verdict: the run left no decision")


def test_without_a_pull_request_there_is_a_status(bench: Bench, decided: Decide) -> None:
    """A push to main has no conversation, but its commit has a status."""
    (bench.root / "event.json").write_text(json.dumps({"ref": "refs/heads/main", "after": bench.base}))
    bench.report(decided())
    outcome = post(bench.settings(), Request())
    assert (bench.gate(bench.base)[0], bench.comments(), outcome.problems) == ("success", [], ())


def test_the_pull_request_of_a_conversation(bench: Bench, decided: Decide) -> None:
    """A comment's event names it, too; an issue that is none has no report."""
    bench.report(decided())
    for issue in ({"number": 1}, {"number": 1, "pull_request": {"url": "x"}}):
        assert bench.comments() == []
        (bench.root / "event.json").write_text(json.dumps({"issue": issue}))
        post(bench.settings(), Request())
    assert len(bench.comments()) == 1


@pytest.mark.parametrize("payload", ["", "[]", '{"pull_request": 3}', '{"pull_request": {"number": 1}}'])
def test_an_event_that_is_none_is_refused(bench: Bench, payload: str) -> None:
    """Something else in its place is an error, not a report that goes nowhere."""
    (bench.root / "event.json").write_text(payload, encoding="utf-8")
    with pytest.raises(UsageError, match="not the payload of an event"):
        post(bench.settings(), Request())


@pytest.mark.parametrize(
    ("status", "words"),
    [(403, "Resource not accessible by integration"), (404, "Not Found"), (401, "Bad credentials")],
)
def test_what_cannot_be_posted_is_said(bench: Bench, decided: Decide, status: int, words: str) -> None:
    """In the summary of the run's page, with what would mend it; the run does not fail for it."""
    bench.report(decided())
    bench.api.tamper = refuse(status, words)
    outcome = post(bench.settings(), Request())
    summary = (bench.root / "summary.md").read_text(encoding="utf-8")
    assert (len(outcome.problems), outcome.done) == (2, ())
    for problem in outcome.problems:
        assert (problem in summary, words in problem, "next: " in problem) == (True, True, True)


def test_comment_and_status_stand_alone(bench: Bench, decided: Decide) -> None:
    """A job that may not comment still sets the status, and the other way round."""
    bench.report(decided())
    bench.api.tamper = lambda one: refuse(403)(one) if "/issues/" in one.path else None
    assert (len(post(bench.settings(), Request()).problems), bench.gate(bench.head)[0]) == (1, "success")
    bench.api.tamper = lambda one: refuse(403)(one) if "/statuses/" in one.path else None
    assert (len(post(bench.settings(), Request()).problems), len(bench.comments())) == (1, 1)


def test_the_command_exits_with_0_unless_it_is_strict(bench: Bench, decided: Decide) -> None:
    """Without a token nothing can be posted: said and forgiven, or with --strict, exit code 5."""
    bench.report(decided())
    words = ["--project", str(bench.root), "post"]
    forgiven = CliRunner().invoke(app, words, env=bench.environment(GITHUB_TOKEN=""))
    strict = CliRunner().invoke(app, [*words, "--strict"], env=bench.environment(GITHUB_TOKEN=""))
    assert (forgiven.exit_code, strict.exit_code) == (0, 5)
    assert "not posted: there is no token for GitHub" in forgiven.output
    assert "there is no token for GitHub" in (bench.root / "summary.md").read_text(encoding="utf-8")


def test_the_command_posts_and_marks(bench: Bench, decided: Decide) -> None:
    """It prints the workflow commands for the lines that decided, and what was done."""
    bench.report(decided(comparison={"p_better": 0.4}))
    words = ["--project", str(bench.root), "post", "--commit", "", "--result", "success"]
    done = CliRunner().invoke(app, words, env=bench.environment())
    assert (done.exit_code, len(bench.comments())) == (0, 1)
    assert done.output.splitlines()[0].startswith("::notice file=params.yaml,line=8,title=hold%3A better::log_loss")
    assert f"ratchet/gate of {bench.head[:9]}: failure" in done.output


def test_outside_a_workflow_nothing_is_marked(bench: Bench, decided: Decide) -> None:
    """The commands mean something to a runner alone."""
    bench.report(decided(comparison={"p_better": 0.4}))
    assert post(bench.settings(GITHUB_ACTIONS=""), Request()).annotations == ()


def test_a_text_of_ones_own_is_posted_under_its_own_marker(bench: Bench) -> None:
    """Another kind of comment stands beside the report."""
    marker = sticky.marker_of("diabetes", "sample")
    bench.chatter(body("# The report\n"), user=BOT)
    posted = post_comment(bench.client(), 1, "sample", marker, About(commits=(bench.head,)))
    assert (posted.action, bench.comments()[0]) == ("made", body("# The report\n"))
    assert bench.comments()[1] == sticky.with_marker("sample", marker, commit=bench.head)


def test_a_refused_params_file_still_takes_its_comments_place(bench: Bench, decided: Decide) -> None:
    """The run failed for it: the verdict of an earlier report must not stand there as if it were this one's."""
    bench.report(decided())
    post(bench.settings(), Request())
    (bench.root / "params.yaml").write_text("project: {name: diabetes}\ngate: nonsense\n", encoding="utf-8")
    post(bench.settings(), Request(result="failure"))
    (found,) = bench.comments()
    assert "training ended with: failure" in found


@pytest.mark.parametrize("text", ["project: {}\n", "project: {name: a b}\n", "project: [\n"])
def test_without_a_model_there_is_no_comment(bench: Bench, decided: Decide, text: str) -> None:
    """A comment that could not be found again is not made; the status is set."""
    bench.report(decided())
    (bench.root / "params.yaml").write_text(text, encoding="utf-8")
    outcome = post(bench.settings(), Request())
    assert (len(outcome.problems), bench.comments(), bench.gate(bench.head)[0]) == (1, [], "success")
