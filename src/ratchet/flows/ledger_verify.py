"""Verifying the ledger: all that can be held against it, and what was looked at."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ratchet.core.erasure import erased_contents, erased_of, erased_words, erasures
from ratchet.core.ledger import champion, models, served
from ratchet.core.ledger_audit import audit
from ratchet.core.ledger_entries import Entry, Line, RegistrationEntry
from ratchet.core.params import Params
from ratchet.errors import RatchetError, TamperedFile
from ratchet.flows.fetch_model import fetch_model
from ratchet.flows.ledger import ledger
from ratchet.flows.version_evidence import MANIFEST
from ratchet.io import files, layout
from ratchet.io.ledger import LedgerBranch
from ratchet.io.mlflow import Tracking, tracking
from ratchet.io.pointers import tracked_digests
from ratchet.io.room import read_params
from ratchet.io.signature import read_keyring
from ratchet.io.signed_model import EVIDENCE
from ratchet.settings import Settings


@dataclass(frozen=True)
class Check:
    """One thing that was looked at, what was found, and what is wrong with it."""

    name: str
    said: str
    problems: tuple[str, ...] = ()


def verify(settings: Settings, *, deep: bool = False, accept: bool = False) -> Iterator[Check]:
    """Look at everything, one check after the other; each is there once it is done.

    `deep` fetches what MLflow keeps of each version that was ever registered. `accept` takes the branch as it is, if
    its chain holds, and forgets what this clone has seen otherwise. Raises ServiceFailed; and TamperedFile if the
    chain does not hold: then nothing that is in it can be believed.
    """
    params = read_params(settings.root)
    branch = ledger(settings, params)
    head = branch.head()
    entries = branch.read_at(head)
    last = entries[-1].hash if entries else "none"
    about = f"{len(models(entries))} models" if len(models(entries)) > 1 else params.project.name
    yield Check("chain", f"{len(entries):,} entries in {branch.segments(head):,} segments, about {about}; head {last}")
    yield _seen(branch, head, accept=accept)
    yield _phases(entries)
    yield _alias(settings, params, entries)
    if erasures(entries, params.project.name):
        yield _erased(settings, params, entries)
    if deep:
        yield from _kept(settings, params, entries)


def _seen(branch: LedgerBranch, head: str | None, *, accept: bool) -> Check:
    """What this clone has seen must still be there, and its index must say what the branch says."""
    before = branch.remembered()
    name = "this clone"
    try:
        if accept:
            branch.accept()
        branch.read()
    except TamperedFile as error:
        return Check(name, f"has seen {len(before):,} entries", (error.message,))
    if not accept and (wrong := branch.misplaced(head)):
        return Check(name, f"has seen {len(before):,} entries", (wrong,))
    lost = len(set(before) - set(branch.remembered())) if accept else 0
    if lost:
        return Check(name, f"had seen {lost:,} entries that the branch does not have: they are forgotten")
    return Check(name, f"has seen {len(before):,} entries before, and all are there")


def _phases(entries: Sequence[Line]) -> Check:
    found = audit(entries)
    registered = found.promotions - found.unregistered
    said = f"{registered:,} promotions had passed theirs by the entries before them"
    if found.unregistered:
        said += f"; {found.unregistered:,} are of before versions were registered"
    if found.problems:
        said = f"{found.promotions:,} promotions were looked at"
    return Check("phases", said, tuple(found.problems))


def _alias(settings: Settings, params: Params, entries: Sequence[Line]) -> Check:
    serving = champion(entries, params.project.name)
    with tracking(settings.mlflow_uri, params.project.name) as store:
        alias = store.alias(params.promotion.alias)
    if alias == (serving.version if serving else None):
        return Check("alias", f"{params.promotion.alias} points to what serves: {_version(alias)}")
    return Check(
        "alias",
        f"the ledger says {_version(serving.version if serving else None)}",
        (f"{params.promotion.alias} points to {_version(alias)}: ratchet reconcile",),
    )


def _erased(settings: Settings, params: Params, entries: Sequence[Line]) -> Check:
    """Nothing that was erased is tracked again."""
    names = erased_contents(entries, params.project.name)
    again = erased_of(entries, params.project.name, tracked_digests(settings.root))
    problems = (f"batch {name} is tracked, and was {erased_words(entry)}" for name, entry in again.items())
    return Check("erased", f"{', '.join(names)}: looked for among the batches that are tracked here", tuple(problems))


def _version(number: int | None) -> str:
    return f"version {number}" if number is not None else "nothing"


def _kept(settings: Settings, params: Params, entries: Sequence[Line]) -> Iterator[Check]:
    """Of each version of this model: the model's seal and signature, the decision, and the manifest."""
    model = params.project.name
    known: dict[int, Entry | RegistrationEntry] = {entry.version: entry for entry in served(entries, model)}
    known |= {each.version: each for each in entries if isinstance(each, RegistrationEntry) and each.model == model}
    signed = "seal and signature" if read_keyring(settings.root).required else "seal (no key in keys/: unsigned)"
    with tracking(settings.mlflow_uri, model) as store:
        for version, entry in sorted(known.items()):
            problems = _problems(settings, params, store, entry)
            yield Check(f"version {version}", f"{signed}, decision and manifest as MLflow keeps them", tuple(problems))


def _problems(settings: Settings, params: Params, store: Tracking, entry: Entry | RegistrationEntry) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as name:
        try:
            folder = Path(name) / "model"
            folder.mkdir()
            fetch_model(settings, params, run_id=entry.run_id, seal=entry.seal, into=folder)
            decision = store.fetch(entry.run_id, f"decision/{Path(layout.DECISION).name}", Path(name))
            if files.digest(decision) != entry.decision_digest:
                yield f"the decision of run {entry.run_id} is not the one that the ledger names"
            if isinstance(entry, RegistrationEntry) and entry.manifest:
                manifest = store.fetch(entry.run_id, f"{EVIDENCE}/{MANIFEST}", Path(name))
                if files.digest(manifest) != entry.manifest:
                    yield f"the manifest of run {entry.run_id} is not the one that the ledger names"
        except RatchetError as error:
            yield error.message
