"""How the next command is typed by whoever named the project: with the same words before it, from the same folder."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Collection
from functools import partial
from pathlib import Path

import typer

from ratchet.errors import RatchetError

ANY_MODEL = ("forge", "pr", "merge-driver", "dispatch", "models")
"""Commands about the repository, whatever model is named."""
NAMING = ("project", "model")
"""The options before a command that say which project it is about."""


def typed(context: typer.Context, text: str) -> str:
    """The text, with the commands in it as they have to be typed to be about the same project.

    What names the project in the environment, or by the folder that one is in, needs no word.
    """
    return retyped(text, _words(context), getattr(context.find_root().command, "commands", ()))


def typed_for(context: typer.Context, text: str, model: str, root: Path) -> str:
    """The same for a text about `model`, which need not be the one of the project at `root` that the command is about.

    A folder that one is in says which model is meant; one that was only the first of several says nothing.
    """
    from ratchet.io.room import read_params

    meant = any(map(partial(named, context), NAMING)) or root in (Path.cwd(), *Path.cwd().parents)
    if meant and read_params(root).project.name == model:
        return typed(context, text)
    return retyped(text, f"--model {model}", getattr(context.find_root().command, "commands", ()))


def retyped(text: str, words: str, commands: Collection[str]) -> str:
    """The text with `words` put before each command of `commands` that is about a project.

    >>> retyped("ratchet run, then ratchet pr open", "--model late", ["run", "pr"])
    'ratchet --model late run, then ratchet pr open'
    """
    about = "|".join(re.escape(each) for each in commands if each not in ANY_MODEL)
    if not (words and about):
        return text
    return re.sub(rf"\bratchet (?=(?:{about})\b)", lambda _: f"ratchet {words} ", text)


def retype(context: typer.Context, error: RatchetError) -> None:
    """Let an error's commands be typed as here, and say where its paths begin if that is another folder."""
    error.message = typed(context, error.message) + _place(context)
    error.next_step = typed(context, error.next_step)


def from_here(path: Path) -> str:
    """The path as it is typed in the current folder, if that is above it; else all of it."""
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(path)


def named(context: typer.Context, option: str) -> bool:
    """Whether an option before the command was typed, rather than taken from the environment or its default."""
    source = context.find_root().get_parameter_source(option)
    return source is not None and source.name == "COMMANDLINE"


def _words(context: typer.Context) -> str:
    given = context.find_root().params
    said = ((name, given.get(name)) for name in NAMING if named(context, name))
    return " ".join(f"--{name} {shlex.quote(str(value))}" for name, value in said if value)


def _place(context: typer.Context) -> str:
    """Where the project is that was named; nothing for one that the current folder is in."""
    project = context.find_root().obj
    place = project.resolve() if isinstance(project, Path) else Path.cwd()
    away = Path.cwd() != place and place not in Path.cwd().parents
    return f"\n  in: {os.path.relpath(place)}" if away else ""
