"""A query on a database, as a source: streamed through a cursor of the server, never all in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ratchet.core.schema import ColumnType
from ratchet.core.sources.batch_source import Reading
from ratchet.core.sources.declared import Source
from ratchet.errors import DataRefused, ServiceFailed, UsageError
from ratchet.io.sources.part import After, Opened, Part
from ratchet.io.sources.secrets import Secrets, required
from ratchet.io.sources.sql_column import column_of

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection

CHUNK_ROWS = 20_000
MARGIN = timedelta(days=2)
"""How much earlier than needed a query begins: a column without a zone may be by any zone's clock."""
DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}


@dataclass(frozen=True, kw_only=True)
class SqlSource:
    """The result of `declared.query`, of which `time` is the column that rows are cut by; `key` orders equal times."""

    declared: Source
    types: Mapping[str, ColumnType]
    time: str
    key: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)

    def parts(self, names: Sequence[str]) -> list[Part]:  # noqa: ARG002 - for web servers
        """The query. Raises UsageError without its variable, ServiceFailed without its database."""
        with self._connected() as connection:
            self._columns(connection)
        return [Part(url=f"sql:{self.declared.url_env}", place="", query=True)]

    def same(self, part: Part, known: Reading) -> bool:  # noqa: ARG002 - for files
        """What a query gives is never known before. See TableSource."""
        return False

    @contextmanager
    def open(self, part: Part, after: After) -> Iterator[Opened]:  # noqa: ARG002 - it is the only one
        """Run the query. See TableSource."""
        digest = hashlib.sha256(self.declared.query.encode()).hexdigest()
        # Who reads may stop half way: the cursor is closed before its connection.
        with self._connected() as connection, closing(self._chunks(connection, after)) as chunks:
            yield Opened(sha256=digest, size=None, chunks=chunks)

    def _chunks(self, connection: Connection, after: After) -> Generator[pa.Table]:
        streamed = {"stream_results": True, "max_row_buffer": CHUNK_ROWS}
        query = self._select(self._columns(connection), after)
        with self._translated(), closing(connection.execute(query, execution_options=streamed)) as result:
            names = list(result.keys())
            for rows in result.partitions(CHUNK_ROWS):
                values = [list(column) for column in zip(*rows, strict=True)]
                columns = [
                    column_of(name, each, self.types.get(name)) for name, each in zip(names, values, strict=True)
                ]
                yield pa.table(columns, names=names)

    def _select(self, columns: Sequence[str], after: After) -> Any:
        """The query as a table, cut to what is wanted, in time order. Values are bound, never pasted."""
        from sqlalchemy import column, or_, select

        query: Any = select(*(column(name) for name in columns)).select_from(self._source())
        wanted = []
        if self.time and after.time:
            wanted.append(column(self.time) >= self._bound(after.time))
            if self.declared.arrived and after.arrived:
                wanted.append(column(self.declared.arrived) >= self._bound(after.arrived))
        ordered = [name for name in (self.time, *self.key) if name in columns]
        return (query.where(or_(*wanted)) if wanted else query).order_by(
            *(column(name) for name in dict.fromkeys(ordered))
        )

    def _bound(self, value: str) -> object:
        """A bound as the database compares it: SQLite keeps times as text, of which any form begins with the day."""
        if value.lstrip("-").isdigit():
            return int(value)
        moment = datetime.fromisoformat(value).astimezone(UTC).replace(tzinfo=None) - MARGIN
        return moment.date().isoformat() if self._url.get_backend_name() == "sqlite" else moment

    def _columns(self, connection: Connection) -> list[str]:
        """The columns of the query. Raises DataRefused if one that is needed is not among them."""
        from sqlalchemy import literal_column, select

        with self._translated():
            nothing: Any = select(literal_column("*")).select_from(self._source()).limit(0)
            with closing(connection.execute(nothing)) as result:
                names = list(result.keys())
        for key, name in (("time", self.time), ("arrived", self.declared.arrived)):
            if name and name not in names:
                raise DataRefused(
                    f"the query has no column {name}, which is its {key}; it has {', '.join(names)}",
                    next_step="select that column too, or name another one under data in params.yaml",
                )
        return names

    def _source(self) -> Any:
        from sqlalchemy import text

        # A colon is no parameter here: times and casts are written with colons. A comment may end the last line.
        query = self.declared.query.strip().rstrip(";").replace(":", r"\:")
        return text(f"({query}\n) AS source")

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        from sqlalchemy import create_engine
        from sqlalchemy.pool import NullPool

        self._require_file()
        with self._translated():
            engine = create_engine(self._url, poolclass=NullPool, hide_parameters=True)
            connection = engine.connect()
        try:
            yield connection
        finally:
            connection.close()
            engine.dispose()

    def _require_file(self) -> None:
        """Raises ServiceFailed if there is no such SQLite file: connecting would make an empty one."""
        place = self._url.database
        if self._url.get_backend_name() == "sqlite" and place and place != ":memory:" and not Path(place).is_file():
            if place.startswith("file:"):
                return
            raise ServiceFailed(
                f"the database of {self.declared.url_env} is not there: no file {place}",
                next_step=f"check the path in the variable {self.declared.url_env}; an absolute one has four slashes",
            )

    @property
    def _url(self) -> URL:
        from sqlalchemy import make_url
        from sqlalchemy.exc import ArgumentError

        text = required(self.environment, self.declared.url_env, where="url_env")
        try:
            url = make_url(text)
        except (ArgumentError, ValueError):
            raise UsageError(
                f"the variable {self.declared.url_env} does not hold a URL of a database",
                next_step="it looks like postgresql://user:password@host:5432/database, or sqlite:////path/to/file",
            ) from None
        if text.partition("?")[0].count("@") > 1:
            # What looks like a host is a part of the password: no message may have it.
            raise UsageError(
                f"the URL in the variable {self.declared.url_env} has a password that is not quoted",
                next_step="write / as %2F, @ as %40, : as %3A and % as %25 in it",
            )
        return url.set(drivername=DRIVERS.get(url.drivername, url.drivername))

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """What the database says, in our words; not chained, because a traceback may show what it was called with."""
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield
        except (SQLAlchemyError, ImportError, UnicodeError) as error:
            said = str(getattr(error, "orig", None) or error).strip()
            raise ServiceFailed(
                f"the database of {self.declared.url_env} did not answer the query: {self._secrets.masked(said)}",
                next_step=f"check the query in params.yaml, and the URL in the variable {self.declared.url_env}",
            ) from None

    @property
    def _secrets(self) -> Secrets:
        url = self._url
        whole = self.environment.get(self.declared.url_env, "")
        return Secrets(tuple(value for value in (whole, url.password, *url.query.values()) if isinstance(value, str)))
