"""Telling webhooks, from a ledger in git to a real server: what is told, once, again, and never."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from ratchet.core.ledger_entries import PLACED, Event
from ratchet.errors import UsageError
from ratchet.flows import notify as flow
from ratchet.flows.ledger import ledger
from ratchet.flows.notify import KEPT_DAYS, Told, notify
from ratchet.io.git import git
from ratchet.io.room import read_params
from ratchet.io.webhook import Delivery, Message, deliver
from ratchet.io.webhook_marks import Mark
from ratchet.settings import Settings, load_settings

if TYPE_CHECKING:
    from tests.notify.conftest import Receiver
    from tests.notify.conftest import Told as Teller

SECRET = "whsec_" + "A" * 43 + "="
NOW = datetime.fromtimestamp(1_795_000_000, UTC) + timedelta(minutes=30)


@dataclass
class Kept:
    """Marks without a server; `refuse` says that this user may not write."""

    known: dict[str, Mark] = field(default_factory=dict)
    refuse: bool = False

    def read(self) -> dict[str, Mark]:
        """A copy."""
        return dict(self.known)

    def write(self, key: str, mark: Mark) -> None:
        """Raises UsageError as MLflow's do."""
        if self.refuse:
            raise UsageError("MLflow does not let ada do this")
        self.known[key] = mark


@pytest.fixture
def marks(monkeypatch: pytest.MonkeyPatch) -> Kept:
    """In place of MLflow's."""
    made = Kept()

    @contextmanager
    def instead(_uri: str, _name: str) -> Iterator[Kept]:
        yield made

    monkeypatch.setattr(flow, "webhook_marks", instead)
    return made


