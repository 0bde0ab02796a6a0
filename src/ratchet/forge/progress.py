"""act's JSON log as lines a person follows, and as what a run's result needs: jobs, outputs, summaries.

act writes one object a line. Of interest: `jobResult`; `stepResult` with `executionTime` in nanoseconds; `raw_output`,
a line that a step printed; `command` (set-output, summary, notice, warning, error); and messages of level error.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""Colours, cursor movements, titles, and other bytes that are not for reading."""

PIN = re.compile(r"@[0-9a-f]{40}$")
"""The version of an action without a name, too long to be read."""

STEP_NAME_LENGTH = 60
ANNOTATIONS = ("notice", "warning", "error")
UNINTERESTING = ("Couldn't get a valid docker connection",)


@dataclass(frozen=True)
class Begun:
    """A job that has begun: its key in the workflow's file, and when, in seconds of the clock that was given."""

    key: str
    at: float


class Progress:
    """Reads act's log line by line; remembers jobs (name to result), step outputs and step summaries.

    `begun` are the jobs that have begun, by name, also those that have ended; `step_outputs` are the outputs by job,
    step and name; `clock` gives seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._begun: set[tuple[str, str]] = set()
        self.begun: dict[str, Begun] = {}
        self.jobs: dict[str, str] = {}
        self.outputs: dict[str, str] = {}
        self.step_outputs: dict[str, dict[str, dict[str, str]]] = {}
        self.summaries: list[str] = []

    def read(self, line: str) -> Iterator[str]:
        """The lines to show for one line of act's log."""
        event = _parse(line)
        if event is None:
            yield from (text for text in plain(line) if text.strip())
            return
        if any(words in event.get("msg", "") for words in UNINTERESTING):
            return
        self._remember(event)
        yield from self._tell(event)

    @property
    def under_way(self) -> dict[str, Begun]:
        """The jobs that have begun and not ended."""
        return {name: begun for name, begun in self.begun.items() if name not in self.jobs}

    def _remember(self, event: dict[str, Any]) -> None:
        if "job" in event and "jobID" in event:
            self.begun.setdefault(job_name(event["job"]), Begun(str(event["jobID"]), self._clock()))
        if "jobResult" in event:
            self.jobs[job_name(event["job"])] = event["jobResult"]
        if event.get("command") == "set-output" and _has_id(event):
            self.outputs[event["name"]] = event["arg"]
            steps = self.step_outputs.setdefault(job_name(event["job"]), {})
            steps.setdefault(event["stepID"][0], {})[event["name"]] = event["arg"]
        if event.get("command") == "summary":
            self.summaries.append(event["content"])

    def _tell(self, event: dict[str, Any]) -> Iterator[str]:
        if event.get("raw_output"):
            yield from (f"    {text}".rstrip() for text in plain(event["msg"]) if text.strip())
        elif event.get("command") in ANNOTATIONS:
            yield from (f"    {event['command']}: {text}" for text in plain(event["arg"]))
        elif "command" not in event and event.get("level") == "error":
            yield from (f"{_label(event)}: {text}" for text in plain(event["msg"]) if text.strip())
        elif _is_own_step(event) and event.get("stage") == "Main":
            yield from self._tell_step(event)

    def _tell_step(self, event: dict[str, Any]) -> Iterator[str]:
        if "stepResult" not in event:
            # act says it twice for an action, once to fetch it and once to run it.
            step = (event["job"], event["stepID"][0])
            if "command" not in event and step not in self._begun:
                self._begun.add(step)
                yield f"{_label(event)} ..."
            return
        seconds = event.get("executionTime", 0) / 1e9
        words = {"success": "done", "failure": "FAILED", "skipped": "skipped"}.get(event["stepResult"], "ended")
        yield f"{_label(event)}: {words}" + (f" in {seconds:.1f} s" if seconds else "")


def plain(text: str) -> list[str]:
    r"""Text as the lines a terminal would end up showing, without colours and control characters.

    >>> plain("10%\r100%\n")
    ['100%']
    """
    lines = text.rstrip("\r\n").split("\n")
    return [CONTROL.sub("", line.rstrip("\r").rpartition("\r")[2]) for line in lines]


def job_name(name: str) -> str:
    """A job's name without the workflow it is in: `Retrain/Promote` is Promote, `Train/Inner/Fit` is Train / Fit.

    >>> job_name("Train/Inner/Fit  ")
    'Train / Fit'
    """
    parts = name.strip().split("/")
    return " / ".join([*parts[:-2], parts[-1]])


def _label(event: dict[str, Any]) -> str:
    step = PIN.sub("", str(event.get("step", "")).strip().partition("\n")[0])
    short = step if len(step) <= STEP_NAME_LENGTH else f"{step[: STEP_NAME_LENGTH - 3]}..."
    return " / ".join(filter(None, (job_name(event.get("job", "")), short))) or "act"


def _is_own_step(event: dict[str, Any]) -> bool:
    """Whether the event is about a step of the job, and not of an action inside one."""
    return len(event.get("stepID", ())) == 1


def _has_id(event: dict[str, Any]) -> bool:
    """Whether the event is about a step that the job gave an id; act numbers the others."""
    return _is_own_step(event) and not str(event["stepID"][0]).isdigit()


def _parse(line: str) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
