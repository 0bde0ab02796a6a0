"""`ratchet data diff` on a million rows, against a bare polars join: `python -m benchmarks.data_diff`.

    python -m benchmarks.data_diff [--rows 1000000] [--rounds 5] [--threads 1] [--shuffled]

Rows are the flights, repeated in later years until there are enough: 19 columns. The second version has 1 % of its rows
edited, 0.5 % added and 0.5 % removed. The bare join is a full outer join on the key with a count of the rows in which
any column differs: no counts by column, no types, no duplicates in order, no labels, no categories, no examples.
In-process both get tables in memory; as commands both start Python and read two Parquet files. Rounds are interleaved,
and the ratio is the median over rounds. The exit code is 1 if a ratio is beyond the goal, or if the counts differ from
what was planted.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

GOAL = 3.0
KEY = ["time_hour", "carrier", "flight"]
REPOSITORY = Path(__file__).resolve().parents[1]
PLAIN = "import sys; from benchmarks.data_diff import plain; plain(*sys.argv[1:])"


@dataclass(frozen=True)
class Used:
    """CPU seconds, seconds on the wall, and the most memory held, in MB."""

    cpu: float
    wall: float
    memory: float


def versions(rows: int, *, shuffled: bool) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Two versions of a table of flights, each with a key of its own."""
    import numpy as np
    import polars as pl

    from ratchet.flows.look import frames

    year = pl.concat([pl.from_pandas(tables["rows"]) for _, tables in frames(Path(__file__).parents[1])]).unique(
        KEY, keep="first"
    )
    parts = [
        year.with_columns(pl.col("time_hour").dt.offset_by(f"{364 * number}d"), pl.col("year") + number)
        for number in range(-(-rows // len(year)))
    ]
    before = pl.concat(parts).unique(KEY, keep="first", maintain_order=True).head(rows)
    random = np.random.default_rng(0)
    kept = before[np.sort(random.permutation(rows)[rows // 200 :])]
    edited = np.zeros(len(kept), dtype=bool)
    edited[random.permutation(len(kept))[: rows // 100]] = True
    late = pl.when(pl.Series(edited)).then(pl.col("arr_delay").fill_null(0) + 30).otherwise("arr_delay")
    new = before.sample(rows // 200, seed=1).with_columns(pl.col("flight") + 10_000)
    after = pl.concat([kept.with_columns(late.alias("arr_delay")), new])
    return before, after.sample(fraction=1, shuffle=True, seed=2) if shuffled else after


def bare(before: pl.DataFrame, after: pl.DataFrame) -> tuple[int, int, int]:
    """Rows added, removed and edited: one join, one count."""
    import polars as pl

    rest = [name for name in after.columns if name not in KEY]
    joined = before.with_columns(old=True).join(
        after.with_columns(new=True), on=KEY, how="full", nulls_equal=True, suffix="_new"
    )
    edits = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_new")) for name in rest)
    both = pl.col("old").is_not_null() & pl.col("new").is_not_null()
    row = joined.select(
        pl.col("old").is_null().sum(), pl.col("new").is_null().sum(), (both & edits).sum().alias("edited")
    ).row(0)
    return row[0], row[1], row[2]


def ours(before: pl.DataFrame, after: pl.DataFrame) -> tuple[int, int, int]:
    """The same, and all else that the command says: columns, categories, labels, examples."""
    from flights.features import label
    from ratchet.core.change.data import category_changes, diff_tables, table_change
    from ratchet.core.change.data_examples import examples
    from ratchet.flows.label_flips import edited_labels

    diff = diff_tables(before, after, KEY)
    labels = edited_labels(label, diff)
    if isinstance(labels, str):
        raise TypeError(labels)
    change = table_change("million", "rows", diff, label_flips=labels.flips)
    category_changes(diff)
    examples(diff, 3, labels=(labels.before, labels.after, labels.flipped))
    return change.rows_added, change.rows_removed, change.rows_edited


def plain(one: str, other: str) -> None:
    """The bare join as a script of its own: two Parquet files, one line of counts."""
    import polars as pl

    print(bare(pl.read_parquet(one), pl.read_parquet(other)))


def write(files: Sequence[str], rows: int, shuffled: bool) -> None:
    """Write both versions as Parquet."""
    for table, path in zip(versions(rows, shuffled=shuffled), files, strict=True):
        table.write_parquet(path)


def in_process(files: Sequence[str], rounds: int) -> float:
    """The median ratio of CPU seconds; prints both sides. Raises ValueError if the counts are not those planted."""
    import polars as pl

    before, after = (pl.read_parquet(path) for path in files)
    planted = (len(before) // 200, len(before) // 200, len(before) // 100)
    pairs = []
    for _ in range(rounds):
        seconds = []
        for way in (bare, ours):
            begun = time.process_time()
            if way(before, after) != planted:
                raise ValueError(f"{way.__name__} says {way(before, after)} of {planted}")
            seconds.append(time.process_time() - begun)
        pairs.append(seconds)
    return _told("in process", [(other, one) for one, other in pairs], "CPU s")


def as_commands(files: Sequence[str], rounds: int) -> float:
    """The median ratio of CPU seconds of two processes, with their imports and files; prints both and their memory."""
    pairs = [
        (_used([sys.executable, "-m", "ratchet", "data", "diff", *files]), _used([sys.executable, "-c", PLAIN, *files]))
        for _ in range(rounds)
    ]
    memory = [max(each.memory for each in side) for side in zip(*pairs, strict=True)]
    _told("as commands", [(one.wall, other.wall) for one, other in pairs], "s on the wall")
    print(f"as commands: at most {memory[0]:,.0f} MB against {memory[1]:,.0f} MB")
    return _told("as commands", [(one.cpu, other.cpu) for one, other in pairs], "CPU s")


def _used(command: Sequence[str]) -> Used:
    environment = {**os.environ, "PYTHONPATH": f"{REPOSITORY / 'src'}:{REPOSITORY}"}
    begun = time.perf_counter()
    process = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} exited with {process.returncode}")
    return Used(used.ru_utime + used.ru_stime, time.perf_counter() - begun, used.ru_maxrss / 1024)


def _told(name: str, pairs: Sequence[tuple[float, float]], unit: str) -> float:
    ratio = statistics.median(one / other for one, other in pairs)
    mine, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    print(f"{name}: data diff {mine:.2f} {unit}, bare join {theirs:.2f} {unit}, ratio {ratio:.2f} (goal {GOAL:g})")
    return ratio


def main() -> int:
    """Measure; returns the exit code."""
    parser = argparse.ArgumentParser(description="data diff against a bare polars join.")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1, help="of polars, on both sides")
    parser.add_argument("--shuffled", action="store_true", help="the second version in another order of rows")
    asked = parser.parse_args()
    os.environ["POLARS_MAX_THREADS"] = str(asked.threads)
    with tempfile.TemporaryDirectory(prefix="ratchet-bench-") as folder:
        files = [str(Path(folder) / name) for name in ("before.parquet", "after.parquet")]
        # A process counts as its own what its parent held when it was started: the tables are made by another one.
        maker = multiprocessing.get_context("spawn").Process(target=write, args=(files, asked.rows, asked.shuffled))
        maker.start()
        maker.join()
        if maker.exitcode:
            raise RuntimeError(f"the tables could not be written: exit code {maker.exitcode}")
        ratios = [as_commands(files, asked.rounds), in_process(files, asked.rounds)]
    return 0 if max(ratios) <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
