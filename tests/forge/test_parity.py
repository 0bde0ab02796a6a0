"""The same event on GitHub and on the forge: what jobs read of it is there in both, and makes the same things happen.

GitHub's side are payloads that it really sent (payloads.json), with the forge's commits and names in their places.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ratchet.forge import ending, events, hook, jobs, results, source, tickets, worker, workflows
from ratchet.forge import run as runs
from ratchet.forge.dispatch import dispatch, event, scheduled
from ratchet.forge.home import Home
from ratchet.forge.pulls import pulls
from ratchet.forge.pulls.pull_record import Draft
from ratchet.forge.run import Run
from ratchet.forge.tickets import NOTHING, Ticket
from ratchet.io.git import git
from ratchet.io.github.event import read_event
from ratchet.io.workflow_run import run_of

ROOT = Path(__file__).resolve().parents[2]
REAL = json.loads(Path(__file__).with_name("payloads.json").read_text(encoding="utf-8"))

Payload = dict[str, Any]
Scene = Callable[[Home], list[Ticket]]

EVENT = re.compile(r"github\.event\.([\w.*-]+)")
CONTEXT = re.compile(r"github\.(?!event\.|com/|io/)([a-z_]+)")

OF_A_PULL_REQUEST = {"pull_request.opened", "pull_request.synchronize", "pull_request.labeled"}

ONLY = {
    # What whoever sends the event puts into it, if anything.
    "client_payload.reason": {"repository_dispatch"},
    "client_payload.model": set[str](),  # neither the recorded one nor ours names a model
    "before": {"push"},
    "label.name": {"pull_request.labeled"},
    # What pull-request.yaml reads of the event of one; asked for by another workflow, its inputs say it.
    **dict.fromkeys(
        ("action", "number", *(f"pull_request.{name}" for name in ("base.sha", "head.sha", "head.repo.full_name"))),
        OF_A_PULL_REQUEST,
    ),
}
"""What GitHub sends with these events only; everywhere else an expression reads nothing."""

DIFFERENT = {
    ("repository_dispatch", "client_payload.reason"): "string",  # the recorded one was sent without any
    ("pull_request.synchronize", "pull_request.labels.*.name"): "list of ",  # ours has no label
}
"""The JSON type here where the recorded example has another, for it is about another thing."""

DERIVED: Mapping[str, Mapping[str, str]] = {
    "head_ref": {"pull_request": "pull_request.head.ref"},
    "base_ref": {"pull_request": "pull_request.base.ref"},
    "ref": {"push": "ref", "workflow_dispatch": "ref", "": "repository.default_branch"},
    "ref_name": {"push": "ref", "workflow_dispatch": "ref", "": "repository.default_branch"},
}
"""Contexts that are read out of the payload: where they are, by event, and for all others."""

OUTSIDE = {"actor", "event_name", "repository", "run_id", "token"}
"""Contexts that do not come out of the payload; all of it at once, `github.event` alone, is read by nobody."""

NOT_HERE = {"pull_request.reopened": "a pull request that was closed stays closed on the forge"}
"""Events that a workflow asks for and the forge never has."""

SENDERS = {payload["sender"]["login"] for name, payload in REAL.items() if name != "source"}
"""Who sent the recorded events; nobody on the forge is called so."""

NOT_RECORDED = {"schedule": "GitHub documents its payload as holding nothing but the cron"}


def land(forge: Home, verdict: str, branch: str = "main") -> list[Ticket]:
    """A commit whose training comes to `verdict` arrives on a branch; nothing starts, its tickets are returned."""
    checkout = forge.root.parent / "checkout"
    (checkout / "src" / "verdict").write_text(verdict, encoding="utf-8")
    git(["add", "--all", "--", ":!.ratchet", ":!.dvc"], cwd=checkout)
    git(["commit", "--quiet", "--allow-empty", "--message", f"verdict: {verdict}"], cwd=checkout)
    ref, sha = f"refs/heads/{branch}", git(["rev-parse", "HEAD"], cwd=checkout)
    before = source.resolve(forge, ref) or NOTHING
    # Fetched, as a push would run the hook.
    git(["fetch", "--quiet", str(checkout), f"+HEAD:{ref}"], cwd=forge.origin)
    pushed = hook.received([hook.Update(before, sha, ref)], actor="ada")
    return [*pushed, *pulls.on_push(forge, ref, before, sha, "ada")]


def by_push(forge: Home) -> list[Ticket]:
    """A push to main whose model is to be promoted."""
    return land(forge, "promote")


def by_clock(forge: Home) -> list[Ticket]:
    """The cron of the retraining."""
    land(forge, "hold")
    return scheduled(forge, actor="ada", only="17 3 * * 1")


def by_hand(forge: Home) -> list[Ticket]:
    """A person retrains and says why."""
    land(forge, "hold")
    return [dispatch(forge, "retrain", {"reason": "it drifts; $(date)"}, actor="ada")]


def by_drift(forge: Home) -> list[Ticket]:
    """A monitor saw drift."""
    land(forge, "hold")
    return [event(forge, "drift-detected", {"reason": "psi 0.4 $(date)"}, actor="ada")]


def by_asking_for_checks(forge: Home) -> list[Ticket]:
    """CI of a branch is started by hand."""
    land(forge, "hold")
    land(forge, "hold ", "add-july")
    return [dispatch(forge, "ci", {}, actor="ada", branch="add-july")]


def by_looking(forge: Home) -> list[Ticket]:
    """New data is looked for, by hand."""
    land(forge, "hold")
    return [dispatch(forge, "ingest", {}, actor="ada")]


def by_looking_daily(forge: Home) -> list[Ticket]:
    """The cron of looking for new data."""
    land(forge, "hold")
    return scheduled(forge, actor="ada", only="41 4 * * *")


def by_hand_of(workflow: str) -> Scene:
    """A workflow is started by hand, without any input."""

    def by_asking(forge: Home) -> list[Ticket]:
        land(forge, "hold")
        return [dispatch(forge, workflow, {}, actor="ada")]

    return by_asking


def by_clock_of(workflow: str) -> Scene:
    """The cron of a workflow."""

    def by_cron(forge: Home) -> list[Ticket]:
        land(forge, "hold")
        (cron,) = re.findall(r"cron: (.+)", text_of(workflow)[1])
        return scheduled(forge, actor="ada", only=cron)

    return by_cron


def by_asking_for_training(forge: Home) -> list[Ticket]:
    """A pull request that a workflow opened is trained because it is asked for."""
    by_opening(forge)
    return [dispatch(forge, "pull-request", {"number": "1"}, actor="ada", branch="add-july")]


def by_opening(forge: Home) -> list[Ticket]:
    """A pull request is opened."""
    land(forge, "hold")
    land(forge, "hold ", "add-july")
    ticket = pulls.create(forge, Draft(title="July", body="", head="add-july", base="main", author="ada"))[1]
    return [ticket] if ticket else []


def by_pushing_again(forge: Home) -> list[Ticket]:
    """The branch of an open pull request, and then its base, move on."""
    by_opening(forge)
    return land(forge, "hold  ", "add-july")


def by_labelling(name: str) -> Scene:
    """A label is put on an open pull request."""

    def by_label(forge: Home) -> list[Ticket]:
        by_opening(forge)
        ticket = pulls.label(forge, 1, name, actor="ada")[1]
        return [ticket] if ticket else []

    return by_label


LABELLED = [("pull-request", "pull_request"), ("report", "workflow_run")]
PULL_REQUEST = [LABELLED[0], ("ci", "pull_request"), LABELLED[1]]
SCENES: Mapping[str, tuple[Scene, list[tuple[str, str]]]] = {
    "push": (by_push, [("retrain", "push"), ("promote", "workflow_dispatch")]),
    "schedule": (by_clock, [("retrain", "schedule")]),
    "workflow_dispatch": (by_hand, [("retrain", "workflow_dispatch")]),
    "repository_dispatch": (by_drift, [("retrain", "repository_dispatch")]),
    "workflow_dispatch of ci": (by_asking_for_checks, [("ci", "workflow_dispatch")]),
    "workflow_dispatch of ingest": (by_looking, [("ingest", "workflow_dispatch")]),
    "schedule of ingest": (by_looking_daily, [("ingest", "schedule")]),
    "workflow_dispatch of advance": (by_hand_of("advance"), [("advance", "workflow_dispatch")]),
    "schedule of advance": (by_clock_of("advance"), [("advance", "schedule")]),
    "workflow_dispatch of rebuild": (by_hand_of("rebuild"), [("rebuild", "workflow_dispatch")]),
    "schedule of rebuild": (by_clock_of("rebuild"), [("rebuild", "schedule")]),
    "workflow_dispatch of a pull request": (
        by_asking_for_training,
        [("pull-request", "workflow_dispatch"), ("report", "workflow_run")],
    ),
    "pull_request.opened": (by_opening, PULL_REQUEST),
    "pull_request.synchronize": (by_pushing_again, PULL_REQUEST),
    "pull_request.labeled": (by_labelling("explain"), LABELLED),
    "pull_request.labeled otherwise": (by_labelling("docs"), LABELLED),
}
"""How each event comes about, and the workflows that it starts, in order."""


def happened(forge: Home, queued: list[Ticket]) -> dict[str, Any]:
    """Work on the tickets, and tell all that came of it."""
    for ticket in queued:
        tickets.add(forge, ticket)
    worker.drain(forge)
    files = {name: forge.root / name for name in ("calls", "seen")}
    # Jobs that do not wait for each other come in any order.
    said = {name: sorted(path.read_text("utf-8").splitlines()) if path.exists() else [] for name, path in files.items()}
    return said | {
        "runs": [
            (run.workflow, run.event, run.ref, run.sha, run.conclusion, run.jobs, run.outputs, run.error, left(run))
            for run in results.runs(forge)
        ]
    }


def left(run: results.RunResult) -> dict[str, str]:
    """The summary and the artifacts of a run."""
    found = [run.summary, *sorted(path for path in run.artifacts.rglob("*") if path.is_file())]
    return {str(path.relative_to(run.folder)): path.read_text(encoding="utf-8") for path in found}


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The concurrency group of each run that is planned."""
    noted: list[tuple[str, str]] = []
    plan = runs.plan

    def noting(home: Home, run: Run, payload: Mapping[str, Any]) -> None:
        noted.append((run.name, run.group))
        plan(home, run, payload)

    monkeypatch.setattr(runs, "plan", noting)
    return noted


