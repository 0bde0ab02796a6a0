"""What a sealed decision of the past keeps back: where it is, and from when on it may be told."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ratchet.core.decision import Decision, Seal
from ratchet.core.deliveries import without_late
from ratchet.core.past import read_past
from ratchet.core.replay import SealedFiles
from ratchet.errors import ServiceFailed, TamperedFile
from ratchet.flows.past_decisions import Found, commit_of
from ratchet.io import dvc, layout, sealed
from ratchet.io.revision import Revision
from ratchet.settings import Settings

HEAD = "HEAD"


def kept_back(settings: Settings, found: Found) -> SealedFiles | None:
    """The files of a sealed decision, from here or from DVC's cache or remote; None if they are nowhere.

    They are those that lie there, whether or not the seal was made of them.
    """
    seal = found.past.decision.seal if found.past.decision else None
    if seal is None:
        return None
    near = _read(settings.root)
    if near is not None and near.belong_to(seal):
        return near
    commit = commit_of(settings.root, found)
    return _fetched(settings, commit) if commit else None


def consumed(root: Path, seal: Seal) -> bool:
    """Whether the sealed batches train by now: the decision that HEAD holds is of newer rows, and of them as training.

    What is only in the work tree does not count.
    """
    text = Revision(root, HEAD).text(layout.DECISION)
    newer = read_past(text).decision if text else None
    if newer is None or newer.evidence.provenance is None:
        return False
    judging = {without_late(name) for name in newer.evidence.holdout}
    trained = {without_late(name) for name in newer.evidence.provenance.trained_on}
    batches = {without_late(name) for name in seal.batches}
    return batches <= trained and not batches & judging


def opened(settings: Settings, found: Found) -> Decision | None:
    """The whole of a sealed decision whose rows are consumed; None while they are sealed, or if it is nowhere.

    Raises TamperedFile if what was kept is not what the seal was made of.
    """
    decision = found.past.decision
    if decision is None or decision.seal is None or not consumed(settings.root, decision.seal):
        return None
    files = kept_back(settings, found)
    if files is None:
        return None
    if not files.belong_to(decision.seal):
        raise TamperedFile(
            f"{layout.SEALED} of {found.name} is not what its seal was made of",
            next_step="ratchet gate replay says what differs",
        )
    return read_past(files.decision).decision


def _fetched(settings: Settings, commit: str) -> SealedFiles | None:
    revision = Revision(settings.root, commit)
    paths = [f"{layout.SEALED}/{name}" for name in (sealed.EVIDENCE, sealed.DECISION)]
    if not set(paths) <= set(revision.outs()):
        return None
    with tempfile.TemporaryDirectory() as folder:
        try:
            with dvc.project(settings.root, settings.dvc_remote) as repo:
                revision.fetch(repo, paths, Path(folder))
        except ServiceFailed:
            return None
        return _read(Path(folder))


def _read(root: Path) -> SealedFiles | None:
    folder = root / layout.SEALED
    try:
        return SealedFiles(
            evidence=(folder / sealed.EVIDENCE).read_bytes(), decision=(folder / sealed.DECISION).read_bytes()
        )
    except OSError:
        return None
