"""Tracking what is new: DVC's own result, whatever else there is, and at a cost that does not grow with it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ratchet.errors import ServiceFailed
from ratchet.io import dvc, files
from ratchet.io.git import git

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value will soon raise:DeprecationWarning")
"""What pygtrie says of how DVC uses it."""

PIPELINE = """
stages:
  ingest:
    cmd: python ingest.py
    deps: [data/raw]
    outs: [data/out/tables: {persist: true}]
    metrics: [data/out.json]
"""
COMPUTED = """
vars: [{place: data/out}]
stages:
  ingest: {cmd: "true", outs: ["${place}/tables"]}
"""
ELSEWHERE = """
stages:
  ingest: {cmd: "true", wdir: data, outs: [out/tables]}
"""


@pytest.fixture
def root(repository: Callable[[str], Path]) -> Path:
    """A project with one tracked batch, one that is new, a new lookup, and a pipeline."""
    from dvc.repo import Repo

    root = repository("project")
    Repo.init(str(root)).close()
    files.write_text(root / "dvc.yaml", PIPELINE)
    batch(root, "data/raw/2013-01-01")
    with dvc.project(root, None) as repo:
        repo.add([str(root / "data/raw/2013-01-01")])
    batch(root, "data/raw/2013-01-02")
    files.write_text(root / "data/lookups/places.csv", "place\np\n")
    return root


def batch(root: Path, name: str) -> Path:
    """A folder with two tables, one of them a level deeper; their bytes tell it from others."""
    files.write_text(root / name / "rows.csv", f"x\n{name}\n")
    files.write_text(root / name / "more" / "weather.csv", f"y\n{name}\n")
    return root / name


def state_of(root: Path) -> dict[str, bytes]:
    """What tracking may have written: pointers, `.gitignore`s and objects in the cache."""
    written = [*root.rglob("*.dvc"), *root.rglob(".gitignore"), *(root / ".dvc" / "cache").rglob("*")]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in written if path.is_file()}


def refusal_of(root: Path, *paths: Path) -> str:
    """What is said where tracking is refused; nothing has been written then."""
    before = state_of(root)
    with pytest.raises(ServiceFailed, match=r"^dvc: ") as refused, dvc.project(root, None) as repo:
        dvc.add(repo, paths)
    assert state_of(root) == before
    return refused.value.message


def test_it_is_what_dvc_writes(root: Path, tmp_path: Path) -> None:
    """Pointers, cache and `.gitignore` are byte for byte those of `dvc add`, for folders and for files."""
    theirs = Path(shutil.copytree(root, tmp_path / "theirs", symlinks=True))
    new = ["data/raw/2013-01-02", "data/lookups/places.csv"]
    with dvc.project(root, None) as repo:
        dvc.add(repo, [root / name for name in new])
        assert repo.status(new) == {}
    with dvc.project(theirs, None) as repo:
        repo.add(new)
    assert state_of(root) == state_of(theirs)
    assert "data/raw/2013-01-02.dvc" in state_of(root)
    assert (root / "data/raw/.gitignore").read_text(encoding="utf-8") == "/2013-01-01\n/2013-01-02\n"


def test_the_cache_gives_it_back(root: Path) -> None:
    """What was tracked can be removed and brought back from the cache."""
    place = root / "data" / "raw" / "2013-01-02"
    before = {path.name: path.read_bytes() for path in place.rglob("*.csv")}
    with dvc.project(root, None) as repo:
        dvc.add(repo, [place])
        shutil.rmtree(place)
        repo.checkout([str(place)])
    assert {path.name: path.read_bytes() for path in place.rglob("*.csv")} == before


def test_other_pointers_and_the_pipeline_are_not_loaded(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is what would cost more with every batch there is; neither is one that is tracked looked at again."""
    from dvc.repo import Repo
    from dvc.repo.stage import StageLoad

    for name in ("index", "outs_graph"):
        monkeypatch.setattr(Repo, name, property(lambda _: pytest.fail("DVC reads everything")), raising=False)
    monkeypatch.setattr(StageLoad, "load_all", lambda *_: pytest.fail("a pointer or the pipeline is loaded"))
    with dvc.project(root, None) as repo:
        dvc.add(repo, [root / "data" / "raw" / "2013-01-02"])
    assert (root / "data" / "raw" / "2013-01-02.dvc").is_file()


def test_a_lookup_that_changed_is_tracked_again(root: Path) -> None:
    """One with a pointer goes DVC's own way, beside a batch that is new."""
    lookup, new = root / "data" / "lookups" / "places.csv", root / "data" / "raw" / "2013-01-02"
    with dvc.project(root, None) as repo:
        dvc.add(repo, [lookup])
    before = (dvc.is_tracked(lookup), dvc.is_tracked(new / "rows.csv"))
    files.write_text(lookup, "place\nq\n")
    changed = dvc.is_tracked(lookup)
    with dvc.project(root, None) as repo:
        dvc.add(repo, [lookup, new])
        assert repo.status(["data/lookups/places.csv.dvc", "data/raw/2013-01-02.dvc"]) == {}
    assert (before, changed, dvc.is_tracked(lookup)) == ((True, False), False, True)


@pytest.mark.parametrize(
    ("pipeline", "name"),
    [
        (PIPELINE, "data/out/tables"),
        (PIPELINE, "data/out/tables/a"),
        (PIPELINE, "data/out"),
        (COMPUTED, "data/out/tables"),
        (ELSEWHERE, "data/out/tables/a"),
    ],
    ids=["same", "within", "around", "computed path", "other folder"],
)
def test_an_output_of_a_stage_is_refused(root: Path, pipeline: str, name: str) -> None:
    """What a stage writes is no data of a pointer: not the output, nothing in it, no folder around it."""
    files.write_text(root / "dvc.yaml", pipeline)
    batch(root, "data/out/tables/a")
    assert "ingest" in refusal_of(root, root / name)


@pytest.mark.parametrize("name", ["data/raw/2013-01-01/more", "data/raw"], ids=["within", "around"])
def test_what_another_pointer_tracks_is_refused(root: Path, name: str) -> None:
    """Nothing within a tracked folder, and no folder with a tracked one, gets a pointer of its own."""
    assert "2013-01-01" in refusal_of(root, root / name)


@pytest.mark.parametrize("text", ["outs:\n- path: 2013-01-02\n", "wdir: 2013-01-02\nouts:\n- path: more\n"])
def test_a_pointer_of_another_name_counts_too(root: Path, text: str) -> None:
    """A `.dvc` file beside it may name something else than it is called after."""
    files.write_text(root / "data" / "raw" / "other.dvc", text)
    assert "other" in refusal_of(root, root / "data" / "raw" / "2013-01-02")


def test_two_new_ones_may_not_overlap(root: Path) -> None:
    """Asked for a folder and for something in it, neither is tracked."""
    place = root / "data" / "raw" / "2013-01-02"
    assert "2013-01-02" in refusal_of(root, place, place / "more")


def test_what_git_ignores_already_is_ignored_once(root: Path) -> None:
    """Where a pattern covers batches no line is added for each."""
    ignored = root / "data" / "raw" / ".gitignore"
    ignored.write_text("*\n!.gitignore\n!*.dvc\n", encoding="utf-8")
    git(["add", "-A"], cwd=root)
    with dvc.project(root, None) as repo:
        dvc.add(repo, [root / "data" / "raw" / "2013-01-02"])
    assert ignored.read_text(encoding="utf-8") == "*\n!.gitignore\n!*.dvc\n"
    assert git(["ls-files", "--others", "--exclude-standard", "data/raw"], cwd=root) == "data/raw/2013-01-02.dvc"
