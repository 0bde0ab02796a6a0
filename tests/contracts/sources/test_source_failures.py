"""What goes wrong at a source is said in our words, with the next step, without credentials, and nothing is taken."""

from __future__ import annotations

import gzip
import traceback
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ratchet.core.sources.declared import Data, Source
from ratchet.core.sources.taken import Taken
from ratchet.errors import BatchRefused, DataRefused, RatchetError, ServiceFailed, UsageError
from ratchet.io.sources.batch import Left, Wanted
from ratchet.io.sources.function import FunctionSource

NOW = datetime(2024, 6, 1, tzinfo=UTC)
ROWS = b"id,sold\n1,2024-01-03T10:00:00\n2,2024-01-04 11:30:00\n3,2024-02-01\n"
HIDDEN = "hush/hush"
"""A credential that no message and no traceback may have."""

Offers = Callable[..., dict[str, list[int]]]


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.csv.zip", "a.jsonl", "a.txt"])
def test_formats_are_known_by_their_names_or_as_declared(offers: Offers, tmp_path: Path, name: str) -> None:
    """CSV, plain or packed, JSON lines, and what params.yaml says of a file that is called otherwise."""
    lines = (
        b'{"id": 1, "sold": "2024-01-03T10:00:00"}\n{"id": 2, "sold": "2024-01-04"}\n{"id": 3, "sold": "2024-02-01"}\n'
    )
    if name.endswith(".zip"):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("rows.csv", ROWS)
    else:
        content = lines if name.endswith("jsonl") else ROWS
        (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    declared = {"format": "csv"} if name.endswith("txt") else {}
    assert offers({"kind": "files", "path": name, **declared}) == {"2024-01": [1, 2], "2024-02": [3]}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Empty CSV file"),
        (b"id,sold\n1,2024-01-03\n2\n", "Expected 2 columns, got 1"),
        (b"id,sold\n1,tomorrow\n", "no value of sold can be read as a time"),
        (b"id,sold,sold\n1,2024-01-03,2024-01-04\n", "has more than one column sold"),
        (b"id,when\n1,2024-01-03\n", "has no column sold, by which rows are taken; it has id, when"),
        (b"\x1f\x8b\x08\x00half", "cannot be read"),
        (b"PK\x03\x04half", "cannot be read"),
    ],
)
def test_a_file_that_is_no_table_is_refused(offers: Offers, tmp_path: Path, content: bytes, said: str) -> None:
    """It is named, with what is wrong with it."""
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(DataRefused, match=said) as refused:
        offers({"kind": "files", "path": "*.csv"})
    assert "a.csv" in refused.value.message
    assert refused.value.next_step


