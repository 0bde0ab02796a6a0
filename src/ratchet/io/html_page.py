"""HTML pages that need nothing beside them: every value is escaped, and only scripts that the page names may run."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from typing import Any

import markupsafe
from jinja2 import Environment, PackageLoader, StrictUndefined

from ratchet.io.markdown import visible

START = """
for (const chart of document.querySelectorAll("[data-chart]")) {
  const spec = JSON.parse(document.getElementById(chart.dataset.chart).textContent);
  vegaEmbed(chart, spec, {actions: false, renderer: "svg", ast: true});
}
"""
"""Draws every chart; `ast` reads Vega's expressions instead of compiling them, which the page's policy forbids."""


def environment() -> Environment:
    """The templates, with all that they show escaped and on one line."""
    return Environment(
        loader=PackageLoader("ratchet.io"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
        finalize=_shown,
    )


def script_json(value: Any) -> markupsafe.Markup:
    """JSON that may stand in a script: only ASCII, and nothing that ends a script or starts a comment."""
    text = json.dumps(value, allow_nan=False, ensure_ascii=True, separators=(",", ":"))
    for each in "<>&":
        text = text.replace(each, f"\\u{ord(each):04x}")
    return markupsafe.Markup(text)  # noqa: S704  # escaped above


def data_address(kind: str, content: bytes) -> str:
    """An image as an address that holds it; `kind` is png or svg+xml."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def figure(title: str, spec: Any, svg: str) -> dict[str, Any]:
    """A chart as the templates take it: `svg` is its still form, empty where there is none."""
    still = data_address("svg+xml", svg.encode()) if svg else ""
    return {"title": title, "json": script_json(spec), "svg": still}


def trusted(scripts: Iterable[str]) -> list[markupsafe.Markup]:
    """Scripts as they stand in a page, unescaped: the charts' own, and START."""
    return [markupsafe.Markup(script) for script in scripts]  # noqa: S704  # no data is in them


def policy(scripts: Iterable[str]) -> str:
    """The page's policy: nothing is loaded, sent or framed, and only `scripts` run."""
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _shown(value: object) -> object:
    return value if not isinstance(value, str) or hasattr(value, "__html__") else visible(value)
