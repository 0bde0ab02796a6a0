"""Post a report: one comment in the pull request, the status `ratchet/gate` on its commits, the lines that decided.

Posting is a courtesy: what cannot be posted is said, in the run's summary too, and is no failure of the run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from ratchet.core import gate_status, sticky
from ratchet.core.annotations import FILE, annotations_of
from ratchet.core.change.records import ParamChange
from ratchet.core.decision import Decision
from ratchet.core.gate_status import GateStatus
from ratchet.errors import RatchetError
from ratchet.flows.comment import About, post_comment
from ratchet.flows.gate_statuses import model_name, status_tasks
from ratchet.io import layout
from ratchet.io.git import head_commit
from ratchet.io.github.client import GitHub, connect
from ratchet.io.github.event import Event, read_event
from ratchet.io.yaml_lines import key_lines
from ratchet.settings import Settings

__all__ = ["Outcome", "Request", "annotate", "post", "post_comment"]

ACTIONS = {"made": "made the comment", "updated": "updated the comment", "kept": "left the comment on a newer commit"}


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to post.

    `reports` is the folder of the report; `number` the pull request, None: the event's; `commit` the machine's own
    commit on the branch, if one was made; `result` how training ended (success, failure, cancelled, skipped), if it is
    known; `pending` sets the status alone, before anything is known. `touched` names all models that the change
    touches, where the repository has several.
    """

    reports: Path | None = None
    number: int | None = None
    commit: str = ""
    result: str = ""
    pending: bool = False
    touched: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What was done, what could not be, and the workflow commands that mark the lines that decided."""

    done: tuple[str, ...]
    problems: tuple[str, ...]
    annotations: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Findings:
    """What there is to post, read from files alone."""

    number: int | None
    commits: tuple[str, ...]
    decision: Decision | None
    markdown: str
    status: GateStatus


def post(settings: Settings, request: Request) -> Outcome:
    """Post comment and status, each for itself; a problem with one does not keep the other from being posted.

    Problems are also appended to the summary of the run's page. Raises UsageError only for a payload that is none.
    """
    found = _read(settings, request)
    done: list[str] = []
    problems: list[str] = []
    try:
        with closing(connect(settings.github)) as client:
            for task in _tasks(settings, request, found, client):
                _attempt(task, done, problems)
    except RatchetError as error:
        problems.append(str(error))
    if problems and settings.github.summary:
        _append(settings.github.summary, problems)
    marked = annotate(settings, found.decision) if found.decision and not request.pending else ()
    return Outcome(done=tuple(done), problems=tuple(problems), annotations=marked)


def annotate(settings: Settings, decision: Decision) -> tuple[str, ...]:
    """The workflow commands that mark the lines of params.yaml which decided; none outside a workflow."""
    if not settings.github.in_workflow:
        return ()
    try:
        lines = key_lines((settings.root / FILE).read_text(encoding="utf-8"))
    except (OSError, RatchetError):
        lines = {}
    return tuple(annotations_of(decision, lines))


def _read(settings: Settings, request: Request) -> _Findings:
    reports = request.reports or settings.root / layout.REPORTS
    event = read_event(settings.github.event)
    decision = None if request.pending else _decision(reports / "decision.json", request.result)
    report = reports / "report.md"
    status = (
        gate_status.of_decision(decision, _edited(reports / "change.json"))
        if decision
        else gate_status.of_no_decision(request.result)
    )
    return _Findings(
        number=request.number if request.number is not None else event.number,
        commits=_commits(settings, request, event, reports / "change.json"),
        decision=decision,
        markdown=report.read_text(encoding="utf-8") if decision and report.is_file() else _apology(settings, status),
        status=gate_status.PENDING if request.pending else status,
    )


def _decision(path: Path, result: str) -> Decision | None:
    """The decision of a run that ended well; one that is left over from an earlier run, or unreadable, is none."""
    if result not in ("", "success") or not path.is_file():
        return None
    try:
        return Decision.model_validate_json(path.read_bytes())
    except ValidationError:
        return None


def _commits(settings: Settings, request: Request, event: Event, change: Path) -> tuple[str, ...]:
    """The commit that was measured and the machine's own on top of it; the newest last."""
    measured = _measured(change) if not request.pending else ""
    first = measured or event.head or head_commit(settings.root)
    return tuple(dict.fromkeys(sha for sha in (first, request.commit) if sha))


def _measured(change: Path) -> str:
    """The commit that the report compares, as it says itself."""
    try:
        return str(json.loads(change.read_bytes())["head"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _edited(change: Path) -> tuple[ParamChange, ...]:
    """The parameters that the change edits, as the report has them; none without a report on a change."""
    try:
        return tuple(map(ParamChange.model_validate, json.loads(change.read_bytes())["params"]))
    except (OSError, ValueError, KeyError, TypeError):
        return ()


def _apology(settings: Settings, status: GateStatus) -> str:
    page = settings.github.run_page
    return f"### {status.state}: {status.description}\n" + (f"\n[The run and its log]({page})\n" if page else "")


def _attempt(task: Callable[[], str], done: list[str], problems: list[str]) -> None:
    try:
        done.append(task())
    except RatchetError as error:
        problems.append(str(error))


def _tasks(settings: Settings, request: Request, found: _Findings, client: GitHub) -> Iterator[Callable[[], str]]:
    if not request.pending:
        yield partial(_comment, settings, found, client)
    yield from status_tasks(settings, client, found.commits, found.status, touched=request.touched)


def _comment(settings: Settings, found: _Findings, client: GitHub) -> str:
    if found.number is None:
        return "no pull request, so no comment"
    marker = sticky.marker_of(model_name(settings.root))
    page = settings.github.run_page
    rest = f"*The report goes on: it is too long for a comment, and whole in [the run's artifacts]({page}).*"
    about = About(commits=found.commits, pointer=rest) if page else About(commits=found.commits)
    posted = post_comment(client, found.number, found.markdown, marker, about)
    return f"{ACTIONS[posted.action]}: {posted.page}"


def _append(summary: Path, problems: list[str]) -> None:
    """Say on the run's page what is not in the pull request."""
    said = "\n".join(problem.replace("```", "'''") for problem in problems)
    try:
        with summary.open("a", encoding="utf-8") as file:
            file.write(f"\n### Not posted\n\n```text\n{said}\n```\n")
    except OSError:
        # The same words are printed; a summary that cannot be written must not fail the run.
        return