def test_a_text_of_several_lines_stays_one_value(
    offers: Offers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a block of the file ends within it."""
    from ratchet.io.sources import readers

    monkeypatch.setattr(readers, "BLOCK", 100)
    lines = [f'{number},2024-01-03,"first\nsecond {number}"\n' for number in range(50)]
    (tmp_path / "a.csv").write_text("id,sold,note\n" + "".join(lines), encoding="utf-8")
    found = offers({"kind": "files", "path": "a.csv"}, columns={"note": "string"})
    assert found == {"2024-01": list(range(50))}


def test_an_empty_batch_is_refused_by_its_name(offers: Offers, tmp_path: Path) -> None:
    """A file with a header and no rows is no batch, and the one before it is offered first."""
    (tmp_path / "2024-01.csv").write_bytes(ROWS)
    (tmp_path / "2024-02.csv").write_bytes(b"id,sold\n")
    with pytest.raises(BatchRefused, match=r"batch 2024-02 is refused:\n.*has no rows"):
        offers({"kind": "files", "path": "{batch}.csv"})


def test_two_files_with_the_name_of_one_batch_are_refused(offers: Offers, tmp_path: Path) -> None:
    """Which of them is it? Both are named."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "2024-01.csv").write_bytes(ROWS)
    with pytest.raises(DataRefused, match=r"two files are batch 2024-01: a/2024-01\.csv and b/2024-01\.csv"):
        offers({"kind": "files", "path": "*/{batch}.csv"})


def test_no_file_is_not_nothing_new(offers: Offers) -> None:
    """A pattern that finds nothing is wrong, rather than a quiet success."""
    with pytest.raises(DataRefused, match="no file is there by this pattern"):
        offers({"kind": "files", "path": "exports/*.csv"})


def test_a_row_without_a_time_stays_with_its_neighbours(offers: Offers, tmp_path: Path) -> None:
    """It is not lost on the way: validation finds it in the batch."""
    (tmp_path / "a.csv").write_bytes(b"id,sold\n1,2024-01-03\n2,\n3,soon\n4,2024-02-01\n")
    assert offers({"kind": "files", "path": "a.csv"}) == {"2024-01": [1, 2, 3], "2024-02": [4]}


def test_a_download_that_breaks_off_is_not_taken(offers: Offers, web: Any) -> None:
    """Half a file is a failure of the source, not a small batch."""
    (web.folder / "a.csv").write_bytes(ROWS)
    web.broken.add("/a.csv")
    with pytest.raises(ServiceFailed, match=r"a\.csv (broke off|cannot be read)"):
        offers({"kind": "files", "path": f"{web.url}/a.csv"})


def test_a_file_that_changes_while_it_is_read_is_not_taken(offers: Offers, web: Any) -> None:
    """What is there afterwards must be what was there before."""
    (web.folder / "a.csv").write_bytes(ROWS)
    web.meanwhile["/a.csv"] = lambda: (web.folder / "a.csv").write_bytes(ROWS + b"4,2024-02-02\n")
    with pytest.raises(ServiceFailed, match=r"a\.csv changed while it was read"):
        offers({"kind": "files", "path": f"{web.url}/a.csv"})


def test_a_file_that_vanishes_while_it_is_read_is_not_taken(offers: Offers, web: Any) -> None:
    """The same, where nothing is there afterwards."""
    (web.folder / "a.csv").write_bytes(ROWS)
    web.meanwhile["/a.csv"] = (web.folder / "a.csv").unlink
    with pytest.raises(ServiceFailed, match=r"a\.csv (changed|is gone)"):
        offers({"kind": "files", "path": f"{web.url}/a.csv"})


def test_a_file_that_is_not_there_is_named(offers: Offers, web: Any) -> None:
    """An explicit URL has to be there."""
    with pytest.raises(ServiceFailed, match=r"/none\.csv is not there"):
        offers({"kind": "files", "path": f"{web.url}/none.csv"})


@pytest.mark.parametrize(("first", "meant"), [(2024, "2024"), (date(2024, 7, 4), "2024-07-04"), ("2024-07", "2024-07")])
def test_the_first_batch_may_be_what_yaml_makes_of_its_name(first: object, meant: str) -> None:
    """Years and days are numbers and dates to YAML, and names here."""
    assert Data.model_validate({"first": first}).first == meant


def test_a_web_server_has_no_listing(offers: Offers, web: Any) -> None:
    """A glob over HTTP is refused with what to write instead; `{batch}` needs to know where to begin."""
    with pytest.raises(UsageError, match="a web server does not say which files it has"):
        offers({"kind": "files", "path": f"{web.url}/*.csv"})
    with pytest.raises(UsageError, match=r"data\.first"):
        offers({"kind": "files", "path": f"{web.url}/{{batch}}.csv"})


def test_a_server_that_does_not_answer_is_said(offers: Offers) -> None:
    """Nobody listens on port 9."""
    with pytest.raises(ServiceFailed, match=r"http://127\.0\.0\.1:9/a\.csv cannot be read"):
        offers({"kind": "files", "path": "http://127.0.0.1:9/a.csv"})


def test_a_wrong_token_is_said_without_it(offers: Offers, web: Any) -> None:
    """The server says no; the message names the file, not the token."""
    (web.folder / "private").mkdir()
    (web.folder / "private" / "a.csv").write_bytes(ROWS)
    declared = {"kind": "files", "path": f"{web.url}/private/a.csv", "header_env": {"Authorization": "TOKEN"}}
    for value in (HIDDEN, f"Bearer {HIDDEN}"):
        _fails_quietly(partial(offers, declared, {"TOKEN": value}), says="may not be read: 401")
    with pytest.raises(UsageError, match="the variable TOKEN is not set"):
        offers(declared)


@pytest.mark.slow
def test_a_wrong_key_of_an_object_store_is_said_without_it(offers: Offers, object_store: Any) -> None:
    """The store says no; neither key is in the message or in the traceback."""
    wrong = {**object_store.environment, "AWS_SECRET_ACCESS_KEY": HIDDEN}
    declared = {"kind": "files", "path": "s3://shop/none/*.csv"}
    _fails_quietly(lambda: offers(declared, wrong), says="may not be read")
    with pytest.raises((DataRefused, ServiceFailed), match="s3://shop/none"):
        offers(declared, object_store.environment)


@pytest.mark.parametrize(
    "path",
    [f"https://ana:{HIDDEN}@example.org/a.csv", f"https://example.org/a.csv?token={HIDDEN}"],
)
def test_a_url_with_credentials_is_refused_and_not_repeated(offers: Offers, path: str) -> None:
    """Files are read by everybody: params.yaml may not have them."""
    _fails_quietly(lambda: offers({"kind": "files", "path": path}), says="does not belong into a file")


FRAME = pd.DataFrame({"id": [1]})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "gave NoneType, which is no batch"),
        ([3], "gave int, which is no batch"),
        ([("2024-01", FRAME)], r"gave \(str, DataFrame\), which is no batch"),
        ([("2024-01", {"rows": "s3cret"})], r"gave \(str, {rows: str}\), which is no batch"),
        ([("2024-01", {"shops": FRAME})], r"gave \(str, {shops: DataFrame}\), which is no batch"),
        ([("2024-02", {"rows": FRAME}), ("2024-01", {"rows": FRAME})], "gave batch 2024-01 after 2024-02"),
    ],
)
def test_a_function_that_gives_no_batches_is_told_what_it_owes(given: Any, said: str) -> None:
    """By what it gave, in types and without a value, instead of a crash somewhere inside."""
    declared = Source(kind="callable", collect="source:collect")
    source = FunctionSource(declared=declared, function=lambda _since, _until: given, always=None)
    taken = Taken(kind="callable", records={}, period_of=str)
    with pytest.raises(DataRefused, match=f"source:collect {said}"):
        list(source.collect(Wanted(taken=taken, now=NOW), Left()))


def test_half_a_key_is_a_matter_of_credentials(offers: Offers) -> None:
    """Not of a server that does not answer, which was not even asked: the next step names the variables."""
    half = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "half"}
    with pytest.raises(ServiceFailed, match="may not be read") as failed:
        offers({"kind": "files", "path": "s3://shop/{batch}.csv"}, half)
    assert "AWS_*" in failed.value.next_step


def _fails_quietly(ask: Callable[[], object], *, says: str) -> None:
    """The error says what is wrong, and no part of it, nor of what caused it, has HIDDEN."""
    with pytest.raises(RatchetError, match=says) as failed:
        ask()
    shown = "".join(traceback.format_exception(failed.value))
    assert HIDDEN not in shown
    assert HIDDEN.replace("/", "%2F") not in shown
    assert failed.value.next_step
