"""Payloads of events, beside those that GitHub itself sends."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ratchet.errors import UsageError
from ratchet.forge import ending, events, hook, results, source, tickets
from ratchet.forge.dispatch import event, scheduled
from ratchet.forge.run import Run
from ratchet.forge.tickets import NOTHING, Ticket

if TYPE_CHECKING:
    from tests.forge.conftest import Sandbox

REAL = json.loads(Path(__file__).with_name("payloads.json").read_text(encoding="utf-8"))
OF_AN_APP = {"installation", "organization"}
"""What GitHub sends to an app, or of a repository that belongs to an organisation."""

NEWER = {f".workflow_run.{name}" for name in ("actor", "path", "triggering_actor")}
"""What GitHub's own documentation has and the recorded example is too old for."""

FREE = ("client_payload", "inputs")
"""Parts whose keys are whoever sends the event's own."""

SCHEDULED = """
on: {schedule: [{cron: "0 0 1 1 *"}, {cron: "* * * * *"}]}
jobs: {a: {runs-on: ubuntu-latest, steps: [{run: "true"}]}}
"""


def beyond(ours: object, theirs: object, path: str = "") -> list[str]:
    """The keys in our payload that GitHub's does not have."""
    if isinstance(ours, list) and isinstance(theirs, list) and ours and theirs:
        return beyond(ours[0], theirs[0], f"{path}[]")
    if not isinstance(ours, dict) or not isinstance(theirs, dict) or path.endswith(FREE):
        return []
    new = [f"{path}.{name}" for name in ours.keys() - theirs.keys()]
    return new + [
        key for name in ours.keys() & theirs.keys() for key in beyond(ours[name], theirs[name], f"{path}.{name}")
    ]


def pushed(sandbox: Sandbox, **fields: Any) -> Ticket:
    """A push of main, in the bare repository, with no worker knowing of it."""
    sandbox.environment["RATCHET_FORGE_HOME"] = str(sandbox.forge.root)
    sandbox.git("push", "--quiet", "--force", "forge", "main")
    sha = sandbox.git("rev-parse", "HEAD").strip()
    common = {"name": "1", "event": "push", "ref": source.MAIN, "before": NOTHING, "sha": sha, "actor": "ada"}
    return Ticket(**{**common, **fields})


def told(sandbox: Sandbox, ticket: Ticket) -> dict[str, Any]:
    """The payload of a ticket."""
    return events.payload(sandbox.forge, ticket, workflow=".github/workflows/a.yaml")


def test_a_push_tells_its_commits(sandbox: Sandbox) -> None:
    """Oldest first, with the files that came, went and changed; the first push of a branch tells what is new in it."""
    first = pushed(sandbox)
    (sandbox.checkout / "a b.txt").write_text("1\n", encoding="utf-8")
    sandbox.commit({"ä.txt": "1\n"}, "Add two\n\nwith a body")
    sandbox.git("rm", "--quiet", "a b.txt")
    last = sandbox.commit({"ä.txt": "2\n"}, "Change one")
    payload = told(sandbox, pushed(sandbox, before=first.sha))
    assert [(one["message"], one["added"], one["removed"], one["modified"]) for one in payload["commits"]] == [
        ("Add two\n\nwith a body", ["a b.txt", "ä.txt"], [], []),
        ("Change one", [], ["a b.txt"], ["ä.txt"]),
    ]
    assert payload["head_commit"] == payload["commits"][1]
    assert payload["head_commit"]["author"] == {"name": "Ada", "email": "ada@example.org"}
    states = {name: payload[name] for name in ("before", "after", "created", "forced", "deleted")}
    assert states == {"before": first.sha, "after": last, "created": False, "forced": False, "deleted": False}
    new = told(sandbox, pushed(sandbox))
    assert (new["created"], len(new["commits"])) == (True, 3)
    sandbox.git("reset", "--quiet", "--hard", "HEAD~1")
    forced = told(sandbox, pushed(sandbox, before=last))
    assert (forced["forced"], forced["commits"]) == (True, [])


