"""The client against the forge's API, which is held against GitHub's own document: what is sent, repeated, refused."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from ratchet.errors import DataRefused, ServiceFailed, UsageError
from ratchet.forge import conversation, tickets
from ratchet.forge import run as runs
from ratchet.forge.api.request import Answer
from ratchet.forge.api.server import Request
from ratchet.forge.approvals import ENDING
from ratchet.forge.pulls import pull_record
from ratchet.forge.run import Run
from ratchet.forge.tickets import DISPATCH, REPOSITORY_DISPATCH, Ticket
from ratchet.io.files import write_json
from ratchet.io.git import git
from ratchet.io.github.calls import PAUSES, Caller
from ratchet.io.github.client import Artifact, ChangedFile, GitHub, GitHubFailed, PullDraft, Status, connect
from ratchet.io.github.deployments import DeploymentDraft
from ratchet.settings import GitHubSettings, Secret

if TYPE_CHECKING:
    from tests.github.conftest import Bench

TOKEN = "forge-token-0123456789"  # noqa: S105  # lets nobody in but here
LIMIT = 1 << 20
START = Ticket(name="1", event=DISPATCH, ref="refs/heads/main", before="", sha="", actor="ada")


def says(status: int, message: str = "no", **headers: str) -> Answer:
    """A refusal in GitHub's shape."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, json={"message": message, "documentation_url": "x"}, headers=named)


def first(*answers: Answer | None) -> Callable[[Request], Answer | None]:
    """These answers first, one a request, then the forge's own."""
    left = list(answers)
    return lambda _: left.pop(0) if left else None


def uploaded(bench: Bench, run: int, name: str, files: dict[str, bytes]) -> None:
    """An artifact of a run."""
    folder = bench.home.runs / f"{run:04d}-build" / "artifacts" / name
    folder.mkdir(parents=True)
    for path, content in files.items():
        (folder / path).write_bytes(content)


def new_draft(bench: Bench, **changed: str) -> PullDraft:
    """A request of a branch with one commit more than main, which is made here."""
    made = bench.commit(bench.base, "more")
    git(["update-ref", "refs/heads/data/2013-08", made], cwd=bench.home.origin)
    known = {"title": "Data: 2013-08", "body": "**rows**", "head": "data/2013-08", "base": "main"}
    return PullDraft(**{**known, **changed})


def test_the_client_uses_all_that_is_vendored(bench: Bench, tmp_path: Path) -> None:
    """Each operation of the document is called once, so that nothing in it stands there unwatched."""
    uploaded(bench, 3, "report", {"report.md": b"# fine"})
    client = bench.client()
    made = client.add_comment(1, "text")
    client.edit_comment(made.id, "other")
    client.delete_comment(made.id)
    client.set_status(bench.head, Status(context="c", state="success", description="d"))
    client.start_workflow("promote.yaml", ref="main", inputs={"run-id": "1"})
    client.send_event("drift-detected", {})
    client.download_artifact(client.artifacts(3)[0].id, tmp_path / "a.zip", limit=LIMIT)
    for ask in (client.comments, client.pull, client.pull_files):
        ask(1)
    client.pulls_of_commit(bench.head)
    client.pulls_by_head("local", "topic")
    client.statuses(bench.head)
    client.open_pull(new_draft(bench))
    client.viewer()
    draft = DeploymentDraft(sha=bench.base, environment="production", task="serve m", description="d", payload={})
    number = client.deployments.make(draft).id
    client.deployments.set_state(number, "success", page="https://ci.example/1")
    client.deployments.state(number)
    client.deployments.listed(environment="production", task="serve m")
    runs.save(bench.home, Run(number=3, path="a.yaml", title="A", ticket=START, environments=("production",)))
    write_json(runs.file(bench.home, 3, ENDING), {"by": "grace", "approved": True})
    assert [each.who for each in client.deployments.reviews(3)] == ["grace"]
    assert bench.api.contract.seen == bench.api.contract.known


def test_a_comment_is_written_changed_listed_and_removed(bench: Bench) -> None:
    """The client reads back what it wrote, and who wrote it."""
    with_client = bench.client()
    made = with_client.add_comment(1, "first\nwith “quotes” and 🚀")
    with_client.add_comment(1, "second")
    changed = with_client.edit_comment(made.id, "changed")
    assert (changed.id, changed.author, changed.body) == (made.id, "github-actions[bot]", "changed")
    assert [one.body for one in with_client.comments(1)] == ["changed", "second"]
    with_client.delete_comment(made.id)
    with_client.delete_comment(made.id)
    assert [one.body for one in with_client.comments(1)] == ["second"]


