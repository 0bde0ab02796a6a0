"""Judging a shadow or a canary: what the log of predictions says of a version, with the labels that came back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from ratchet.core.candidates import Candidate
from ratchet.core.harm import Pairs
from ratchet.core.metrics import loss_names, row_losses
from ratchet.core.params import Params
from ratchet.core.phase_evidence import Judged, Seen, beside_nothing, judge
from ratchet.core.prices import Prices
from ratchet.core.trials import trial_rule
from ratchet.errors import UsageError
from ratchet.io.prediction_labels import read_kept
from ratchet.io.prediction_log import ROW, LogReader, Prediction, Scored, log_folder
from ratchet.settings import Settings

SECONDS_A_DAY = 86_400.0
NO_LOG = "serve.log is null: servers write nothing down, and try nothing"


@dataclass(frozen=True)
class _Label:
    """A row's label, and the delivery that it came with."""

    label: str
    part: int


@dataclass
class _Labelled:
    """Rows that both versions scored and whose labels are in."""

    keys: list[tuple[int, str, str, int]] = field(default_factory=list)
    """Of each row: its delivery, when it was asked, in which request, at which place. They sort as labels came."""
    days: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    champion: list[list[float | None]] = field(default_factory=list)
    trial: list[list[float | None]] = field(default_factory=list)
    classes: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    """Those of the champion and of the version on trial: one and the same version each, in all of a phase."""


def judge_phase(settings: Settings, params: Params, candidate: Candidate, *, now: datetime) -> Judged:
    """Judge the shadow or canary that the candidate is in by what was logged since it began; `now` is timezone-aware.

    The first version of all passes: no champion serves that it could be tried beside.
    Raises UsageError if it is in no such phase.
    """
    rule = trial_rule(candidate)
    if rule is None:
        raise UsageError(
            f"version {candidate.version} is in no shadow and no canary: {candidate.state}, {candidate.why}",
            next_step="ratchet queue says what it waits for",
        )
    if candidate.entry.champion is None:
        return beside_nothing(rule)
    days = max((now - candidate.since).total_seconds(), 0.0) / SECONDS_A_DAY
    if params.serve.log is None:
        return judge(rule, Seen(days=days, note=NO_LOG))
    return judge(rule, _seen(log_folder(settings, params.serve.log), params, candidate, days))


def _seen(folder: Path, params: Params, candidate: Candidate, days: float) -> Seen:
    reader = LogReader(folder)
    rows: Counter[str] = Counter()
    not_scored: Counter[str] = Counter()
    last_error, zone = "", _zone(params)
    labels, labelled = _labels(folder, candidate.since), _Labelled()
    for line, trial in _lines(reader, params.project.name, candidate):
        if trial.skipped:
            not_scored[trial.skipped] += line.rows
        elif trial.failed:
            rows["failed"] += line.rows
            last_error = trial.failed
        else:
            rows["scored"] += line.rows
            _add(labelled, line, trial, labels.get(line.id, {}), zone)
    pairs, metric, note = _pairs(labelled, params)
    broken = f"{reader.broken:,} lines of the log could not be read" if reader.broken else ""
    return Seen(
        scored=rows["scored"],
        failed=rows["failed"],
        not_scored=not_scored,
        last_error=last_error,
        days=days,
        pairs=pairs,
        metric=metric,
        note="; ".join(filter(None, (note, broken))),
    )


def _lines(reader: LogReader, model: str, candidate: Candidate) -> Iterator[tuple[Prediction, Scored]]:
    """What the log says of this version in this phase: from its beginning on, by the clocks of the servers.

    Beside another champion than the one that it has to beat (a server that could not fetch that one) it shows nothing.
    """
    phase = candidate.phase.name if candidate.phase else ""
    for line in reader.lines(since=candidate.since.astimezone(UTC).date()):
        trial = line.trial
        if trial is None or (line.model, line.phase, trial.version) != (model, phase, candidate.version):
            continue
        if line.moment >= candidate.since and line.champion.version == candidate.entry.champion:
            yield line, trial


def _labels(folder: Path, since: datetime) -> dict[str, dict[int, _Label]]:
    """By request and place."""
    kept = read_kept(folder, first_day=f"{since.astimezone(UTC):%Y%m%d}")
    taken = kept.with_columns(pl.col("id").str.split_exact(ROW, 1).struct.rename_fields(["request", "place"]))
    out: dict[str, dict[int, _Label]] = {}
    for request, place, label, part in taken.unnest("id").iter_rows():
        out.setdefault(request, {})[int(place)] = _Label(label, part)
    return out


def _add(labelled: _Labelled, line: Prediction, trial: Scored, labels: Mapping[int, _Label], zone: tzinfo) -> None:
    if not labels or line.champion.failed:
        return
    labelled.classes = (tuple(line.champion.labels), tuple(trial.labels))
    day = line.moment.astimezone(zone).date().isoformat()
    for place, each in labels.items():
        labelled.keys.append((each.part, line.time, line.id, place))
        labelled.days.append(day)
        labelled.labels.append(each.label)
        labelled.champion.append(line.champion.scores[place])
        labelled.trial.append(trial.scores[place])


def _pairs(labelled: _Labelled, params: Params) -> tuple[Pairs | None, str, str]:
    """Losses of the labelled rows in the order in which labels came, the metric that they are of, and a note."""
    theirs, ours = labelled.classes
    known = [at for at, label in enumerate(labelled.labels) if not ours or (label in ours and label in theirs)]
    if not known:
        return None, "", ""
    order = sorted(known, key=lambda at: labelled.keys[at])
    metric, note = _metric(params)
    if left_out := len(labelled.labels) - len(known):
        note = "; ".join(filter(None, (note, f"{left_out:,} labels are of classes that only one version knows")))
    texts = [labelled.labels[at] for at in order]
    pairs = Pairs(
        champion=_losses(metric, texts, [labelled.champion[at] for at in order], theirs, params),
        canary=_losses(metric, texts, [labelled.trial[at] for at in order], ours, params),
        requests=[(labelled.keys[at][0], labelled.keys[at][2]) for at in order],
        days=[(labelled.keys[at][0], labelled.days[at]) for at in order],
    )
    return pairs, metric, note


def _metric(params: Params) -> tuple[str, str]:
    """The gate's, or the task's first where a row's price takes more than its label to say; and a note if so."""
    metric = params.gate.metric
    by = params.evaluate.costs.get(metric)
    if by is None or by.function is None:
        return metric, ""
    usual = loss_names(params.project.task)[0]
    return usual, f"{metric} is priced by a function of whole rows, which the log has not: judged by {usual}"


def _losses(
    metric: str, labels: list[str], scores: list[list[float | None]], classes: tuple[str, ...], params: Params
) -> np.typing.NDArray[np.float64]:
    values = np.array(scores, dtype=np.float64)
    if not classes:
        return row_losses(metric, np.array([float(label) for label in labels]), values)
    index = {label: place for place, label in enumerate(classes)}
    prices = Prices(task=params.project.task, declared=params.evaluate.costs, labels=classes)
    return row_losses(metric, np.array([index[label] for label in labels], dtype=np.int64), values, prices)


def _zone(params: Params) -> tzinfo:
    """The calendar by which rows share a day."""
    cluster = params.split.cluster
    return ZoneInfo(cluster.zone) if cluster and cluster.zone else UTC