@dataclass
class Project:
    """A repository with a ledger."""

    settings: Settings

    def declare(self, *hooks: dict[str, Any], env: str = f"RATCHET_WEBHOOK_SECRET={SECRET}\n") -> None:
        """What params.yaml says about webhooks, and the variables of this machine."""
        root = self.settings.root
        tree = {
            "project": {"name": "parcels", "room": "parcels", "task": "binary", "target": "late"},
            "split": {}, "features": {}, "evaluate": {}, "model": {"estimator": "hist_gradient_boosting"},
            "gate": {"metric": "log_loss"}, "promotion": {"webhooks": list(hooks)},
        }  # fmt: skip
        (root / "params.yaml").write_text(yaml.safe_dump(tree), encoding="utf-8")
        (root / ".ratchet").mkdir(exist_ok=True)
        (root / ".ratchet" / "env").write_text(env, encoding="utf-8")

    def write(self, *events: Event) -> None:
        """Into the ledger."""
        branch = ledger(self.settings, read_params(self.settings.root))
        for event in events:
            branch.append(lambda _, each=event: each, PLACED[type(event)])  # type: ignore[misc]  # any of them

    def notify(self, *, since: str = "", at: datetime = NOW) -> Told:
        """One webhook told, without waits."""

        def send(message: Message) -> Delivery:
            return deliver(message, pause=lambda _: None)

        (told,) = notify(self.settings, since=since, clock=lambda: at, send=send)
        return told


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Without anything in it."""
    for name, value in (("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1"), ("GITHUB_REPOSITORY", "")):
        monkeypatch.setenv(name, value)
    for name in ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"):
        monkeypatch.setenv(name, "ada@example.org")
    git(["init", "--quiet", "--initial-branch=main", str(tmp_path)], cwd=tmp_path)
    environment = {"RATCHET_ACTOR": "ada", "GITHUB_REPOSITORY": "o/r", "MLFLOW_TRACKING_URI": "http://u:pw@ml.example/"}
    return Project(load_settings(tmp_path, environment))


def test_each_event_is_told_once(project: Project, marks: Kept, receiver: Receiver, tell: Teller) -> None:
    """The second time nothing is new; what is written since is told alone, with all that a receiver wants to know."""
    project.declare({"url": receiver.url})
    project.write(tell.registered(1), tell.change("promotion", 1, None))
    assert project.notify().delivered == ("registered (entry 1)", "promoted (entry 2)")
    assert project.notify() == Told(webhook="webhook 127.0.0.1")
    project.write(tell.freeze("freeze"))
    assert project.notify().delivered == ("frozen (entry 3)",)
    bodies = [json.loads(body) for _, body in receiver.got]
    assert [body["type"] for body in bodies] == ["registered", "promoted", "frozen"]
    data = bodies[1]["data"]
    assert (data["model"], data["version"], data["actor"], data["reason"]) == ("parcels", 1, "ada", "because")
    assert data["links"] == {
        "commit": "https://github.com/o/r/commit/c1",
        "version": "http://ml.example/#/models/parcels/versions/1",
    }
    assert len(set(receiver.ids)) == 3
    assert len(marks.known) == 1


@pytest.mark.parametrize(("link", "shown"), [("https://ci.example/7", True), ("file:///home/ada/log.txt", False)])
def test_where_it_was_said_is_told_if_it_is_a_page(
    project: Project, marks: Kept, receiver: Receiver, tell: Teller, link: str, shown: bool
) -> None:
    """A forge's log is a file on somebody's machine."""
    project.declare({"url": receiver.url, "events": ["approved"]})
    project.write(tell.registered(1, "gate", {"approval": {}}), tell.opinion("approval", 1, "grace", link=link))
    project.notify()
    ((_, body),) = receiver.got
    assert (json.loads(body)["data"]["actor"], link in body.decode()) == ("grace", shown)


def test_what_nobody_took_is_told_next_time(project: Project, marks: Kept, receiver: Receiver, tell: Teller) -> None:
    """In its order: nothing overtakes it, and what it was sent before has the same id again."""
    project.declare({"url": receiver.url})
    project.write(tell.registered(1), tell.change("promotion", 1, None))
    receiver.answers = [204, 500, 500, 500, 500]
    told = project.notify()
    assert (told.delivered, told.again) == (("registered (entry 1)",), True)
    assert told.problems == ("promoted (entry 2): it answered 500",)
    project.write(tell.freeze("freeze"))
    assert project.notify().delivered == ("promoted (entry 2)", "frozen (entry 3)")
    assert len(set(receiver.ids)) == 3
    assert next(iter(marks.known.values())) == Mark(3)


def test_what_nobody_takes_is_given_up(project: Project, marks: Kept, receiver: Receiver, tell: Teller) -> None:
    """It is said, and what came since is told."""
    project.declare({"url": receiver.url})
    project.write(tell.registered(1))
    receiver.answers = [500] * 8
    assert project.notify().again
    told = project.notify(at=NOW + timedelta(days=KEPT_DAYS + 1))
    assert (told.problems, told.again) == (("registered (entry 1): it answered 500, for 3 days: given up",), False)
    assert project.notify() == Told(webhook="webhook 127.0.0.1")


def test_a_no_is_final_for_that_event(project: Project, marks: Kept, receiver: Receiver, tell: Teller) -> None:
    """The next one is told all the same."""
    project.declare({"url": receiver.url})
    project.write(tell.registered(1), tell.change("promotion", 1, None))
    receiver.answers = [400]
    told = project.notify()
    assert (told.delivered, told.problems, told.again) == (
        ("promoted (entry 2)",), ("registered (entry 1): it answered 400",), False
    )  # fmt: skip
    assert project.notify().delivered == ()


def test_who_wants_no_more_is_left_alone(project: Project, marks: Kept, receiver: Receiver, tell: Teller) -> None:
    """After 410 nothing is sent, until a person asks for it."""
    project.declare({"url": receiver.url})
    project.write(tell.registered(1))
    receiver.answers = [410]
    project.notify()
    project.write(tell.freeze("freeze"))
    assert "wants no more" in project.notify().problems[0].replace("wanted", "wants")
    assert len(receiver.got) == 1
    assert project.notify(since="1").delivered == ("registered (entry 1)", "frozen (entry 2)")
    project.write(tell.freeze("thaw"))
    assert project.notify().delivered == ("thawed (entry 3)",)


def test_only_what_was_asked_for_is_told(project: Project, marks: Kept, receiver: Receiver, tell: Teller) -> None:
    """And a new webhook is not told years of history."""
    project.declare({"url": receiver.url, "events": ["promoted"]})
    project.write(tell.registered(1), tell.change("promotion", 1, None))
    assert project.notify().delivered == ("promoted (entry 2)",)
    project.declare({"url_env": "HOOK"}, env=f"RATCHET_WEBHOOK_SECRET={SECRET}\nHOOK={receiver.url}\n")
    assert project.notify(at=NOW + timedelta(days=1)).delivered == ()
    assert project.notify(since="2026-01-01").delivered == ("registered (entry 1)", "promoted (entry 2)")


@pytest.mark.parametrize(
    ("env", "problem"),
    [
        ("", "HOOK and RATCHET_WEBHOOK_SECRET are not set here"),
        ("HOOK=http://127.0.0.1:9/x\n", "RATCHET_WEBHOOK_SECRET is not set here"),
        (f"HOOK=ftp://x\nRATCHET_WEBHOOK_SECRET={SECRET}\n", "the address in HOOK must begin with https:// or http://"),
        ("HOOK=https://x\nRATCHET_WEBHOOK_SECRET=s3cret\n", "RATCHET_WEBHOOK_SECRET holds no secret for webhooks"),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_lost(
    project: Project, marks: Kept, receiver: Receiver, tell: Teller, env: str, problem: str
) -> None:
    """Without the address or the secret, as on a laptop, nothing is sent, and whoever has them tells it."""
    project.declare({"url_env": "HOOK"}, env=env)
    project.write(tell.registered(1))
    told = project.notify()
    assert (told.again, told.problems[0].startswith(problem), "s3cret" in str(told)) == (True, True, False)
    assert marks.known == {}
    project.declare({"url_env": "HOOK"}, env=f"RATCHET_WEBHOOK_SECRET={SECRET}\nHOOK={receiver.url}\n")
    assert project.notify().delivered == ("registered (entry 1)",)


def test_who_may_not_note_it_tells_all_the_same(
    project: Project, marks: Kept, receiver: Receiver, tell: Teller
) -> None:
    """It is told once more by the next, with the same id."""
    project.declare({"url": receiver.url})
    project.write(tell.registered(1))
    marks.refuse = True
    told = project.notify()
    assert told.delivered == ("registered (entry 1)",)
    assert "may be told once more" in told.problems[0]
    marks.refuse = False
    project.notify()
    assert len(receiver.ids) == 2
    assert len(set(receiver.ids)) == 1


@pytest.mark.parametrize("since", ["yesterday", "-1"])
def test_a_since_that_is_none_is_refused(project: Project, marks: Kept, tell: Teller, since: str) -> None:
    """An entry's number, or a moment."""
    project.declare({"url": "http://127.0.0.1:9/x"})
    with pytest.raises(UsageError, match="is not a time"):
        project.notify(since=since)