def test_all_pages_are_read(bench: Bench) -> None:
    """However many comments there are, none is missed, in a hundred a page."""
    bench.chatter(*(f"comment {number}" for number in range(250)))
    assert [one.body for one in bench.client().comments(1)] == [f"comment {number}" for number in range(250)]
    assert [one.query for one in bench.api.requests] == [
        {"per_page": "100"},
        {"per_page": "100", "page": "2"},
        {"per_page": "100", "page": "3"},
    ]


def test_the_token_goes_to_no_other_host(bench: Bench) -> None:
    """A next page that is elsewhere is refused before anything is sent there."""
    bench.api.tamper = first(Answer(json=[], headers={"Link": '<https://evil.example/2>; rel="next"'}))
    with pytest.raises(GitHubFailed, match=r"next page is on another host, evil\.example"):
        bench.client().comments(1)


def test_pages_that_go_round_end(bench: Bench) -> None:
    """A next page that was read before is refused, not read for ever."""
    bench.api.tamper = lambda one: Answer(json=[], headers={"Link": f'<{bench.api.url}{one.target}>; rel="next"'})
    with pytest.raises(GitHubFailed, match="round in a circle"):
        bench.client().comments(1)


def test_a_status_is_set(bench: Bench) -> None:
    """The newest of a context counts, and one without a page has none."""
    client = bench.client()
    client.set_status(bench.head, Status(context="ratchet/gate", state="pending", description="wait"))
    done = Status(context="ratchet/gate", state="success", description="fine", target_url="https://x.example/7")
    client.set_status(bench.head, done)
    (found,) = conversation.statuses(bench.home, bench.head)
    assert (found.state, found.description, found.target_url) == ("success", "fine", "https://x.example/7")


@pytest.mark.parametrize(
    ("sha", "description", "words"),
    [("0" * 40, "fine", "No commit found for SHA"), ("", "x" * 141, "too long")],
)
def test_a_status_that_github_refuses_is_refused(bench: Bench, sha: str, description: str, words: str) -> None:
    """An unknown commit, or a description that is too long: 422 in GitHub's words."""
    with pytest.raises(GitHubFailed, match=words) as refused:
        bench.client().set_status(sha or bench.head, Status(context="c", state="success", description=description))
    assert refused.value.status == 422


def test_a_pull_request_is_found_in_every_way(bench: Bench) -> None:
    """By number, by a commit of it, and by its branch; a commit of the base is part of none."""
    client = bench.client()
    one = client.pull(1)
    assert (one.number, one.state, one.head_sha, one.head_branch, one.base_branch) == (
        1, "open", bench.head, "topic", "main",
    )  # fmt: skip
    assert (one.base_sha, one.head_repository, one.changed_files) == (bench.base, bench.repository, 1)
    assert [each.number for each in client.pulls_of_commit(bench.head)] == [1]
    assert client.pulls_of_commit(bench.base) == []
    assert [each.number for each in client.pulls_by_head("local", "topic")] == [1]
    assert client.pulls_by_head("stranger", "topic") == []


def test_a_pull_request_is_opened_and_starts_nothing(bench: Bench) -> None:
    """It has the bot's name and its words; as on GitHub, no workflow starts by a job's token."""
    client, draft = bench.client(), new_draft(bench)
    made = client.open_pull(draft)
    assert (made.number, made.state, made.merged, made.head_branch) == (2, "open", False, "data/2013-08")
    assert made.page.endswith("/pulls/2.html")
    kept = pull_record.read(bench.home, 2)
    assert (kept.title, kept.body, kept.author) == (draft.title, draft.body, "github-actions[bot]")
    assert tickets.waiting(bench.home) == []
    assert [each.number for each in client.pulls(base="main")] == [2, 1]
    assert [each.number for each in client.pulls(head="local:data/2013-08", state="all")] == [2]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"head": "nowhere"}, "no branch nowhere"),
        ({"base": "nowhere"}, "no branch nowhere"),
        ({"head": "topic"}, "pull request 1 is open for topic already"),
        ({"head": "main"}, "nothing to merge"),
        ({"title": " "}, "a title of 1 to 256"),
        ({"body": "x" * 65_537}, "a body of 65536"),
    ],
)
def test_a_pull_request_that_cannot_be_is_refused(bench: Bench, changed: dict[str, str], words: str) -> None:
    """422 with the reason; it is asked once, as an answer that was lost may have been a yes."""
    with pytest.raises(GitHubFailed, match=words) as refused:
        bench.client().open_pull(new_draft(bench, **changed))
    assert (refused.value.status, len(bench.api.requests)) == (422, 1)
    assert len(pull_record.every(bench.home)) == 1


