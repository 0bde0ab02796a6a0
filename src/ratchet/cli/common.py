"""What commands share: the settings of the project they are typed in, and how they print."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from ratchet.settings import Settings

DATA = "1. Data"
TRAIN = "2. Train and judge"
REGISTRY = "3. Promote, look back, go back"
SERVE = "4. Serve"
FORGE = "5. Without GitHub"
PANELS = (DATA, TRAIN, REGISTRY, SERVE, FORGE)
"""The order of a person's work."""


def settings_of(context: typer.Context) -> Settings:
    """The settings of the project around the current folder, or around `--project`, or of that of `--model`.

    Raises UsageError where there is none, with the models that the repository has elsewhere.
    """
    from ratchet.errors import UsageError
    from ratchet.settings import find_root, load_settings

    start = context.obj.resolve()
    try:
        return load_settings(find_root(start))
    except UsageError as error:
        from ratchet.io.projects import elsewhere

        command = context.command_path.removeprefix(context.find_root().command_path).strip()
        raise elsewhere(start, command) or error from None


def settings_of_any(context: typer.Context) -> Settings:
    """The same; where there is no project, of the repository's first, for commands about what all its models share."""
    from ratchet.io.projects import find_projects
    from ratchet.settings import PARAMS, find_home, load_settings

    start = context.obj.resolve()
    home = find_home(start)
    if any((folder / PARAMS).is_file() for folder in (start, *start.parents)):
        return settings_of(context)
    found = find_projects(home)
    return load_settings(found[0].at(home)) if found else settings_of(context)


def repository_of(context: typer.Context) -> Settings:
    """The settings of the repository around the current folder, for commands that are about none of its projects."""
    from ratchet.settings import find_home, load_settings

    return load_settings(find_home(context.obj.resolve()))


def settings_kept(context: typer.Context) -> Settings:
    """The same for commands that start stages: those run the room's code, and inherit no token."""
    from ratchet.settings import forget_tokens

    settings = settings_of(context)
    forget_tokens()
    return settings


def example(*lines: str) -> str:
    """An epilog that shows how a command is typed."""
    return "Example:\n\n" + "\n\n".join(f"  [bold]{line}[/bold]" for line in lines)
