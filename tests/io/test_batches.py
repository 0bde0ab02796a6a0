"""Raw batches as they came, and per-batch output folders that cost only what is new."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.core.manifest import Work
from ratchet.errors import DataRefused, ServiceFailed, TamperedFile, UsageError
from ratchet.io import files
from ratchet.io.batches import RawBatches, UnitStore, check_batch_name
from ratchet.io.unit_manifest import MANIFEST

Units = dict[str, str]
"""What each unit is made from; it is its key as well."""


def update(store: UnitStore, wanted: Mapping[str, str]) -> tuple[list[str], Work]:
    """Bring the store up to date; also returns the units that were made, in order."""
    made: list[str] = []

    def make(name: str, folder: Path) -> None:
        made.append(name)
        files.write_text(folder / "out.txt", f"{name} from {wanted[name]}\n")
        files.write_json(folder / "more.json", {"from": wanted[name]})

    return made, store.update(wanted, make)


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below `folder` with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def store(tmp_path: Path) -> UnitStore:
    """Two units, made."""
    store = UnitStore(tmp_path / "out")
    update(store, {"a": "1", "b": "1"})
    return store


@settings(deadline=None, max_examples=40)
@given(states=st.lists(st.dictionaries(st.sampled_from("abcd"), st.sampled_from("123")), min_size=1, max_size=6))
def test_any_sequence_of_changes_ends_where_a_fresh_start_does(
    tmp_path_factory: pytest.TempPathFactory, states: list[Units]
) -> None:
    """After adding, removing and editing units in any order, the folder is byte for byte one made from scratch."""
    root = tmp_path_factory.mktemp("stores")
    incremental, scratch = UnitStore(root / "incremental"), UnitStore(root / "scratch")
    before: Units = {}
    for wanted in states:
        made, _ = update(incremental, wanted)
        assert made == sorted(name for name, key in wanted.items() if before.get(name) != key)
        before = wanted
    update(scratch, states[-1])
    assert tree(incremental.folder) == tree(scratch.folder)
    assert incremental.names() == sorted(states[-1])


@settings(deadline=None, max_examples=20)
@given(
    first=st.dictionaries(st.sampled_from("abcd"), st.sampled_from("12"), min_size=1),
    then=st.dictionaries(st.sampled_from("abcd"), st.sampled_from("12"), min_size=1),
    stop=st.sampled_from("abcd"),
)
def test_a_killed_update_leaves_nothing_half_written_and_the_next_completes_it(
    tmp_path_factory: pytest.TempPathFactory, first: Units, then: Units, stop: str
) -> None:
    """Stopped in the middle of any unit, what the store names is whole, and the next update ends as a fresh one."""
    root = tmp_path_factory.mktemp("stores")
    store, scratch = UnitStore(root / "store"), UnitStore(root / "scratch")
    update(store, first)

    def make(name: str, folder: Path) -> None:
        files.write_text(folder / "out.txt", f"{name} from {then[name]}\n")
        if name == stop:
            raise KeyboardInterrupt
        files.write_json(folder / "more.json", {"from": then[name]})

    if first.get(stop) != then.get(stop) and stop in then:
        with pytest.raises(KeyboardInterrupt):
            store.update(then, make)
    for name in store.names():
        key = store.manifest().units[name].key
        assert store.file(name, "out.txt").read_text(encoding="utf-8") == f"{name} from {key}\n"
    update(store, then)
    update(scratch, then)
    assert tree(store.folder) == tree(scratch.folder)


def test_units_that_were_whole_before_a_crash_are_not_made_again(store: UnitStore) -> None:
    """An interrupted run goes on where it stopped."""

    def make(name: str, folder: Path) -> None:
        if name == "d":
            raise RuntimeError("killed")
        files.write_text(folder / "out.txt", "")

    with pytest.raises(RuntimeError, match="killed"):
        store.update({"a": "1", "b": "1", "c": "1", "d": "1"}, make)
    made, _ = update(store, {"a": "1", "b": "1", "c": "1", "d": "1"})
    assert made == ["d"]


def test_nothing_changed_writes_nothing_but_the_same_manifest(store: UnitStore) -> None:
    """Kept units are the same files on disk, untouched."""
    stamps = {path: path.stat().st_mtime_ns for path in store.folder.glob("*/*")}
    made, work = update(store, {"a": "1", "b": "1"})
    assert (made, work) == ([], Work(keep=("a", "b"), make=(), prune=()))
    assert {path: path.stat().st_mtime_ns for path in store.folder.glob("*/*")} == stamps


def test_half_written_folders_are_swept(store: UnitStore) -> None:
    """What a killed process left behind is neither listed nor kept."""
    (store.folder / ".writing-0-c").mkdir()
    (store.folder / ".writing-0-c" / "out.txt").write_text("half", encoding="utf-8")
    (store.folder / "a" / ".writing-0-out.txt").write_text("half", encoding="utf-8")
    assert store.names() == ["a", "b"]
    assert update(store, {"a": "1", "b": "1"})[0] == []
    assert sorted(tree(store.folder)) == ["a/more.json", "a/out.txt", "b/more.json", "b/out.txt", MANIFEST]


@pytest.mark.parametrize("spoil", ["flip", "cut", "remove", "extra"])
def test_an_output_that_was_altered_is_made_again(store: UnitStore, spoil: str) -> None:
    """A flipped byte, a cut, missing or added file is mended by the next update, and only its unit is made."""
    before = tree(store.folder)
    path = store.folder / "a" / "out.txt"
    spoils: dict[str, Callable[[], object]] = {
        "flip": lambda: path.write_bytes(b"X" + path.read_bytes()[1:]),
        "cut": lambda: path.write_bytes(path.read_bytes()[:-1]),
        "remove": path.unlink,
        "extra": lambda: (store.folder / "a" / "z").write_bytes(b""),
    }
    spoils[spoil]()
    assert update(store, {"a": "1", "b": "1"})[0] == ["a"]
    assert tree(store.folder) == before


def test_an_altered_output_is_never_read(store: UnitStore) -> None:
    """Whoever asks for the file is told, before the next update too."""
    path = store.file("a", "out.txt")
    path.write_bytes(b"X" + path.read_bytes()[1:])
    with pytest.raises(TamperedFile, match=r"out\.txt is not what the stage wrote"):
        store.file("a", "out.txt")


@pytest.mark.parametrize(("unit", "name"), [("z", "out.txt"), ("a", "z.txt")])
def test_a_file_that_was_not_recorded_is_not_read(store: UnitStore, unit: str, name: str) -> None:
    """A file beside the manifest does not exist for readers."""
    (store.folder / unit).mkdir(exist_ok=True)
    (store.folder / unit / name).write_text("stray", encoding="utf-8")
    with pytest.raises(ServiceFailed, match="is not there"):
        store.file(unit, name)


@pytest.mark.parametrize("text", ["", "{", '{"units": {"a": 1}}', None], ids=["empty", "cut", "wrong", "absent"])
def test_a_manifest_that_cannot_be_read_costs_work_and_nothing_else(store: UnitStore, text: str | None) -> None:
    """Without a manifest nothing is known, so everything is made again, to the same bytes."""
    before = tree(store.folder)
    path = store.folder / MANIFEST
    path.unlink()
    if text is not None:
        path.write_text(text, encoding="utf-8")
    assert store.names() == []
    assert update(store, {"a": "1", "b": "1"})[0] == ["a", "b"]
    assert tree(store.folder) == before


def test_nothing_wanted_in_a_folder_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    """A project without batches has an empty output, and says so instead of crashing."""
    store = UnitStore(tmp_path / "out")
    assert update(store, {})[0] == []
    assert store.names() == []


def test_the_standing_lookups_are_no_batch(store: UnitStore) -> None:
    """Lookups are a unit like any other, but never listed with the batches."""
    update(store, {"a": "1", "lookups": "1"})
    assert (store.names(), sorted(store.digests("lookups"))) == (["a"], ["more.json", "out.txt"])


@pytest.mark.parametrize("name", ["2013-07", "part-01", "a", "7_x.y"])
def test_plain_names_are_batch_names(name: str) -> None:
    """Letters, digits, dots, dashes and underscores."""
    assert check_batch_name(name) == name


@pytest.mark.parametrize("name", ["", ".hidden", "-x", "a/b", "../x", "a b", "lookups", "a\n", "ü"])
def test_names_that_could_lead_elsewhere_are_refused(name: str) -> None:
    """A batch name is one folder under data/raw, and not the one of the lookups."""
    with pytest.raises(UsageError, match="cannot name a batch"):
        check_batch_name(name)


@pytest.fixture
def raw(tmp_path: Path) -> RawBatches:
    """Two batches and a standing lookup."""
    for name in ("raw/2013-02/rows.csv", "raw/2013-01/weather.csv", "raw/2013-01/rows.parquet", "lookups/planes.csv"):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", encoding="utf-8")
    return RawBatches(tmp_path)


def test_raw_batches_are_listed_in_time_order(raw: RawBatches) -> None:
    """Folders count; DVC's pointers and half-written folders do not."""
    (raw.folder / "2013-01.dvc").write_text("", encoding="utf-8")
    (raw.folder / ".writing-0-2013-03").mkdir()
    assert raw.names() == ["2013-01", "2013-02"]


