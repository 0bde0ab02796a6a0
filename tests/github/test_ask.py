"""`ratchet dispatch`: a step of one workflow starts another."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from ratchet.cli.app import app
from ratchet.errors import ServiceFailed, UsageError
from ratchet.flows.ask import by_hand, inputs_of
from ratchet.forge import tickets

if TYPE_CHECKING:
    from tests.github.conftest import Bench
    from typer.testing import Result


def dispatch(bench: Bench, *words: str, **environment: str) -> Result:
    """Run the command as a step does."""
    whole = ["--project", str(bench.root), "dispatch", *words]
    return CliRunner().invoke(app, whole, env=bench.environment(**environment))


def test_the_command_starts_the_workflow(bench: Bench) -> None:
    """Inputs are name=value words, and a value may hold an equals sign and spaces."""
    done = dispatch(bench, "promote.yaml", "--ref", "main", "run-id=a=b c")
    (ticket,) = tickets.waiting(bench.home)
    assert (done.exit_code, done.output) == (0, "asked for promote.yaml on main\n")
    assert (dict(ticket.inputs), ticket.cause) == ({"run-id": "a=b c"}, "cause")


def test_what_cannot_be_started_can_be_by_hand(bench: Bench) -> None:
    """Exit code 5, and the command for a person, quoted for a shell."""
    done = dispatch(bench, "nothing.yaml", "run-id=a b")
    assert isinstance(done.exception, ServiceFailed)
    assert done.exception.exit_code == 5
    assert "gh workflow run nothing.yaml --ref main -f 'run-id=a b'" in str(done.exception)
    assert tickets.waiting(bench.home) == []


def test_without_a_token_there_is_the_hand(bench: Bench) -> None:
    """The same for a step that was given none."""
    done = dispatch(bench, "promote.yaml", "run-id=1", GITHUB_TOKEN="")
    assert isinstance(done.exception, ServiceFailed)
    assert "gh workflow run promote.yaml" in done.exception.next_step


def test_the_hand_has_both_places() -> None:
    """Split as a shell does, the words are what was meant."""
    github, _, forge = by_hand("w.yaml", "main", {"a": "x y"}).partition("  (on the forge: ")
    assert shlex.split(github) == ["gh", "workflow", "run", "w.yaml", "--ref", "main", "-f", "a=x y"]
    assert shlex.split(forge.removesuffix(")")) == [
        "ratchet", "forge", "dispatch", "w.yaml", "--branch", "main", "--input", "a=x y",
    ]  # fmt: skip


@pytest.mark.parametrize(("words", "why"), [(["a"], "not name=value"), (["=a"], "not name"), (["a=1", "a=2"], "twice")])
def test_inputs_are_pairs(words: list[str], why: str) -> None:
    """A word that is no pair, or a name that comes again, is a mistake in usage."""
    with pytest.raises(UsageError, match=why):
        inputs_of(words)
