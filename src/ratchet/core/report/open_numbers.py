"""What was measured on the rows to look at, as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from ratchet.core.judged import CHALLENGER, Evaluation
from ratchet.core.report.metrics import real
from ratchet.core.report.text import between, number, words


def open_numbers(evaluation: Evaluation) -> Iterator[str]:
    """The rows, then a line for each metric: the challenger, what it was compared with, the gain and its interval."""
    looked = evaluation.looked_at
    yield f"On {looked.text if looked else f'{evaluation.rows:,} rows'} that neither model was trained on:"
    version = f" (version {evaluation.champion})" if evaluation.champion else ""
    for row in evaluation.metrics:
        before, gain = row.models.get(evaluation.reference), row.gain
        line = f"  {words(row.name)}: {number(row.models[CHALLENGER].value)}"
        if before and gain:
            line += f", {evaluation.reference}{version} {number(before.value)}"
            line += f", gain {number(gain.value, sign='+')} ({between(gain.low, gain.high)}): {real(gain)}"
        yield line
