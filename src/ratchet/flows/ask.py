"""Ask for the run of a workflow, as a step of another one does: promotion has a workflow of its own."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from contextlib import closing

from ratchet.errors import ServiceFailed, UsageError
from ratchet.io.github.client import connect
from ratchet.settings import Settings


def ask(settings: Settings, workflow: str, *, ref: str, inputs: Mapping[str, str]) -> None:
    """Start `workflow` (a file's name) on the branch or tag `ref`.

    Raises ServiceFailed with the command that does it by hand.
    """
    try:
        with closing(connect(settings.github)) as github:
            github.start_workflow(workflow, ref=ref, inputs=inputs)
    except ServiceFailed as error:
        raise ServiceFailed(
            error.message, next_step=f"{error.next_step}; or by hand: {by_hand(workflow, ref, inputs)}"
        ) from error


def by_hand(workflow: str, ref: str, inputs: Mapping[str, str]) -> str:
    """The commands that start the workflow, at GitHub and on the forge."""
    pairs = [f"{name}={value}" for name, value in inputs.items()]
    github = ["gh", "workflow", "run", workflow, "--ref", ref, *(word for pair in pairs for word in ("-f", pair))]
    forge = ["ratchet", "forge", "dispatch", workflow, "--branch", ref]
    forge += [word for pair in pairs for word in ("--input", pair)]
    return f"{shlex.join(github)}  (on the forge: {shlex.join(forge)})"


def inputs_of(pairs: Iterable[str]) -> dict[str, str]:
    """The inputs in `name=value` words. Raises UsageError for a word that is none, or a name that comes twice."""
    inputs: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not name or not equals or name in inputs:
            what = "comes twice" if name in inputs else "is not name=value"
            raise UsageError(f"the input {pair!r} {what}", next_step='ratchet dispatch promote.yaml run-id="$RUN_ID"')
        inputs[name] = value
    return inputs
