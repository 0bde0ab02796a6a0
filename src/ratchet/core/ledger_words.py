"""What a ledger entry says, in words: for the command line and for the page of the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ratchet.core.ledger_entries import (
    Entry,
    EraseEntry,
    FreezeEntry,
    Line,
    OpinionEntry,
    Overridden,
    OverrideEntry,
    PhaseEntry,
    RegistrationEntry,
)

SHORT = 12
"""Characters of a digest, a commit or a run that people compare by eye."""
MOST = 12
"""Versions that are listed by number."""


def what(line: Line) -> str:
    """What happened, in a few words that "by" and a name can follow."""
    match line:
        case FreezeEntry():
            return f"{line.kind} of all models" if line.everything else line.kind
        case OverrideEntry():
            return f"override of run {line.run_id[:SHORT]}"
        case EraseEntry():
            return f"erasure of {', '.join(line.batches)}"
        case PhaseEntry():
            return f"version {line.version}, {line.phase} {line.outcome}, judged"
        case _:
            return f"version {line.version}, {line.kind}"


def details(line: Line, metric: str) -> list[str]:
    """What is to be known of it besides its reason, a line each; `metric` is the gate's."""
    match line:
        case EraseEntry():
            return list(_erased(line))
        case RegistrationEntry():
            return [_made_of(line.trained_on, line.metrics, metric), *_registered(line)]
        case Entry():
            found = _made_of(line.trained_on, line.metrics, metric)
        case FreezeEntry():
            found = f"until {when(line.until)}" if line.until else ""
        case OverrideEntry():
            found = f"of {', '.join(line.conditions)} until {when(line.expires)}"
        case PhaseEntry():
            found = ", ".join(f"{name} {value:,.6g}" for name, value in line.numbers.items())
        case OpinionEntry():
            found = line.link
    return [found] if found else []


def _erased(line: EraseEntry) -> Iterator[str]:
    yield "; ".join(f"{name}: {', '.join(digests)}" for name, digests in line.batches.items())
    yield f"learned from them: {versions(line.trained)}; judged on them: {versions(line.judged)}"


def versions(numbers: Sequence[int]) -> str:
    """Versions by number, the newest ones where there are many.

    >>> versions([1, 2]), versions([])
    ('versions 1, 2', 'no version')
    """
    if not numbers:
        return "no version"
    more = len(numbers) - MOST
    listed = ", ".join(map(str, numbers[-MOST:]))
    return f"version{'s' if len(numbers) > 1 else ''} {f'{more:,} older ones, ' if more > 0 else ''}{listed}"


def _registered(line: RegistrationEntry) -> list[str]:
    against = f"compared with version {line.champion}" if line.champion else "compared with no version"
    phases = " > ".join(phase.name for phase in line.phases)
    signed = f"signed by {line.signed_by}" if line.signed_by else "unsigned"
    return [
        f"run {line.run_id[:SHORT]} of commit {line.commit[:SHORT]}, {signed}; goes through {phases}",
        f"the gate says {line.verdict}; {against}",
    ]


def _made_of(trained_on: Iterable[str], metrics: Mapping[str, float], metric: str) -> str:
    measured = f"; {metric} {metrics[metric]:.4f}" if metric in metrics else ""
    return f"trained on {_period(trained_on)}{measured}"


def when(time: str) -> str:
    """A moment of an entry as people read it."""
    return f"{time.removesuffix('+00:00').replace('T', ' ')} UTC"


def exceptions(line: Line) -> list[str]:
    """What was put up with for a change, a line each: overridden conditions, and a way back that is not there."""
    if not isinstance(line, Entry):
        return []
    lost = f"no way back to version {line.replaces}, which did not load: {line.no_way_back}"
    return [*map(_overridden, line.overrides), *([lost] if line.no_way_back else [])]


def _overridden(override: Overridden) -> str:
    """Who took which failed conditions upon themselves, until when and why."""
    who = f"overridden by {override.actor} until {when(override.expires)}"
    return f"{who}: {', '.join(override.conditions)}; {override.reason}"


def _period(batches: Iterable[str]) -> str:
    """The batches by name, as a period where there are several."""
    ordered = sorted(batches)
    return f"{ordered[0]} to {ordered[-1]} ({len(ordered)} batches)" if len(ordered) > 1 else ", ".join(ordered)
