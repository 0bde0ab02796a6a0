"""What a comment says about a fork's pull request: our own words around numbers that were checked for their form."""

from __future__ import annotations

from collections.abc import Sequence

from ratchet.core.fork.hostile_text import shown
from ratchet.core.fork.policy import Reason
from ratchet.core.fork.result import ClaimedMetric, ForkResult
from ratchet.core.metrics import METRICS

WAITS = "sample only: a maintainer runs it from a branch of this repository"
"""The description of the commit status, which is pending for every fork's pull request."""
REASONS_SHOWN = 20

LINE, PARAGRAPH = "\n", "\n\n"
ARROWS = {"higher": "↑", "lower": "↓", "target": "→"}


def numbers(model: str, number: int | None, result: ForkResult, *, alpha: float, data_files: int) -> str:
    """The comment with the numbers; `alpha` is the one-sided risk of the gate, which sets how wide intervals are.

    `number` is None where the pull request is not known: in the run itself, which shows the same on its page.
    """
    over = f"{result.rows:,} held-out rows of the public sample"
    if result.clusters is not None:
        over += f" in {result.clusters:,} clusters"
    rows = "\n".join(_row(metric) for metric in result.metrics)
    return _page(
        model,
        number,
        result.head,
        f"This change and `{result.base[:9]}`, where it started, each trained and measured on {over}:\n\n"
        f"| metric | base | this change | gain | {1 - 2 * alpha:.0%} interval | is it real? |\n"
        f"|---|--:|--:|--:|---|---|\n{rows}\n\n"
        "A gain is positive where this change is better. **Take it as a hint:** these numbers were made by the pull "
        "request's own code, on a small part of the data, and nobody here has made them again."
        + _about_data(data_files),
    )


def held_back(model: str, number: int, head: str, reasons: Sequence[Reason]) -> str:
    """The comment instead of numbers, where the pull request changes what decides how it is judged."""
    lines = [f"- `{reason.path}`: {reason.why}" for reason in reasons[:REASONS_SHOWN]]
    if (more := len(reasons) - REASONS_SHOWN) > 0:
        lines.append(f"- and {more:,} more")
    return _page(
        model,
        number,
        head,
        "No numbers are shown: the pull request changes files that decide how it is judged, or that are not known to "
        "have no say, so that its own run proves nothing.\n\n" + "\n".join(lines),
    )


def not_run(model: str, number: int, head: str, *, page: str) -> str:
    """The comment where the run on the sample failed; `page` is the address of that run, or empty."""
    where = f" [Its log]({page}) says why." if page else ""
    return _page(model, number, head, f"The run on the public sample did not succeed.{where}")


def refused(model: str, number: int, head: str, *, why: str) -> str:
    """The comment where what the run handed over was refused; `why` is a message of ours."""
    return _page(model, number, head, f"The run handed over something that is not shown.\n\n`{shown(why, limit=300)}`")


def _page(model: str, number: int | None, head: str, body: str) -> str:
    commands = f"git fetch origin pull/{number}/head:from-fork-{number}\ngit push origin from-fork-{number}"
    return (
        f"## 🟡 {model}: sample only, not judged\n\n{body}\n\n"
        f"The gate stays closed for `{head[:9]}` until a maintainer has read the change and runs it from a branch of "
        f"this repository{'.' if number is None else f':{PARAGRAPH}```{LINE}{commands}{LINE}```'}\n"
    )


def _row(metric: ClaimedMetric) -> str:
    known = METRICS[metric.name]
    interval = "" if metric.low is None or metric.high is None else f"{metric.low:+.4g} to {metric.high:+.4g}"
    gain = "" if metric.gain is None else f"{metric.gain:+.4g}"
    cells = [f"{metric.name} {ARROWS[known.direction]}", _value(metric.base), _value(metric.change), gain, interval]
    return f"| {' | '.join(cells)} | {_real(metric)} |"


def _value(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4f}"


def _real(metric: ClaimedMetric) -> str:
    if metric.low is None or metric.high is None:
        return "⚪ unknown"
    return "🟢 better" if metric.low > 0 else "🔴 worse" if metric.high < 0 else "⚪ within noise"


def _about_data(files: int) -> str:
    if not files:
        return ""
    return (
        f"\n\nThe pull request changes {files:,} file{'s' * (files != 1)} of data. The sample stands in for all data, "
        "so the numbers say nothing about them."
    )
