"""Bring in what the declared source has and this project has not, in time order, with where each batch came from."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path

from ratchet.core.deliveries import without_late
from ratchet.core.params import Params
from ratchet.core.schema import Period, Schema
from ratchet.core.sources.periods import period_of
from ratchet.core.sources.taken import Taken
from ratchet.core.validation.periods import FORMS
from ratchet.core.validation.records import ValidationReport
from ratchet.errors import UsageError
from ratchet.flows.data import in_quarantine, track
from ratchet.flows.erased import erased_names
from ratchet.flows.intake import examine_standing, take
from ratchet.io import files
from ratchet.io.batches import RawBatches, check_batch_name
from ratchet.io.progress import say
from ratchet.io.room import read_params, read_schema
from ratchet.io.sources.batch import Batch, Left, Source, Wanted
from ratchet.io.sources.opening import Opening, open_source
from ratchet.io.sources.records import is_fetched, known_names, read_records, write_record
from ratchet.settings import Settings, load_environment


@dataclass(frozen=True, kw_only=True)
class Ask:
    """What to pull: batches up to and including `until`, at most `limit`, as things stand at `now`."""

    until: str | None = None
    limit: int | None = None
    now: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True)
class Project:
    """What a pull needs of the project."""

    settings: Settings
    params: Params
    schema: Schema
    raw: RawBatches
    source: Source

    @property
    def cut_by(self) -> Period | None:
        """The calendar by which rows are cut; None where the source names its batches."""
        rows = self.params.data.rows
        return None if rows.kind == "callable" or rows.named else self.schema.rows.period


def pull(settings: Settings, ask: Ask | None = None) -> list[str]:
    """Take what is new, batch by batch; returns the new names.

    Raises BatchRefused, ServiceFailed or another error of the source; the batches before it stay, tracked.
    """
    ask = ask or Ask()
    project = open_project(settings, ask.now)
    files.sweep(project.raw.folder, deep=False)
    _say_absent(project.raw)
    new: list[str] = []
    try:
        take_standing(project)
        for batch in batches(project, ask):
            report = take_batch(project, batch, ask.now)
            new.append(batch.name)
            say(f"pulled {described(batch)}{in_quarantine(report)}")
    finally:
        track(settings, project.raw)
    return new


def preview(settings: Settings, ask: Ask | None = None) -> list[str]:
    """Say what a pull would take, having read all of it, and write nothing; returns the names. Raises as pull."""
    ask = ask or Ask()
    project = open_project(settings, ask.now)
    with tempfile.TemporaryDirectory() as folder:
        project.source.standing(Path(folder))
    names = []
    for batch in batches(project, ask):
        names.append(batch.name)
        say(f"would pull {described(batch)}")
    return names


def open_project(settings: Settings, now: datetime) -> Project:
    """The project with the source that it declares. Raises UsageError if one of them is declared wrongly."""
    params = read_params(settings.root)
    schema = read_schema(settings.root, params)
    environment = load_environment(settings.root)
    opening = Opening(root=settings.root, params=params, schema=schema, now=now, environment=environment)
    return Project(settings, params, schema, RawBatches(settings.root), open_source(opening))


def batches(project: Project, ask: Ask) -> Iterator[Batch]:
    """What is new, oldest first; says at the end what was left."""
    if ask.until and project.cut_by and period_of(ask.until, project.cut_by) is None:
        raise UsageError(
            f"--until {ask.until}: rows are cut by {project.cut_by.every}, and this names none",
            next_step=f"name one, such as {FORMS[project.cut_by.every][1]}",
        )
    taken, left = _taken(project), Left()
    wanted = Wanted(taken=taken, now=ask.now, until=ask.until)
    try:
        with closing(project.source.collect(wanted, left)) as found:
            yield from islice(found, ask.limit)
    finally:  # also if who asked wants no more
        for sentence in left.sentences(taken.oldest):
            say(sentence)


def _taken(project: Project) -> Taken:
    data = project.params.data
    return Taken(
        kind=data.rows.kind,
        records=read_records(project.raw, erased_names(project.settings)),
        period_of=_periods(project),
        first=data.first,
    )


def _periods(project: Project) -> Callable[[str], str]:
    """Which period, or which name of a delivery, a batch belongs to."""
    period = project.cut_by
    if period is None:
        return without_late

    def named_after(name: str) -> str:
        found = period_of(name, period)
        if found is None:
            raise UsageError(
                f"batch {name} is here, and rows are cut by {period.every}: nobody can tell what lies before it",
                next_step="remove it with git, or put {batch} into the source's path",
            )
        return found

    return named_after


def take_batch(project: Project, batch: Batch, now: datetime) -> ValidationReport:
    """Write the record, then the batch: a record without a batch counts for nothing. Raises as `intake.take`."""
    path = write_record(project.raw, check_batch_name(batch.name), batch.source)
    try:
        report = take(project.raw, batch.name, batch.writers, project.schema, now=now)
    except BaseException:
        # Another pull may have been faster: then the record is that of its batch.
        if batch.name not in project.raw.names():
            path.unlink(missing_ok=True)
        raise
    # A slower pull that failed meanwhile has removed it.
    if not path.is_file():
        write_record(project.raw, batch.name, batch.source)
    return report


def take_standing(project: Project) -> None:
    """Write the standing lookups that are new or have changed. Raises BatchRefused."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = project.source.standing(Path(folder))
        if not fresh:
            return
        examine_standing(project.raw, fresh, project.schema)
        here = {name: files.digest(path) for name, path in project.raw.standing_files().items()}
        for name, path in fresh.items():
            if here.get(name) != files.digest(path):
                files.write(project.raw.lookups / path.name, partial(shutil.copyfile, path))


def described(batch: Batch) -> str:
    """The batch's name and how many rows each of its tables has."""
    return f"{batch.name}: {', '.join(f'{number:,} {table}' for table, number in batch.rows.items())}"


def _say_absent(raw: RawBatches) -> None:
    """A clone may not have fetched the batches that git names: pulls go on all the same, from the records."""
    absent = [name for name in known_names(raw) if not is_fetched(raw, name)]
    if absent:
        say(f"{len(absent)} batches are not on this machine: nothing new is compared with them (ratchet data fetch)")
