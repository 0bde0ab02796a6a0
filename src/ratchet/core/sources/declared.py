"""The `data` section of `params.yaml`: where the rows and the lookups come from, and when a batch is complete."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Annotated, Literal
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from ratchet.core.section import Section

Kind = Literal["files", "sql", "package", "callable"]
Format = Literal["csv", "jsonl", "parquet"]
VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]

BATCH = "{batch}"
"""In a path: the part of it that is the batch's name."""

NEEDS: dict[Kind, tuple[str, ...]] = {
    "files": ("path",),
    "sql": ("url_env", "query"),
    "package": ("distribution", "path"),
    "callable": ("collect",),
}
TAKES: dict[Kind, tuple[str, ...]] = {
    "files": ("format", "header_env", "time", "arrived"),
    "sql": ("time", "arrived"),
    "package": ("format", "time", "arrived"),
    "callable": ("standing",),
}
"""What each kind must have, and what it may have as well."""

SECRET_KEY = re.compile(r"token|secret|signature|password|passwd|credential|api-?_?key|^sig$|^key$", re.IGNORECASE)
PASSWORD = re.compile(r"\w+://(?![^/@:]*(:\d+)?/)[^@]*:.*@")
"""user:password@ after the protocol, where no host has ended yet; also a password that should have been quoted."""
UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def _no_password(path: str | list[str]) -> str | list[str]:
    for each in [path] if isinstance(path, str) else path:
        if PASSWORD.match(each) or any(SECRET_KEY.search(key) for key, _ in parse_qsl(urlsplit(each).query)):
            raise ValueError(
                "a URL with a password or a token in it does not belong into a file; "
                "give it by the environment: AWS_* variables, or header_env"
            )
    return path


def _as_written(name: object) -> object:
    """YAML reads 2013 as a number and 2013-07-04 as a date: here both are names."""
    return str(name) if isinstance(name, (int, date)) and not isinstance(name, (bool, datetime)) else name


class Source(Section):
    """Where one table comes from. `kind` says which of the other keys it needs."""

    kind: Kind = Field(description="files, sql (a query), package (files of an installed one) or callable (a function)")
    path: Annotated[str | list[str], AfterValidator(_no_password)] = Field(
        default="", description="files: paths, globs or URLs; package: a file of it. `{batch}` is the batch's name"
    )
    format: Format | None = Field(default=None, description="what the files hold; by default, as their names end")
    header_env: dict[str, VariableName] = Field(
        default_factory=dict, description="HTTP headers, and the variable that holds the value of each"
    )
    url_env: str = Field(default="", description="sql: the variable that holds the database's URL")
    query: str = Field(default="", description="sql: a SELECT; `time`, and `arrived`, are columns of its result")
    distribution: str = Field(default="", description="package: its name, as pip knows it")
    collect: str = Field(default="", description="callable: `module:function` of the room")
    standing: str = Field(default="", description="callable: the function for the lookups that stand for all batches")
    time: str = Field(default="", description="the column by which rows are cut; of the rows, schema.yaml's rows.time")
    arrived: str = Field(
        default="", description="the column that says when a row came, or that only grows: it makes late rows known"
    )

    @property
    def paths(self) -> list[str]:
        """The paths as a list."""
        return [self.path] if isinstance(self.path, str) else list(self.path)

    @property
    def named(self) -> bool:
        """Whether a file's name says which batch it belongs to; otherwise rows are cut by time."""
        return any(BATCH in path for path in self.paths)

    @model_validator(mode="after")
    def _keys_of_its_kind(self) -> Source:
        given = {name for name in self.model_fields_set if getattr(self, name)} - {"kind"}
        missing = [name for name in NEEDS[self.kind] if name not in given]
        foreign = sorted(given - {*NEEDS[self.kind], *TAKES[self.kind]})
        if missing:
            raise ValueError(f"kind {self.kind} needs {' and '.join(missing)}")
        if foreign:
            raise ValueError(f"kind {self.kind} has no {' and no '.join(foreign)}")
        if self.named and not all(BATCH in path for path in self.paths):
            raise ValueError(f"either every path has {BATCH} in it, or none has")
        return self


class Data(Section):
    """Where batches come from, and when a period is complete. See [sources.md](sources.md)."""

    rows: Source = Field(
        default=Source(kind="callable", collect="source:collect", standing="source:standing"),
        description="where the rows come from",
    )
    lookups: dict[str, Source] = Field(default_factory=dict, description="where each lookup comes from, by its name")
    lateness: Annotated[str, Field(pattern=r"^\d+[mhd]$")] = Field(
        default="0h", description="how long after its end a period stays open for rows that come late: 90m, 6h, 3d"
    )
    watermark: Literal["newest", "clock"] = Field(
        default="newest", description="what must have passed a period's end: the newest row's time, or the clock"
    )
    first: Annotated[str | None, BeforeValidator(_as_written)] = Field(
        default=None, description="the oldest batch that is collected, such as 2013-01"
    )

    @property
    def delay(self) -> timedelta:
        """`lateness` as a duration."""
        return timedelta(**{UNITS[self.lateness[-1]]: int(self.lateness[:-1])})

    @model_validator(mode="after")
    def _one_way(self) -> Data:
        if self.rows.kind == "callable" and self.lookups:
            raise ValueError("a callable gives the lookups too: take them out of data.lookups")
        if any(lookup.kind == "callable" for lookup in self.lookups.values()):
            raise ValueError("a lookup is not callable by itself: a function that gives rows gives its lookups too")
        return self
