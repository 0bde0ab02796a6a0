"""act's log as a person reads it."""

from __future__ import annotations

import json

import pytest

from ratchet.forge.progress import Progress, job_name, plain

STEP = {"job": "Retrain/Promote  ", "jobID": "promote", "level": "info", "stage": "Main", "stepID": ["record"]}


def told(*events: dict[str, object]) -> list[str]:
    """The lines that events of one step make."""
    progress = Progress()
    return [line for event in events for line in progress.read(json.dumps({"step": "ratchet run", **STEP, **event}))]


@pytest.mark.parametrize(
    ("event", "lines"),
    [
        ({"msg": "Run Main"}, ["Promote / ratchet run ..."]),
        (
            {"msg": "x", "stepResult": "success", "executionTime": 1_250_000_000},
            ["Promote / ratchet run: done in 1.2 s"],
        ),
        ({"msg": "x", "stepResult": "failure", "executionTime": 2e9}, ["Promote / ratchet run: FAILED in 2.0 s"]),
        ({"msg": "exit status 4", "level": "error"}, ["Promote / ratchet run: exit status 4"]),
        ({"msg": "ingest 2013-07\r\n", "raw_output": True}, ["    ingest 2013-07"]),
        ({"msg": "x", "command": "warning", "arg": "careful"}, ["    warning: careful"]),
        ({"msg": "x", "command": "group", "arg": "g"}, []),
        ({"msg": "inner", "stepID": ["record", "0"]}, []),
        ({"msg": "Run Main", "step": "first\nsecond"}, ["Promote / first ..."]),
        ({"msg": "Run Main", "step": f"actions/checkout@{'0a' * 20}"}, ["Promote / actions/checkout ..."]),
        ({"msg": "Run Main", "step": "x" * 70}, [f"Promote / {'x' * 57}... ..."]),
        ({"msg": "Run Post", "stage": "Post"}, []),
        ({"msg": "Couldn't get a valid docker connection: no", "level": "warning"}, []),
    ],
)
def test_each_kind_of_event_has_its_line(event: dict[str, object], lines: list[str]) -> None:
    """Steps, their output, annotations and errors are shown; act's inner workings are not."""
    assert told(event) == lines


def test_a_step_that_is_begun_twice_is_told_once() -> None:
    """act announces an action when it fetches it and when it runs it; one line is enough."""
    assert told({"msg": "Run Main"}, {"msg": "Run Main"}) == ["Promote / ratchet run ..."]


def test_words_that_are_not_json_are_shown_as_they_are() -> None:
    """What act itself says on stderr is not lost."""
    assert list(Progress().read("Error: workflow is not valid\n")) == ["Error: workflow is not valid"]


def test_jobs_outputs_and_summaries_are_remembered() -> None:
    """The result has each job by name, outputs of steps with an id, and the summaries in order."""
    progress = Progress()
    for event in (
        {"command": "set-output", "name": "verdict", "arg": "hold", "msg": ""},
        {"command": "set-output", "name": "verdict", "arg": "promote", "msg": ""},
        {"command": "set-output", "name": "commit", "arg": "abc", "msg": "", "stepID": ["0"]},
        {"command": "summary", "content": "# One\n", "msg": ""},
        {"command": "summary", "content": "# Two\n", "msg": ""},
        {"jobResult": "success", "msg": ""},
    ):
        list(progress.read(json.dumps({**STEP, **event})))
    expected = ({"Promote": "success"}, {"verdict": "promote"}, ["# One\n", "# Two\n"])
    assert (progress.jobs, progress.outputs, progress.summaries) == expected


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("\x1b[31mred\x1b[0m\r\n", ["red"]),
        ("10%\r50%\r100%\r\n", ["100%"]),
        ("\x1b]0;title\x07a\x00b", ["ab"]),
        ("a\nb", ["a", "b"]),
        ("tab\tstays", ["tab\tstays"]),
    ],
)
def test_no_control_characters_reach_the_reader(text: str, lines: list[str]) -> None:
    """Colours, titles and overwritten progress bars are gone from what is shown."""
    assert plain(text) == lines


@pytest.mark.parametrize(
    ("name", "shown"), [("Outer/Promote ", "Promote"), ("Train it/Inner/Train", "Train it / Train"), ("Alone", "Alone")]
)
def test_jobs_are_called_as_on_github(name: str, shown: str) -> None:
    """A job is shown without its workflow's name, and below the job that called its workflow."""
    assert job_name(name) == shown
