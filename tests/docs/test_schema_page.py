"""docs/schema.md shows what the commands print, and says what the code does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ratchet.cli.app import app
from ratchet.core.schema_inference import columns, keys
from ratchet.core.schema_proposal.faults import ADJUSTABLE
from ratchet.core.schema_proposal.propose import CHANGES

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "schema.md").read_text(encoding="utf-8")
BLOCK = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```', re.MULTILINE | re.DOTALL)
SHOWN: dict[str, str] = dict(BLOCK.findall(PAGE))
OWN_DATA: dict[str, str] = dict(BLOCK.findall((ROOT / "docs" / "your-own-data.md").read_text(encoding="utf-8")))
APRIL = {
    "random.seed(7)": "random.seed(11)",
    "month in (1, 2, 3)": "month in (4,)",
    "order = 0": "order = 5000",
    '"scooter"])': '"scooter", "moped"])',
    '"scooter": 2.5': '"scooter": 2.5, "moped": 2.4',
    "random.uniform(0.2, 8)": "random.uniform(0.2, 8) if order % 50 else 13.7",
}


def _typed(start: str) -> str:
    return next(title for title in SHOWN if title.startswith(start))


def test_the_example_is_what_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inferring from the deliveries, and proposing for a fourth month, give the blocks of the page to the letter."""
    monkeypatch.chdir(tmp_path)
    script = OWN_DATA["make_deliveries.py"]
    april = script
    for old, new in APRIL.items():
        assert old in april
        april = april.replace(old, new)
    for code in (script, april):
        subprocess.run([sys.executable, "-c", code], check=True)
    inferred = CliRunner().invoke(app, _typed("ratchet schema infer").split()[1:])
    assert (inferred.stdout, inferred.stderr) == (SHOWN[_typed("ratchet schema infer")], SHOWN["notes"])
    room = tmp_path / "src" / "deliveries"
    room.mkdir(parents=True)
    (room / "schema.yaml").write_text(inferred.stdout, encoding="utf-8")
    (tmp_path / "params.yaml").write_text(OWN_DATA["params.yaml"], encoding="utf-8")
    proposed = CliRunner().invoke(app, _typed("ratchet schema propose").split()[1:])
    assert (proposed.exit_code, proposed.stdout) == (0, SHOWN[_typed("ratchet schema propose")])


def test_the_table_of_proposals_has_every_adjustable_rule() -> None:
    """Each rule that is answered by a change has its place in the table, and no other has."""
    _, _, rest = PAGE.partition("| refused for |")
    rows = [row for row in rest.partition("\n\n")[0].splitlines() if row.startswith("|")]
    named = {rule for row in rows for rule in re.findall(r"`([a-z-]+)`", row.split("|")[1])}
    assert named == set(CHANGES) == ADJUSTABLE


def test_numbers_on_the_page_are_those_of_the_code() -> None:
    """The limits of inference are said as they are."""
    assert f"at most {columns.MOST_VALUES} values" in PAGE
    assert f"in {columns.ROWS_PER_VALUE} rows or more" in PAGE
    assert f"{keys.MOST_TRIES:,} sets are tried" in PAGE
