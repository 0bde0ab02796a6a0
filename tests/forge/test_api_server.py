"""The forge's API as a server: whom it answers, what it refuses, and that nothing said is lost."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ratchet.forge import conversation
from ratchet.forge.api import server as api
from ratchet.forge.conversation import Status
from ratchet.forge.home import Home
from ratchet.forge.tickets import PUSH, Ticket

TOKEN = "a-run's-own-token"  # noqa: S105  # lets nobody in but here
REPOSITORY = "/repos/local/forge"
COMMENTS = f"{REPOSITORY}/issues/1/comments"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A folder; these tests need no repository in it."""
    home = Home(tmp_path / "forge")
    home.root.mkdir()
    return home


@pytest.fixture
def client(home: Home) -> Iterator[httpx.Client]:
    """A client that shows the token."""
    ticket = Ticket(name="1", event=PUSH, ref="refs/heads/main", before="", sha="", actor="ada")
    with (
        api.serving(home, ticket, TOKEN) as url,
        httpx.Client(base_url=url, headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False) as made,
    ):
        yield made


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("", "Requires authentication"),
        ("Bearer", "Bad credentials"),
        ("Bearer wrong", "Bad credentials"),
        (f"Basic {TOKEN}", "Bad credentials"),
        (f"Bearer {TOKEN}x", "Bad credentials"),
    ],
)
def test_only_the_runs_own_token_is_let_in(client: httpx.Client, header: str, message: str) -> None:
    """Anything else is 401, in GitHub's shape, also where there is nothing."""
    for path in (COMMENTS, "/nothing"):
        answer = client.get(path, headers={"Authorization": header})
        assert (answer.status_code, answer.json()["message"]) == (401, message)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/nothing"),
        ("PUT", COMMENTS),
        ("GET", COMMENTS),
        ("GET", "/repos/local/other/pulls"),
        ("GET", f"{REPOSITORY}/issues/0/comments"),
        ("GET", f"{REPOSITORY}/issues/1%2F../comments"),
        ("GET", f"{REPOSITORY}/actions/artifacts/1000001/zip"),
        ("GET", f"{REPOSITORY}/actions/runs/1/artifacts"),
        ("DELETE", f"{REPOSITORY}/issues/comments/1"),
        ("GET", "/files/1000001?key=x"),
    ],
)
def test_what_is_not_there_is_404(home: Home, client: httpx.Client, method: str, path: str) -> None:
    """Unknown paths, methods, repositories, pull requests, comments, runs and artifacts."""
    home.runs.mkdir()
    answer = client.request(method, path)
    assert (answer.status_code, answer.json()) == (
        404,
        {"message": "Not Found", "documentation_url": api.DOCUMENTATION, "status": "404"},
    )


@pytest.mark.parametrize(
    ("content", "status"), [(b"{", 400), (b"[]", 400), (b"\xff", 400), (b"{}", 422), (b'{"event_type": 3}', 422)]
)
def test_a_bad_body_is_refused(client: httpx.Client, content: bytes, status: int) -> None:
    """What is no JSON object is 400; what lacks a field, or has it in another type, is 422 and names the field."""
    answer = client.post(f"{REPOSITORY}/dispatches", content=content)
    assert answer.status_code == status
    if status == 422:
        assert answer.json()["errors"] == [{"resource": "Request", "field": "event_type", "code": "invalid"}]


def test_a_body_that_is_too_large_is_not_read(client: httpx.Client) -> None:
    """The answer comes before the body, and the server goes on."""
    host, port = client.base_url.host, client.base_url.port
    assert port is not None
    with socket.create_connection((host, port), timeout=10) as raw:
        raw.sendall(f"POST {COMMENTS} HTTP/1.1\r\nHost: x\r\nContent-Length: {api.LARGEST_BODY + 1}\r\n\r\n".encode())
        assert raw.recv(100).startswith(b"HTTP/1.1 413 ")
    assert client.get("/nothing").status_code == 404


def test_it_ends_with_the_run(home: Home) -> None:
    """Nobody answers after the block, even if a connection was kept open."""
    ticket = Ticket(name="1", event=PUSH, ref="refs/heads/main", before="", sha="", actor="ada")
    with api.serving(home, ticket, TOKEN) as url, httpx.Client(trust_env=False) as kept:
        kept.get(f"{url}/nothing")
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/nothing", trust_env=False)


def test_it_listens_on_this_machine_alone(client: httpx.Client) -> None:
    """The address is the loopback's."""
    assert client.base_url.host == "127.0.0.1"


def test_comments_written_at_once_are_all_kept(home: Home) -> None:
    """Each has a number of its own, and none replaces another."""
    writers = [
        threading.Thread(target=lambda n=number: [conversation.add_comment(home, 1, f"{n}.{i}") for i in range(5)])
        for number in range(4)
    ]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    found = conversation.comments(home, 1)
    assert [one.id for one in found] == list(range(1, 21))
    assert {one.body for one in found} == {f"{n}.{i}" for n in range(4) for i in range(5)}


def test_a_number_is_not_given_twice(home: Home) -> None:
    """A comment that is gone leaves its number unused, in other pull requests, too."""
    gone = conversation.add_comment(home, 1, "gone")
    assert conversation.delete_comment(home, gone.id)
    assert not conversation.delete_comment(home, gone.id)
    assert conversation.add_comment(home, 2, "new").id == gone.id + 1
    assert conversation.edit_comment(home, gone.id, "x") is None


def test_a_comment_is_changed_where_it_is(home: Home) -> None:
    """Its place, author and first time stay."""
    made = [conversation.add_comment(home, number, "old", user="ada") for number in (1, 2, 2)]
    changed = conversation.edit_comment(home, made[1].id, "new")
    assert changed is not None
    assert (changed[0], changed[1].body, changed[1].user) == (2, "new", "ada")
    assert changed[1].created_at == made[1].created_at
    assert [one.body for one in conversation.comments(home, 2)] == ["new", "old"]


def test_the_newest_status_of_each_context_counts(home: Home) -> None:
    """Contexts differ by more than case, and the newest comes first."""
    sha = "a" * 40
    assert conversation.statuses(home, sha) == []
    for context, state in (("gate", "pending"), ("ci", "success"), ("Gate", "failure")):
        given = Status(context=context, state=state, description="", target_url="", created_at="")
        conversation.add_status(home, sha, given)
    assert [(one.context, one.state) for one in conversation.statuses(home, sha)] == [
        ("Gate", "failure"),
        ("ci", "success"),
    ]
