"""A lineage as one HTML page with a picture; it needs nothing beside it, and no script runs in it."""

from __future__ import annotations

from ratchet.core.lineage import Lineage
from ratchet.core.lineage_picture import HEIGHT, WIDTH, picture_of
from ratchet.io import html_page


def lineage_page(lineage: Lineage, text: str) -> str:
    """The page: the picture, and `text`, which says the same in words."""
    page = html_page.environment().get_template("lineage.html.j2")
    return page.render(
        lineage=lineage,
        picture=picture_of(lineage),
        lines=[(line.startswith(" "), line) for line in text.splitlines()],
        box={"width": WIDTH, "height": HEIGHT},
        scripts=[],
        policy=html_page.policy([]),
    )