def test_payloads_hold_nothing_that_github_does_not_send(sandbox: Sandbox) -> None:
    """Each event has GitHub's shape: no key of ours is unknown there, and none at the top is missing."""
    push = pushed(sandbox)
    run = Run(number=3, path=".github/workflows/a.yaml", title="A", ticket=push)
    ended = ending.describe(sandbox.forge, run, conclusion=results.SUCCESS, error="")
    body = ending.facts(sandbox.forge, run, ended, 1)
    run_ended = replace(push, event="workflow_run", action="completed", body=body)
    for ticket in (
        push,
        replace(push, event="workflow_dispatch", inputs={"reason": "x"}),
        event(sandbox.forge, "drift", {"score": 0.4}, actor="ada"),
        run_ended,
    ):
        payload, real = told(sandbox, ticket), REAL[ticket.event]
        assert [key for key in beyond(payload, real) if "repository." not in key and key not in NEWER] == []
        assert real.keys() - payload.keys() - OF_AN_APP == set()
        assert (payload["repository"]["full_name"], payload["sender"]["login"]) == ("local/forge", "ada")


def test_a_dispatch_and_an_event_carry_what_they_were_given(sandbox: Sandbox) -> None:
    """Inputs, client_payload, cron and the run that ended are where workflows look for them."""
    push = pushed(sandbox)
    by_hand = replace(push, event="workflow_dispatch", inputs={"reason": "x"})
    assert told(sandbox, by_hand)["inputs"] == {"reason": "x"}
    drift = told(sandbox, event(sandbox.forge, "drift", {"score": 0.4}, actor="ada"))
    assert (drift["action"], drift["branch"], drift["client_payload"]) == ("drift", "main", {"score": 0.4})
    clock = replace(push, event="schedule", body={"schedule": "1 2 3 4 5"})
    assert told(sandbox, clock)["schedule"] == "1 2 3 4 5"


def test_the_clock_starts_what_has_come_due(sandbox: Sandbox) -> None:
    """A cron is due once a minute at most, whatever its workflow; a cron that is named is started, due or not."""
    sandbox.commit({".github/workflows/a.yaml": SCHEDULED, ".github/workflows/b.yaml": "on: ["})
    pushed(sandbox)
    due = [ticket.body for ticket in scheduled(sandbox.forge, actor="ada")]
    assert due == [{"schedule": "* * * * *"}]
    named = scheduled(sandbox.forge, actor="ada", only="0 0 1 1 *")
    assert [ticket.body for ticket in named] == [{"schedule": "0 0 1 1 *"}]
    with pytest.raises(UsageError, match="no workflow has the cron '1 1 1 1 1'"):
        scheduled(sandbox.forge, actor="ada", only="1 1 1 1 1")


def test_a_job_s_own_push_and_removed_refs_make_no_tickets() -> None:
    """Branches and tags that were made or moved are pushes; other refs and removed ones are not."""
    lines = [
        f"{NOTHING} {'a' * 40} refs/heads/main",
        f"{'a' * 40} {NOTHING} refs/heads/old",
        f"{NOTHING} {'b' * 40} refs/tags/v1",
        f"{NOTHING} {'c' * 40} refs/pull/7/head",
    ]
    made = hook.received(hook.updates(lines), actor="ada")
    assert [(ticket.ref, ticket.sha[0]) for ticket in made] == [("refs/heads/main", "a"), ("refs/tags/v1", "b")]
    assert made[0].name < made[1].name


def test_tickets_know_what_brought_them_about() -> None:
    """The beginning of a chain is found as far as the queue knows it, also if the chain were a circle."""

    def ticket(name: str, cause: str) -> Ticket:
        return Ticket(name=name, event="push", ref="r", before=NOTHING, sha=NOTHING, actor="a", cause=cause)

    queue = [ticket("1", "0"), ticket("2", "1"), ticket("3", "2"), ticket("8", "9"), ticket("9", "8")]
    assert [tickets.root(queue, one).name for one in queue] == ["1", "1", "1", "8", "9"]