def test_the_rows_come_first_among_a_batchs_tables(raw: RawBatches) -> None:
    """Tables are found by their file names, CSV and Parquet alike, and other files are no tables."""
    (raw.folder / "2013-01" / "note.txt").write_text("", encoding="utf-8")
    assert list(raw.table_files("2013-01")) == ["rows", "weather"]
    assert list(raw.standing_files()) == ["planes"]


def test_a_batch_without_rows_is_refused(raw: RawBatches) -> None:
    """The refusal names the batch and what it needs."""
    (raw.folder / "2013-02" / "rows.csv").unlink()
    with pytest.raises(DataRefused, match=r"batch 2013-02 has no rows table(.|\n)*rows\.parquet, rows\.csv"):
        raw.table_files("2013-02")


def test_a_project_without_data_has_no_batches(tmp_path: Path) -> None:
    """No folder is an empty list."""
    raw = RawBatches(tmp_path)
    assert (raw.names(), raw.standing_files()) == ([], {})


def test_an_output_can_be_removed_as_a_whole(store: UnitStore) -> None:
    """Removing the folder, as the message of an altered file says, is mended by the next update."""
    before = tree(store.folder)
    shutil.rmtree(store.folder)
    update(store, {"a": "1", "b": "1"})
    assert tree(store.folder) == before