@pytest.mark.slow
@pytest.mark.parametrize(("scene", "started"), SCENES.values(), ids=SCENES)
def test_githubs_payload_makes_the_same_happen(
    forge: Home,
    scene: Scene,
    started: list[tuple[str, str]],
    groups: list[tuple[str, str]],
    github_speaks: Callable[..., None],
) -> None:
    """Runs, jobs, outputs, concurrency groups, and every call of `ratchet` with its environment: nothing differs."""
    queued = scene(forge)
    kept = shutil.copytree(forge.root, forge.root.with_name("kept"), symlinks=True)
    ours, our_groups = happened(forge, queued), list(groups)
    shutil.rmtree(forge.root)
    shutil.copytree(kept, forge.root, symlinks=True)
    groups.clear()
    github_speaks()
    theirs = happened(forge, queued)
    assert (theirs, groups) == (ours, our_groups)
    assert [run[:2] for run in ours["runs"]] == started == sorted(started, key=started.index)
    assert {(conclusion, error) for *_, conclusion, _, _, error, _ in ours["runs"]} == {("success", "")}
    told = [json.loads(path.read_text(encoding="utf-8")) for path in forge.runs.glob("*/event.json")]
    assert {payload["sender"]["login"] for payload in told} <= SENDERS


def test_every_event_of_every_workflow_has_its_scene() -> None:
    """A new event of one of the workflows must not go without its twin here."""
    tried = {pair for _, started in SCENES.values() for pair in started}
    assert {(path, name) for path, name in asked() if name != "workflow_call"} == tried
    types = workflows.parse(*text_of("pull-request")).triggers["pull_request"].types
    assert {f"pull_request.{name}" for name in types or ()} - NOT_HERE.keys() <= SCENES.keys()
    assert {name for name in SCENES if " " not in name} - REAL.keys() == NOT_RECORDED.keys()


