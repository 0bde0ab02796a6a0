"""Features as another version of the room makes them, in a process of its own.

A champion expects the features of the room it was trained with. If the room has changed since, the two versions
cannot be imported side by side, so the older one runs here: `python -m ratchet.io.other_room`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ratchet.core.manifest import digest_of
from ratchet.errors import DataRefused
from ratchet.io import files
from ratchet.io.room import build_function, room_files
from ratchet.io.tables import read_frame, write_frame

if TYPE_CHECKING:
    import pandas as pd

ROWS, LOOKUPS, FEATURES = "rows.parquet", "lookups", "features.parquet"


def same_room(one: Path, other: Path) -> bool:
    """Whether two folders hold the same code and the same schema."""
    return _sources(one) == _sources(other)


def room_digest(folder: Path) -> str:
    """SHA-256 over the code and the schema of the room in `folder`."""
    return digest_of(_sources(folder))


def other_features(home: Path, room: str, rows: pd.DataFrame, lookups: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """What `build` of the room at `home/src/<room>` makes of `rows`.

    Raises DataRefused with its last words if it cannot.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_frame(folder / ROWS, rows)
        for lookup, table in lookups.items():
            write_frame(folder / LOOKUPS / f"{lookup}.parquet", table)
        done = subprocess.run(
            [sys.executable, "-m", "ratchet.io.other_room", str(home), room, str(folder)],
            # No bytecode: the other room lies in a sealed folder, where a file more is a file too many.
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise DataRefused(
                f"the feature function that this model was trained with cannot read these rows: {last}",
                next_step="keep the columns it needs, or compare with a model that can read them",
            )
        return read_frame(folder / FEATURES)


def _sources(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): files.digest(path) for path in room_files(folder)}


def main(home: Path, room: str, folder: Path) -> None:
    """Read the tables, build the features, write them."""
    lookups = {path.stem: read_frame(path) for path in sorted((folder / LOOKUPS).glob("*.parquet"))}
    write_frame(folder / FEATURES, build_function(home, room)(read_frame(folder / ROWS), lookups))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
