"""A pull request as one page, pulls/7.html: how it stands, its statuses, what was said, its runs and their reports.

It is made anew whenever somebody looks. Links are relative, so the forge's folder can move. Comments are Markdown that
jobs wrote: of the HTML in them a few plain tags count, and everything else is shown as the text that it is.
"""

from __future__ import annotations

import html
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ratchet.forge import conversation, results, tickets
from ratchet.forge.conversation import Comment, Status
from ratchet.forge.home import Home
from ratchet.forge.pulls import landing, merging, pulls
from ratchet.forge.pulls.pull_record import Pull, every
from ratchet.forge.results import RunResult
from ratchet.io.files import write_text

REPORT = ("report", "report.html")
"""The artifact that holds a run's report, and its file."""

TAGS = "details|summary|sub|sup|kbd|b|i|em|strong|code|p|ul|ol|li|blockquote"
PLAIN_TAG = re.compile(rf"&lt;(/?(?:{TAGS})|details open|br ?/?|hr ?/?)&gt;")
"""Tags that count in a comment, escaped; with an attribute they do not, so none can bring a script or an address."""

FOLDED = re.compile(r"<details><summary>(.*?)</summary>.*?</details>", re.DOTALL)
CHARTS = re.compile(r"```mermaid\n.*?```", re.DOTALL)
CHART = "mermaid"
"""The language of code that is a chart."""

HIDDEN = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
"""HTML comments: the report's own marker is one."""


@dataclass(frozen=True)
class View:
    """Everything there is to see of a pull request, read when it is asked for."""

    home: Home
    pull: Pull

    @property
    def path(self) -> Path:
        """Where its page is."""
        return pulls.folder(self.home) / f"{self.pull.number}.html"

    @cached_property
    def standing(self) -> str:
        """Whether it can be merged, in a few words; and if not, why."""
        pull = self.pull
        if not pull.is_open:
            how = f" as {pull.merged_sha[:9]} by {pull.merged_by}" if pull.merged_sha else ""
            return f"{pull.state}{how}{f', past {pull.past}' if pull.past else ''}"
        if pull.conflicts:
            return f"conflicts in {', '.join(pull.conflicts)}"
        absent = landing.missing(self.home, pull)
        return f"waits for {', '.join(absent)}" if absent else "can be merged"

    @cached_property
    def statuses(self) -> list[tuple[str, list[Status]]]:
        """Its commits that have a status, the newest commit first, each with the newest status of each context."""
        found = ((sha, conversation.statuses(self.home, sha)) for sha in self._commits())
        return [(sha, given) for sha, given in found if given]

    @cached_property
    def comments(self) -> list[Comment]:
        """What was said, oldest first."""
        return conversation.comments(self.home, self.pull.number)

    @cached_property
    def runs(self) -> list[RunResult]:
        """Its runs, newest first; also those that were asked for on its branch since it was opened, as on GitHub."""
        pull, branch = self.pull, f"refs/heads/{self.pull.head}"
        return [
            run
            for run in results.runs(self.home)
            if run.pull == pull.number
            or (
                run.event == tickets.DISPATCH
                and run.ref == branch
                and pull.created <= run.started <= (pull.closed or "~")
            )
        ][::-1]

    @property
    def report(self) -> Path | None:
        """The newest report of one of its runs."""
        return next((path for run in self.runs if (path := report_of(run))), None)

    def _commits(self) -> Sequence[str]:
        base = self.pull.merged_sha or f"refs/heads/{self.pull.base}"
        known = merging.commits(self.home, base, self.pull.head_sha)
        # Once merged, its commits are the base's: then the newest one alone is looked up.
        return known or [self.pull.head_sha]


def look(home: Home, number: int) -> View:
    """What there is to see of a pull request. Raises UsageError if there is none of that number."""
    return View(home, pulls.read(home, number))


def views(home: Home) -> list[View]:
    """Every pull request, oldest first."""
    return [View(home, pull) for pull in every(home)]


def report_of(run: RunResult) -> Path | None:
    """The report page that a run left, if it left one."""
    path = run.artifacts.joinpath(*REPORT)
    return path if path.is_file() else None


def write(view: View) -> Path:
    """Make the page anew, whole or not at all; returns where it is."""
    runs = [(run, _link(view, run.log), _link(view, report_of(run))) for run in view.runs]
    text = _template().render(view=view, pull=view.pull, runs=runs, report=_link(view, view.report))
    write_text(view.path, text)
    return view.path


def comment_html(markdown: str) -> str:
    """A comment as HTML that holds no tag but those of Markdown itself and a few plain ones.

    >>> comment_html("**a** <script>b</script>").strip()
    '<p><strong>a</strong> &lt;script&gt;b&lt;/script&gt;</p>'
    """
    return str(_markdown().render(HIDDEN.sub("", markdown)))


def comment_text(markdown: str) -> str:
    """A comment for a terminal: as written, without what is hidden, tags and charts; of what is folded, its title.

    >>> comment_text("all<details><summary>More</summary>rows</details>")
    'all▸ More'
    """
    shown = CHARTS.sub("", FOLDED.sub(r"▸ \1", HIDDEN.sub("", markdown)))
    plain = re.sub(rf"</?(?:{TAGS})(?: open)?>", "", shown)
    return re.sub(r"\n{3,}", "\n\n", plain).strip()


def _link(view: View, path: Path | None) -> str:
    return os.path.relpath(path, view.path.parent) if path else ""


def _markdown() -> Any:
    # Imported late: a push needs none of it.
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    for name in ("html_block", "html_inline"):
        reader.add_render_rule(name, _html_shown)
    reader.add_render_rule("image", _image_named)
    reader.add_render_rule("fence", _fence_shown)
    return reader


def _html_shown(_self: Any, tokens: Sequence[Any], place: int, *_rest: Any) -> str:
    return PLAIN_TAG.sub(r"<\1>", html.escape(tokens[place].content, quote=False))


def _image_named(_self: Any, tokens: Sequence[Any], place: int, *_rest: Any) -> str:
    """The words for a picture: the page fetches nothing from anywhere."""
    return f"<em>{html.escape(tokens[place].content)}</em>"


def _fence_shown(_self: Any, tokens: Sequence[Any], place: int, *_rest: Any) -> str:
    """Code; GitHub draws charts from it, and here the report has them."""
    if tokens[place].info.strip() == CHART:
        return '<p class="soft">A chart: the report shows it.</p>\n'
    return f"<pre><code>{html.escape(tokens[place].content)}</code></pre>\n"


def _template() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("ratchet.io"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["comment"] = comment_html
    return environment.get_template("pull.html.j2")