def text_of(name: str) -> tuple[str, str]:
    """A workflow's path and text."""
    path = f"{workflows.FOLDER}/{name}.yaml"
    return path, (ROOT / path).read_text(encoding="utf-8")


def asked() -> Iterator[tuple[str, str]]:
    """Each workflow and each of its events."""
    for path in workflows.files(ROOT):
        for name in workflows.parse(path, (ROOT / path).read_text(encoding="utf-8")).triggers:
            yield Path(path).stem, name


def reads(name: str) -> tuple[set[str], set[str]]:
    """The paths below github.event, and the other contexts, that a workflow reads, with those that it calls."""
    path, text = text_of(name)
    read = workflows.below(ROOT)
    paths = {path, *(job.path for job in jobs.every(read, workflows.parse(path, text)))}
    text = "\n".join(re.sub(r"(?m)^\s*#.*", "", read(each) or "") for each in sorted(paths))
    return set(EVENT.findall(text)), set(CONTEXT.findall(text))


def kind(value: object) -> str:
    """The JSON type of a value; of a list, that of what is in it."""
    names = {dict: "object", bool: "boolean", int: "number", float: "number", str: "string", type(None): "null"}
    return (
        f"list of {', '.join(sorted({kind(one) for one in value}))}" if isinstance(value, list) else names[type(value)]
    )


