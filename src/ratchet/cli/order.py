"""The order of commands in `--help`: that of a person's work, not the one in which Typer keeps them."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

from ratchet.cli.common import PANELS
from ratchet.cli.typed import retype
from ratchet.errors import RatchetError


class WorkOrder(TyperGroup):
    """Its commands stand panel by panel; Typer alone puts every group of commands after every plain one."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = dict(sorted(self.commands.items(), key=lambda item: _place(item[1])))

    def invoke(self, ctx: Any) -> Any:
        """Run the command; what an error says is to be done next can be typed as it stands."""
        try:
            return super().invoke(ctx)
        except RatchetError as error:
            retype(ctx, error)
            raise


def _place(command: object) -> int:
    panel = getattr(command, "rich_help_panel", None)
    return PANELS.index(panel) if panel in PANELS else len(PANELS)
