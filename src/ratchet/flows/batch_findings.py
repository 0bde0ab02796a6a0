"""What validation says of the batches of a change: findings of those whose report is another than the base's."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ratchet.core.change.records import BatchFinding
from ratchet.core.manifest import Manifest
from ratchet.errors import ServiceFailed
from ratchet.io import layout
from ratchet.io.batches import UnitStore
from ratchet.io.revision import Revision
from ratchet.io.unit_manifest import MANIFEST
from ratchet.io.validated import REPORT, Validated

if TYPE_CHECKING:
    from ratchet.io.ingested import Repo


def batch_findings(root: Path, repo: Repo, base: Revision) -> tuple[BatchFinding, ...]:
    """The findings of each batch that the base does not have, or validated otherwise; the batches in time order.

    Where the base's reports are nowhere, all batches are looked at. Raises TamperedFile.
    """
    validated, known = Validated(root), _reports(_manifest_of(repo, base))
    reports = _reports(validated.store.manifest())
    return tuple(
        BatchFinding(batch=unit, finding=finding)
        for unit, digest in sorted(reports.items())
        if known.get(unit) != digest
        for finding in validated.report(unit).findings
    )


def _manifest_of(repo: Repo, base: Revision) -> Manifest:
    if layout.VALIDATION not in base.outs():
        return Manifest()
    with tempfile.TemporaryDirectory() as name:
        try:
            base.fetch(repo, [f"{layout.VALIDATION}/{MANIFEST}"], Path(name))
        except ServiceFailed:
            return Manifest()
        return UnitStore(Path(name) / layout.VALIDATION).manifest()


def _reports(manifest: Manifest) -> dict[str, str]:
    """The digest of each unit's report."""
    return {unit: recorded.files[REPORT] for unit, recorded in manifest.units.items() if REPORT in recorded.files}