def at(payload: Any, path: str) -> object:
    """What an expression's path leads to: nothing is null, and `*` is every element of a list."""
    for place, step in enumerate(steps := path.split(".")):
        if step == "*":
            return [at(each, ".".join(steps[place + 1 :])) for each in payload or []]
        payload = payload.get(step) if isinstance(payload, dict) else None
    return payload


@pytest.fixture
def told(forge: Home, tmp_path: Path) -> Callable[[str], Payload]:
    """The forge's own payload of an event, by its name in payloads.json, each on a forge of its own."""
    empty = shutil.copytree(forge.root, tmp_path / "empty", symlinks=True)

    def tell(name: str) -> Payload:
        shutil.rmtree(forge.root)
        shutil.copytree(empty, forge.root, symlinks=True)
        if name == "workflow_run":
            return ended(forge, by_opening(forge)[0])
        ticket = by_labelling("bug")(forge)[0] if name == "pull_request.labeled" else SCENES[name][0](forge)[-1]
        return events.payload(forge, ticket, workflow=".github/workflows/any.yaml")

    return tell


def ended(forge: Home, ticket: Ticket) -> Payload:
    """The payload that tells that the run of a ticket has ended."""
    run = Run(number=3, path=".github/workflows/pull-request.yaml", title="Pull request", ticket=ticket)
    runs.plan(forge, run, events.payload(forge, ticket, workflow=run.path))
    result = ending.describe(forge, run, conclusion=results.SUCCESS, error="")
    body = ending.facts(forge, run, result, 1)
    after = replace(ticket, event="workflow_run", ref=source.MAIN, action="completed", body=body)
    return events.payload(forge, after, workflow=run.path)


def test_what_workflows_read_of_an_event_is_in_githubs_payload_and_in_ours(
    told: Callable[[str], Payload],
) -> None:
    """Each path below github.event, for each event that starts its workflow, leads to the same JSON type in both."""
    ours = {name: told(name) for name in REAL if name != "source"}
    compared = 0
    for workflow, event_name in asked():
        for path in sorted(reads(workflow)[0]):
            for name in (each for each in ours if each.partition(".")[0] == event_name):
                here, there = kind(at(ours[name], path)), kind(at(REAL[name], path))
                absent = name not in ONLY.get(path, {name})
                wanted = "null" if absent else DIFFERENT.get((name, path), there)
                assert (name, path, here, wanted == "null") == (name, path, wanted, absent)
                assert not absent or there == "null"
                compared += not absent
    assert compared > 20


def test_contexts_come_from_where_github_takes_them(told: Callable[[str], Payload]) -> None:
    """Branches and refs that workflows read beside github.event are in both payloads, as text; no other is read."""
    for workflow, event_name in asked():
        contexts = reads(workflow)[1]
        assert contexts <= OUTSIDE | DERIVED.keys()
        for name in (each for each in SCENES if each.partition(".")[0] == event_name and each in REAL):
            places = (DERIVED[each] for each in contexts - OUTSIDE)
            paths = {place.get(event_name, place.get("", "")) for place in places} - {""}
            ours = told(name) if paths else {}
            assert {kind(at(payload, path)) for path in paths for payload in (ours, REAL[name])} <= {"string"}


@pytest.mark.parametrize("name", ["push", "pull_request.opened", "pull_request.synchronize", "pull_request.labeled"])
def test_what_ratchet_reads_of_an_event_is_the_same(
    told: Callable[[str], Payload], github: Callable[[Payload, str], Payload], tmp_path: Path, name: str
) -> None:
    """The pull request and the commit that a report is of are found in GitHub's payload as they are in ours."""
    ours = told(name)
    found = [read_event(written(tmp_path, payload)) for payload in (ours, github(ours, name))]
    assert found[0] == found[1]
    assert found[0].head == at(ours, "after" if name == "push" else "pull_request.head.sha") != ""


def test_what_ratchet_reads_of_a_run_that_ended_is_the_same(
    told: Callable[[str], Payload], github: Callable[[Payload, str], Payload], tmp_path: Path
) -> None:
    """The second look at a fork finds the run, its commit and its repository in GitHub's payload as in ours."""
    ours = told("workflow_run")
    found = [run_of(written(tmp_path, payload), 3) for payload in (ours, github(ours, "workflow_run"))]
    assert replace(found[0], page="") == replace(found[1], page="")
    assert found[1].page == REAL["workflow_run"]["workflow_run"]["html_url"]


def written(folder: Path, payload: Payload) -> Path:
    """A file with the payload."""
    path = folder / "event.json"
    path.write_text(json.dumps(payload), encoding="utf-8")
    return path