def test_the_statuses_of_a_commit_are_listed(bench: Bench) -> None:
    """The newest first; a commit without any has none, and one that nobody knows is refused."""
    client = bench.client()
    assert client.statuses(bench.head) == []
    given = [Status(context=name, state="success", description="fine") for name in ("a", "b")]
    for each in given:
        client.set_status(bench.head, each)
    assert client.statuses(bench.head) == given[::-1]
    with pytest.raises(GitHubFailed, match="404"):
        client.statuses("0" * 40)


def test_the_files_of_a_pull_request(bench: Bench) -> None:
    """What was added or changed, and under which name a renamed file was known before."""
    tree = bench.tree({"params.yaml": "changed", "new.txt": "x", "src/new.py": "a\nb\n"}, without="src/old.py")
    bench.move_head(bench.commit(bench.base, "rename", tree))
    assert bench.client().pull_files(1) == [
        ChangedFile(path="change.txt", previous="", status="added"),
        ChangedFile(path="new.txt", previous="", status="added"),
        ChangedFile(path="params.yaml", previous="", status="modified"),
        ChangedFile(path="src/new.py", previous="src/old.py", status="renamed"),
    ]
    assert bench.client().pull(1).changed_files == 4


def test_a_workflow_is_started_by_whoever_asks(bench: Bench) -> None:
    """The run that asks is the cause of the ticket, which has its inputs."""
    bench.client().start_workflow("promote.yaml", ref="main", inputs={"run-id": "4f0c"})
    (ticket,) = tickets.waiting(bench.home)
    assert (ticket.event, ticket.workflow, ticket.branch) == (DISPATCH, ".github/workflows/promote.yaml", "main")
    assert (dict(ticket.inputs), ticket.cause, ticket.actor) == ({"run-id": "4f0c"}, "cause", "github-actions[bot]")


@pytest.mark.parametrize(
    ("workflow", "ref", "inputs", "status"),
    [
        ("nothing.yaml", "main", {}, 404),
        ("promote.yaml", "nowhere", {}, 422),
        ("promote.yaml", "main", {"other": "x"}, 422),
        ("promote.yaml", "main", {}, 422),
    ],
)
def test_a_workflow_that_cannot_start_is_refused(
    bench: Bench, workflow: str, ref: str, inputs: dict[str, str], status: int
) -> None:
    """No such file, branch or input, or one that is missing: nothing is queued."""
    with pytest.raises(GitHubFailed) as refused:
        bench.client().start_workflow(workflow, ref=ref, inputs=inputs)
    assert (refused.value.status, tickets.waiting(bench.home)) == (status, [])


def test_an_event_is_sent(bench: Bench) -> None:
    """Its type and payload become a ticket on the default branch."""
    bench.client().send_event("drift-detected", {"reason": "psi", "batches": ["2013-05"]})
    (ticket,) = tickets.waiting(bench.home)
    assert (ticket.event, ticket.action, ticket.sha) == (REPOSITORY_DISPATCH, "drift-detected", bench.base)
    assert (dict(ticket.body), ticket.cause) == ({"reason": "psi", "batches": ["2013-05"]}, "cause")


def test_artifacts_are_listed_and_downloaded(bench: Bench, tmp_path: Path) -> None:
    """All of a run, or the one of a name; the zip holds the files that were uploaded."""
    uploaded(bench, 3, "report", {"report.md": b"# fine"})
    uploaded(bench, 3, "fork-result", {"result.json": b"{}"})
    client = bench.client()
    assert [one.name for one in client.artifacts(3)] == ["fork-result", "report"]
    (found,) = client.artifacts(3, name="fork-result")
    assert found == Artifact(id=found.id, name="fork-result", size=2, expired=False)
    client.download_artifact(found.id, tmp_path / "a.zip", limit=LIMIT)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {"result.json": b"{}"}


def test_the_storage_of_artifacts_is_not_told_the_token(bench: Bench, tmp_path: Path) -> None:
    """The address that the API points at is its own key; a wrong key opens nothing."""
    uploaded(bench, 3, "report", {"report.md": b"# fine"})
    client = bench.client()
    client.download_artifact(client.artifacts(3)[0].id, tmp_path / "a.zip", limit=LIMIT)
    download = bench.api.requests[-1]
    assert download.path.startswith("/files/")
    assert not any(TOKEN in value for value in download.headers.values())
    assert httpx.get(f"{bench.api.url}{download.path}?key=guess").status_code == 404


