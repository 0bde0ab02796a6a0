"""A model card as Markdown and as one HTML page that needs nothing beside it."""

from __future__ import annotations

import re
from pathlib import Path

from ratchet.core.model_card import ModelCard
from ratchet.io import html_page
from ratchet.io.render import ICONS, PICTURES, markdown_environment


def card_markdown(card: ModelCard) -> str:
    """The card as MLflow and GitHub show it."""
    text = markdown_environment().get_template("model_card.md.j2").render(card=card, icon=ICONS[card.verdict])
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def card_html(card: ModelCard, evaluation: Path) -> str:
    """The card as a page, with the pictures of the folder `evaluation`; no script runs in it."""
    found = [(evaluation / name, title) for name, title in PICTURES.items()]
    pictures = [(title, html_page.data_address("png", path.read_bytes())) for path, title in found if path.is_file()]
    page = html_page.environment().get_template("model_card.html.j2")
    return page.render(card=card, pictures=pictures, scripts=[], policy=html_page.policy([]))
