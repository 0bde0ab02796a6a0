"""Doing one run: act is listened to, stopped when that is asked or a job takes too long, and what came out is kept."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from ratchet.errors import RatchetError
from ratchet.forge import act, cancellation, ending, intake, jobs, remaining, results, workflows
from ratchet.forge.act import Order
from ratchet.forge.jobs import Job
from ratchet.forge.progress import Progress
from ratchet.forge.results import RunResult
from ratchet.io.files import write_text

SECONDS_PER_MINUTE = 60

Say = Callable[[str], None]


def perform(order: Order, title: str, say: Say) -> RunResult:
    """Do the run and return its result, not yet written; `say` hears its progress, under `title`."""
    with (order.folder / "log.txt").open("w", encoding="utf-8", buffering=1) as text:

        def tell(line: str) -> None:
            text.write(f"{line}\n")
            say(line)

        tell(title)
        with (order.folder / "log.jsonl").open("w", encoding="utf-8", buffering=1) as raw:
            result = Performance(order, tell, raw).run()
        _conclude(result, tell)
    return result


class Performance:
    """One run that is under way."""

    def __init__(self, order: Order, tell: Say, raw: TextIO) -> None:
        self._order, self._tell, self._raw = order, tell, raw
        self._progress = Progress()
        self._known: list[Job] = []
        self._ended_before: set[str] = set()
        self._why = ""

    def run(self) -> RunResult:
        """Run act until it has ended."""
        began, code, error = time.monotonic(), 1, ""
        try:
            self._known = list(jobs.every(workflows.below(self._order.source), self._order.workflow))
            code = act.run(self._order, os.environ, self._hear, self._stop)
            self._catch_up()
        except RatchetError as failure:
            error = str(failure)
        if code != 0 and not (error or self._why) and results.FAILURE not in self._progress.jobs.values():
            error = f"act ended with exit code {code} before the jobs did"
        if error:
            self._tell(f"error: {error}")
        (self._order.folder / "summary.md").write_text("\n".join(self._progress.summaries), encoding="utf-8")
        conclusion = results.SUCCESS if code == 0 else results.CANCELLED if self._why else results.FAILURE
        return replace(
            ending.describe(
                self._order.home,
                self._order.run,
                conclusion=conclusion,
                error=self._why if conclusion == results.CANCELLED else error,
            ),
            jobs=self._jobs(),
            outputs=self._progress.outputs,
            seconds=round(time.monotonic() - began, 3),
        )

    def _catch_up(self) -> None:
        """Run what act left undone because a workflow failed that a job calls."""
        order, turn = self._order, remaining.NEVER
        read, file = workflows.below(order.source), order.home.work / "remaining" / Path(order.workflow.path).name
        while not self._why and (left := remaining.after(read, order.workflow, self._progress, turn)):
            turn = left.turn
            write_text(file, left.text)
            # It keeps the file's name, which is the workflow's own where it has none.
            act.run(
                replace(order, workflow=replace(order.workflow, path=str(file))), os.environ, self._hear, self._stop
            )

    def _hear(self, line: str) -> None:
        self._raw.write(line)
        if remaining.STUB in line:
            return
        for shown in self._progress.read(line):
            self._tell(shown)

    def _stop(self) -> bool:
        """Whether the run is to end; meanwhile, see to the queue."""
        intake.attend(self._order.home)
        why = cancellation.asked(self._order.home, self._order.run.number) or self._overdue()
        if why and not self._why:
            self._why = why
            self._ended_before = set(self._progress.jobs)
            self._tell(f"cancelled: {why}")
        return bool(self._why)

    def _overdue(self) -> str:
        """Which job takes longer than it may, or nothing."""
        now = time.monotonic()
        for name, begun in self._progress.under_way.items():
            minutes = jobs.limit(self._known, name, begun.key)
            if now - begun.at > minutes * SECONDS_PER_MINUTE:
                return f"job {name} took longer than its timeout-minutes, {minutes:g}"
        return ""

    def _jobs(self) -> dict[str, str]:
        """How each job ended; act calls those that were cancelled failed, and says nothing of those it skips."""
        reported = self._progress.jobs
        if self._why:
            cancelled = [name for name in self._progress.begun if name not in self._ended_before]
            reported = reported | dict.fromkeys(cancelled, results.CANCELLED)
        silent = (
            str(tree.get("name") or key)
            for key, tree in self._order.workflow.jobs.items()
            if not any(map(jobs.labels(key, tree).fullmatch, reported))
        )
        return reported | dict.fromkeys(silent, results.SKIPPED)


def _conclude(result: RunResult, tell: Say) -> None:
    ended = {results.SUCCESS: "ok", results.CANCELLED: "cancelled"}.get(result.conclusion, "FAILED")
    states = ", ".join(f"{name}: {state}" for name, state in result.jobs.items()) or "no job ran"
    tell(f"{result.workflow} #{result.number}: {ended} in {result.seconds:.1f} s ({states})")
    tell(f"  log: {result.log}")
    for artifact in sorted(result.artifacts.iterdir()):
        tell(f"  {artifact.name}: {artifact}/")
