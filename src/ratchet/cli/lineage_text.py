"""A lineage as the terminal shows it: a tree for each run, or one line each where there are many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ratchet.core.lineage import CommitFacts, Descent, Lineage, Service, UsedBatch
from ratchet.core.lineage_graph import newest, short, until_words

TREES = 3
"""Descents that are shown in full; of more, each is a line."""
LINES = 20
"""Of so many descents, the newest ones, where --all is not said."""
BATCHES = 6
"""Batches of one use that are named, the newest ones."""


def lineage_text(lineage: Lineage, most: int | None = LINES) -> str:
    """What was asked, and what hangs on it: of many descents a line each of the `most` newest."""
    asked = lineage.asked
    head = f"{asked.end} {asked.name}{f': {asked.note}' if asked.note else ''}"
    if not lineage.descents:
        return head
    if len(lineage.descents) + lineage.earlier <= TREES:
        return "\n\n".join([head, *("\n".join(_tree(each, lineage)) for each in lineage.descents)])
    shown = lineage if most is None else newest(lineage, most)
    told = [f"{len(shown.descents) + shown.earlier:,} versions have to do with it, the newest last:"]
    if shown.earlier:
        told.append(f"  ({shown.earlier:,} older ones: --all has them as well)")
    return "\n".join([head, "", *told, *map(_line, shown.descents), "", "one of them: ratchet lineage v7"])


def _tree(descent: Descent, lineage: Lineage) -> Iterator[str]:
    yield f"{lineage.model} {_version(descent)}"
    branches: list[tuple[str, Sequence[str]]] = [
        ("made from", [*_batches(descent), *_commit(descent, lineage.commits)]),
        (f"run {descent.run_id}", list(_run(descent))),
    ]
    if descent.verdict:
        branches.append((f"decision: {descent.verdict}", list(_decision(descent))))
    if descent.version is not None:
        branches.append((f"version {descent.version}", list(_way(descent))))
        branches.append(("served", [_service(each) for each in descent.services] or ["never"]))
    if descent.answered is not None:
        found = descent.answered
        branches.append(
            (f"answered {found.requests:,} requests, {found.rows:,} rows", [f"{found.first} to {found.last}"])
        )
    yield from _drawn(branches)


def _drawn(branches: Sequence[tuple[str, Sequence[str]]]) -> Iterator[str]:
    for place, (title, lines) in enumerate(branches):
        last = place == len(branches) - 1
        yield f"{'└─' if last else '├─'} {title}"
        for each, line in enumerate(lines):
            yield f"{'  ' if last else '│ '} {'└─' if each == len(lines) - 1 else '├─'} {line}"


def _version(descent: Descent) -> str:
    if descent.version is None:
        return "run that was never registered"
    serves = any(each.until is None for each in descent.services)
    return f"version {descent.version}{', which serves' if serves else ''}"


def _batches(descent: Descent) -> Iterator[str]:
    for title, used in (
        ("trained on", [each for each in descent.batches if each.trained]),
        ("judged on", [each for each in descent.batches if each.judged and not each.trained]),
        ("beside", [each for each in descent.batches if not each.trained and not each.judged]),
    ):
        if used:
            yield f"{title} {_named(used)}"


def _named(batches: Sequence[UsedBatch]) -> str:
    names = [_batch(each) for each in batches[-BATCHES:]]
    more = len(batches) - len(names)
    return f"{f'{more} older batches, ' if more else ''}{', '.join(names)}"


def _batch(batch: UsedBatch) -> str:
    return f"{batch.name} ({short(batch.raw) or 'untracked'}{f', {batch.erased}' if batch.erased else ''})"


def _commit(descent: Descent, commits: dict[str, CommitFacts]) -> Iterator[str]:
    if not descent.commit:
        yield "a commit that is not known"
        return
    found = commits.get(descent.commit)
    if found is None:
        yield f"commit {short(descent.commit)}, which this clone does not have: git fetch"
        return
    yield f"commit {short(descent.commit)} {found.subject!r} by {found.author}, {found.time[:10]}"
    yield ", ".join(f"{path} {short(blob)}" for path, blob in found.parts.items())


def _run(descent: Descent) -> Iterator[str]:
    yield f"fingerprint {short(descent.fingerprint)}"
    if descent.model_digest:
        yield f"model {short(descent.model_digest)}"
    if descent.metrics:
        first = sorted(descent.metrics.items())[:3]
        yield ", ".join(f"{name} {value:.6g}" for name, value in first)


def _decision(descent: Descent) -> Iterator[str]:
    yield f"compared with {f'version {descent.compared_with}' if descent.compared_with else 'the baseline'}"
    yield descent.decided


def _way(descent: Descent) -> Iterator[str]:
    if descent.registered:
        signed = f", signed by {descent.signed_by}" if descent.signed_by else ""
        yield f"registered {descent.registered}{signed}"
    for each in descent.words:
        yield f"{each.kind} {each.time} by {each.actor}: {each.reason}"
    if descent.authors:
        yield f"made by {', '.join(descent.authors)}"


def _service(service: Service) -> str:
    return (
        f"{service.since} to {until_words(service.until)}, {service.kind} by {service.actor} (entry {service.sequence})"
    )


def _line(descent: Descent) -> str:
    parts: Iterable[str] = (
        f"v{descent.version}" if descent.version else "-",
        f"run {short(descent.run_id)}",
        f"commit {short(descent.commit) or '?'}",
        descent.verdict or "?",
        "; ".join(f"{each.since[:10]} to {until_words(each.until)[:10]}" for each in descent.services)
        or "never served",
    )
    return "  " + "  ".join(parts)
