"""What `ratchet --help` owes a person: the order of the work, an example each, and no waiting."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from ratchet import errors
from ratchet.cli.app import app
from ratchet.cli.common import PANELS

HEAVY = (
    "dvc",
    "matplotlib",
    "mlflow",
    "numpy",
    "pandas",
    "pyarrow",
    "pydantic",
    "scipy",
    "skops",
    "sklearn",
    "starlette",
)
Words = tuple[str, ...]


def _commands(group: object = None, before: Words = ()) -> Iterator[tuple[Words, object]]:
    """Every command that does something, with the words that it is called by."""
    for name, command in (group or typer.main.get_command(app)).commands.items():  # type: ignore[attr-defined]  # the vendored click has no public type
        if hasattr(command, "commands"):
            yield from _commands(command, (*before, name))
        else:
            yield (*before, name), command


COMMANDS = dict(_commands())


def _ratchet(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The real command, in an environment that asks for nothing special."""
    plain = {name: value for name, value in os.environ.items() if name not in ("GITHUB_ACTIONS", "FORCE_COLOR")}
    return subprocess.run(
        [sys.executable, "-m", "ratchet", *words],
        env={**plain, "PYTHONPATH": "src", **environment},
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=False,
    )


def test_groups_stand_in_the_order_of_the_work() -> None:
    """Data come first, then training, promotion, serving, and working without GitHub."""
    shown = CliRunner().invoke(app, ["--help"]).output
    assert re.findall(r"\d\. [A-Z][\w, ]*\w", shown) == list(PANELS)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_an_example_of_itself(words: Words) -> None:
    """The help of a command ends with a line that can be typed."""
    shown = CliRunner().invoke(app, [*words, "--help"])
    assert (shown.exit_code, f"ratchet {' '.join(words)}" in shown.output.partition("Example:")[2]) == (0, True)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_and_option_says_what_it_does(words: Words) -> None:
    """No command, argument or option is without words of its own."""
    command = COMMANDS[words]
    parameters = command.params  # type: ignore[attr-defined]  # the vendored click has no public type
    assert command.help  # type: ignore[attr-defined]  # the same
    assert [parameter.name for parameter in parameters if not parameter.help] == []


def test_help_imports_nothing_heavy() -> None:
    """`ratchet --help` is quick, as it loads neither the libraries that compute nor those that speak to services."""
    script = f"""
        import sys
        from ratchet.cli.app import app
        try:
            app(["--help"])
        except SystemExit:
            print("loaded:", *sorted(set({HEAVY}) & set(sys.modules)))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={**os.environ, "PYTHONPATH": str(Path(errors.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "loaded:"


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_help_is_plain_text_at_any_width(columns: int) -> None:
    """Through a pipe there is no colour, no line is wider than the terminal, and every command is named."""
    done = _ratchet("--help", COLUMNS=str(columns))
    top = {words[0] for words in COMMANDS}
    assert (done.returncode, "\x1b" in done.stdout) == (0, False)
    assert max(map(len, done.stdout.splitlines())) <= columns
    assert {name for name in top if not re.search(rf"^\W*{name}\b", done.stdout, re.MULTILINE)} == set()


def test_help_needs_no_unicode() -> None:
    """A terminal that knows ASCII alone gets the help too."""
    done = _ratchet("--help", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stdout.isascii()) == (0, True)


def test_unknown_command_is_a_usage_error_that_names_the_nearest() -> None:
    """A typing error ends with 2, like every other mistake in usage."""
    done = _ratchet("promte")
    assert (done.returncode, "promote" in done.stderr) == (errors.UsageError.exit_code, True)


def test_exit_codes_are_those_of_the_tree() -> None:
    """The tree in the docstring of `ratchet.errors` names every error, its place and its exit code."""
    drawn = re.findall(r"^([│├└─ ]*)(\w+) {2,}(?:(\d) {2})?", inspect.getdoc(errors) or "", re.MULTILINE)
    classes = {
        name: each
        for name, each in vars(errors).items()
        if inspect.isclass(each) and issubclass(each, errors.RatchetError)
    }
    assert [name for _, name, _ in drawn] == list(classes)
    for indent, name, code in drawn:
        assert len(classes[name].__mro__) - len(errors.RatchetError.__mro__) == len(indent) // 4
        if code:
            assert classes[name].exit_code == int(code)