def test_a_download_that_is_too_large_leaves_nothing(bench: Bench, tmp_path: Path) -> None:
    """It ends when the limit is passed, whatever size was declared."""
    uploaded(bench, 3, "report", {"report.md": bytes(range(256)) * 64})
    client = bench.client()
    with pytest.raises(DataRefused, match="larger than 100 bytes"):
        client.download_artifact(client.artifacts(3)[0].id, tmp_path / "a.zip", limit=100)
    assert list(tmp_path.glob("*.zip")) == []


def test_a_download_over_an_open_line_is_refused(bench: Bench, tmp_path: Path) -> None:
    """An answer that points at plain http on another machine is not followed."""
    bench.api.tamper = first(Answer(status=302, headers={"Location": "http://evil.example/a.zip"}))
    with pytest.raises(UsageError, match=r"http://evil\.example would be spoken to without encryption"):
        bench.client().download_artifact(3, tmp_path / "a.zip", limit=LIMIT)


def test_a_workflows_token_belongs_to_no_user(bench: Bench) -> None:
    """GitHub answers 403 to the question whose it is, and the client says that nobody's."""
    assert bench.client().viewer() is None


def test_the_login_of_a_persons_token(bench: Bench) -> None:
    """Where the token has a user, the client says who."""
    bench.api.tamper = first(Answer(json={"login": "ada"}, headers={"x-checked": "no"}))
    assert bench.client().viewer() == "ada"


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_error_is_tried_again(bench: Bench, status: int) -> None:
    """Two errors and then an answer are an answer, after two pauses."""
    bench.api.tamper = first(says(status), says(status))
    assert bench.client().comments(1) == []
    assert bench.pauses == list(PAUSES[:2])


def test_a_server_that_stays_broken_is_given_up(bench: Bench) -> None:
    """After the last pause the error says which call it was and what GitHub said."""
    bench.api.tamper = lambda _: says(502, "Server Error")
    with pytest.raises(GitHubFailed, match=r"did not list the comments of #1: GET .* with 502: Server Error") as failed:
        bench.client().comments(1)
    assert (failed.value.status, bench.pauses, len(bench.api.requests)) == (502, list(PAUSES), len(PAUSES) + 1)


def test_what_must_not_happen_twice_is_not_repeated(bench: Bench) -> None:
    """A start that a broken server may have made is not made again."""
    bench.api.tamper = lambda _: says(502)
    with pytest.raises(GitHubFailed, match="502"):
        bench.client().start_workflow("promote.yaml", ref="main", inputs={})
    assert (bench.pauses, len(bench.api.requests)) == ([], 1)


def test_nobody_answers(bench: Bench) -> None:
    """A connection that cannot be made is tried again, also for what must not happen twice: it never arrived."""
    bench.api.url = "http://127.0.0.1:9"
    with pytest.raises(GitHubFailed, match=r"127\.0\.0\.1 does not answer POST") as failed:
        bench.client().start_workflow("promote.yaml", ref="main", inputs={})
    assert (failed.value.status, bench.pauses) == (0, list(PAUSES))


@pytest.mark.parametrize(
    ("headers", "pause"),
    [({"retry_after": "2"}, 2.0), ({"x_ratelimit_remaining": "0", "x_ratelimit_reset": "1005"}, 6.0)],
)
@pytest.mark.parametrize("status", [403, 429])
def test_a_short_rate_limit_is_waited_for(bench: Bench, status: int, headers: dict[str, str], pause: float) -> None:
    """As long as GitHub says, in either of its two ways; what must not happen twice did not happen yet."""
    bench.api.tamper = first(says(status, "slow down", **headers))
    bench.client().start_workflow("promote.yaml", ref="main", inputs={"run-id": "1"})
    assert (bench.pauses, len(bench.api.requests)) == ([pause], 2)


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"retry_after": "3600"}, "3600 s"),
        (429, {}, "60 s"),
        (403, {"x_ratelimit_remaining": "0", "x_ratelimit_reset": "4600"}, "3601 s"),
        (403, {}, "60 s"),
    ],
)
def test_a_long_rate_limit_is_refused(bench: Bench, status: int, headers: dict[str, str], seconds: str) -> None:
    """It says when the limit ends, and nothing is waited for."""
    bench.api.tamper = lambda _: says(status, "You have exceeded a secondary rate limit", **headers)
    with pytest.raises(GitHubFailed, match=f"the rate limit ends in {seconds}") as refused:
        bench.client().comments(1)
    assert (refused.value.status, bench.pauses) == (status, [])
    assert "after the limit has ended" in refused.value.next_step


def test_a_missing_permission_is_named(bench: Bench) -> None:
    """A 403 says what the job must be given, and that a fork's token never has it."""
    bench.api.tamper = lambda _: says(403, "Resource not accessible by integration")
    with pytest.raises(GitHubFailed, match="403: Resource not accessible by integration") as refused:
        bench.client().add_comment(1, "text")
    assert 'permissions: "pull-requests: write"' in refused.value.next_step
    assert "fork" in refused.value.next_step
    assert bench.pauses == []


def test_a_wrong_token_is_refused_and_not_shown(bench: Bench) -> None:
    """401, and even a message that repeats the token does not bring it into the error."""
    with pytest.raises(GitHubFailed, match="401: Bad credentials"):
        bench.client(token="another-token").comments(1)  # noqa: S106  # lets nobody in
    bench.api.tamper = lambda one: says(401, f"{one.headers['Authorization']} is no token")
    with pytest.raises(GitHubFailed) as refused:
        bench.client().comments(1)
    assert TOKEN not in f"{refused.value}{refused.value!r}{refused.value.__cause__!r}"
    assert "Bearer *** is no token" in refused.value.message


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "gêne"])
def test_what_is_no_token_is_not_sent(token: str) -> None:
    """A library that refuses it later would show it."""
    with pytest.raises(UsageError, match="the token for GitHub") as refused:
        Caller("https://api.example", Secret(token))
    assert not token or token not in str(refused.value)


@pytest.mark.parametrize("address", ["http://api.example", "ftp://api.example", "api.example", "http://[::"])
def test_the_token_is_not_sent_over_an_open_line(address: str) -> None:
    """Only https, or this very machine."""
    with pytest.raises(UsageError):
        Caller(address, Secret(TOKEN))


@pytest.mark.parametrize(
    ("body", "words"), [(b"<html>", "is not JSON"), (b'{"a": 1}', "another shape"), (b'[{"id": 1}]', "another shape")]
)
def test_something_else_answers(bench: Bench, body: bytes, words: str) -> None:
    """A proxy's page, or another service, is an error that names GITHUB_API_URL."""
    bench.api.tamper = lambda _: Answer(content=body, headers={"x-checked": "no"})
    with pytest.raises(GitHubFailed, match=words) as failed:
        bench.client().comments(1)
    assert "GITHUB_API_URL" in failed.value.next_step


def test_without_a_token_there_is_no_client() -> None:
    """The error says how a step gets one; it is one of a service, as nothing here is wrong."""
    with pytest.raises(ServiceFailed, match="no token") as missing:
        connect(GitHubSettings(repository="acme/model"))
    assert "GITHUB_TOKEN" in missing.value.next_step


@pytest.mark.parametrize("name", ["", "acme", "acme/..", "../model", "acme/model/../../user", "acme/a b", "acme/m?x"])
def test_a_repository_has_an_owner_and_a_name(name: str) -> None:
    """Anything else would become another path."""
    with pytest.raises(UsageError, match="not owner/name"):
        connect(GitHubSettings(token=Secret(TOKEN), repository=name))


def test_bodies_are_told_apart_from_queries(bench: Bench) -> None:
    """What a comment says is sent as it is."""
    text = "a&b=c?d#e%20 \u2028 <script>"
    assert json.loads(sent(bench, bench.client(), text).content) == {"body": text}


def sent(bench: Bench, client: GitHub, text: str) -> Request:
    """The request that a comment's text became."""
    client.add_comment(1, text)
    return bench.api.requests[-1]


def drop(_: Request) -> Answer | None:
    """The connection breaks before the answer."""
    raise ConnectionAbortedError


def test_a_lost_connection_is_tried_again(bench: Bench) -> None:
    """For what may be repeated; a start that may have arrived is not made again."""
    bench.api.tamper = drop
    for ask, pauses in (
        (lambda: bench.client().comments(1), list(PAUSES)),
        (lambda: bench.client().start_workflow("promote.yaml", ref="main", inputs={}), []),
    ):
        bench.pauses.clear()
        with pytest.raises(GitHubFailed, match=r"127\.0\.0\.1 does not answer"):
            ask()
        assert bench.pauses == pauses
