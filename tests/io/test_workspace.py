"""Temporary projects from parts of commits: what is in them, what runs in them, and what they leave alone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from ratchet.errors import ServiceFailed, TamperedFile
from ratchet.io import cache, dvc, files
from ratchet.io.git import git
from ratchet.io.revision import Revision
from ratchet.io.workspace import Parts, Reproduced, RerunFailed, identity, workspace

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value will soon raise:DeprecationWarning")
"""What pygtrie says of how DVC uses it."""

PIPELINE = """
stages:
  ingest:
    cmd: python src/ingest.py
    deps: [data/raw, src/ingest.py]
    outs:
      - data/ingested: {persist: true}
  train:
    cmd: python src/train.py
    deps: [data/ingested, src/train.py]
    params: [model]
    outs: [data/model]
    metrics:
      - data/metrics/train.json: {cache: false}
"""
INGEST = """
import pathlib
place = pathlib.Path("data/ingested")
place.mkdir(exist_ok=True)
names = sorted(path.name for path in pathlib.Path("data/raw").glob("*") if path.is_dir())
with (place / "journal.txt").open("a") as journal:
    journal.write(" ".join(names) + "\\n")
(place / "total.txt").write_text(" ".join(pathlib.Path("data/raw", name, "rows.csv").read_text() for name in names))
"""
TRAIN = """
import pathlib, sys
params = pathlib.Path("params.yaml").read_text()
if "seed: 13" in params:
    print("  next: choose another seed", file=sys.stderr)
    print("train: no luck", file=sys.stderr)
    sys.exit(3)
for name in ("data/model/model.txt", "data/metrics/train.json"):
    path = pathlib.Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(params + pathlib.Path("data/ingested/total.txt").read_text())
"""
MakeRepository = Callable[[str], Path]


def add_batch(root: Path, name: str) -> None:
    """Track one raw batch."""
    files.write_text(root / "data" / "raw" / name / "rows.csv", name)
    with dvc.project(root, None) as repo:
        dvc.add(repo, [root / "data" / "raw" / name])


def commit(root: Path) -> Revision:
    """Commit everything."""
    git(["add", "-A"], cwd=root)
    git(["commit", "--quiet", "-m", "change"], cwd=root)
    return Revision(root, git(["rev-parse", "HEAD"], cwd=root))


def build(root: Path) -> None:
    """A project with a commit whose work tree has since got another batch, other code and other parameters."""
    from dvc.repo import Repo

    with Repo.init(str(root)):
        pass
    for name, text in {"dvc.yaml": PIPELINE, "src/ingest.py": INGEST, "src/train.py": TRAIN}.items():
        files.write_text(root / name, text)
    (root / "params.yaml").write_text("model: {seed: 0}\n", encoding="utf-8")
    (root / ".gitignore").write_text("/data/ingested\n/data/model\n", encoding="utf-8")
    add_batch(root, "one")
    with dvc.project(root, None) as repo:
        dvc.reproduce(repo, dvc.pipeline(repo))
    commit(root)
    add_batch(root, "two")
    (root / "src" / "train.py").write_text(TRAIN + "# better\n", encoding="utf-8")
    (root / "params.yaml").write_text("model: {seed: 1}\n", encoding="utf-8")
    with dvc.project(root, None) as repo:
        dvc.reproduce(repo, dvc.pipeline(repo))


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the project is kept once it was built: building it takes seconds."""
    return tmp_path_factory.mktemp("kept") / "project"


@pytest.fixture
def base(repository: MakeRepository, kept: Path, tmp_path: Path) -> Revision:
    """The commit that the work tree has moved on from, in a project of its own for each test."""
    if not kept.exists():
        built = repository("built")
        build(built)
        shutil.copytree(built, kept, symlinks=True)
    root = tmp_path / "project"
    shutil.copytree(kept, root, symlinks=True)
    return Revision(root, git(["rev-parse", "HEAD"], cwd=root))


def seen(place: Path) -> tuple[list[str], bool, int]:
    """The batches, whether the code is the newer one, and the seed."""
    batches = sorted(path.name for path in (place / "data" / "raw").glob("*.dvc"))
    newer = "better" in (place / "src" / "train.py").read_text(encoding="utf-8")
    return batches, newer, yaml.safe_load((place / "params.yaml").read_text(encoding="utf-8"))["model"]["seed"]


@pytest.mark.parametrize("data", [True, False])
@pytest.mark.parametrize("code", [True, False])
@pytest.mark.parametrize("params", [True, False])
def test_every_part_comes_from_where_it_should(base: Revision, data: bool, code: bool, params: bool) -> None:
    """Data, code and parameters are each the commit's or the work tree's, whatever the others are."""
    parts = Parts(data=base if data else None, code=base if code else None, params=base if params else None)
    with workspace(base.root, None, parts) as place:
        assert seen(place.root) == (["one.dvc"] if data else ["one.dvc", "two.dvc"], not code, 0 if params else 1)
    assert not place.root.exists()


def test_where_nothing_changed_nothing_runs(base: Revision) -> None:
    """The work tree's own parts are up to date by its lock, the base's by the base's, and the models are theirs."""
    for parts, lock in (
        (Parts(), (base.root / "dvc.lock").read_text(encoding="utf-8")),
        (Parts(data=base, code=base, params=base), base.text("dvc.lock") or ""),
    ):
        with workspace(base.root, None, parts) as place:
            assert place.reproduce() == Reproduced(ran=(), restored=())
            recorded = {out["path"]: out["md5"] for out in yaml.safe_load(lock)["stages"]["train"]["outs"]}
            assert place.output("data/model") == recorded["data/model"]


def test_what_is_new_runs_once_and_is_restored_after_that(base: Revision) -> None:
    """A rerun goes on from the outputs on record, and another one finds its model in the shared run cache."""
    parts = Parts(params=base, overrides={"model.seed": 7})
    with workspace(base.root, None, parts) as place:
        assert place.reproduce() == Reproduced(ran=("train",), restored=())
        assert (place.root / "data/model/model.txt").read_text() == "model:\n  seed: 7\none two"
    with workspace(base.root, None, parts) as place:
        assert place.reproduce() == Reproduced(ran=(), restored=("train",))
        assert (place.root / "data/model/model.txt").read_text() == "model:\n  seed: 7\none two"


def test_outputs_that_persist_are_gone_on_from(base: Revision) -> None:
    """A stage that keeps its output finds what it wrote for the commit that the code is from, and changes its copy."""
    with workspace(base.root, None, Parts(code=base, params=base)) as place:
        assert "ingest" in place.reproduce().ran
        assert (place.root / "data/ingested/journal.txt").read_text() == "one\none two\n"
    with workspace(base.root, None, Parts(data=base, code=base, params=base)) as place:
        place.reproduce()
        assert (place.root / "data/ingested/journal.txt").read_text() == "one\n"


def test_the_project_stays_as_it_is(base: Revision) -> None:
    """Reruns change nothing of the work tree, its lock, its outputs or git, and leave no trace of DVC's elsewhere."""

    def state() -> dict[str, str]:
        found = (path for path in base.root.rglob("*") if path.is_file() and ".dvc/" not in f"{path}/")
        return {str(path): files.digest(path) for path in found if path.name != "index"}

    before, status = state(), git(["status", "--porcelain"], cwd=base.root)
    with workspace(base.root, None, Parts(data=base, overrides={"model.seed": 3})) as place:
        assert place.reproduce().ran == ("ingest", "train")
    assert state() == before
    assert git(["status", "--porcelain"], cwd=base.root) == status


def test_a_stage_that_fails_is_named_with_its_last_words(base: Revision) -> None:
    """The stage, its exit code, and what it said last; the advice for another project is left out."""
    parts = Parts(overrides={"model.seed": 13})
    with workspace(base.root, None, parts) as place, pytest.raises(RerunFailed) as caught:
        place.reproduce()
    assert (caught.value.exit_code, caught.value.words) == (3, "train: no luck")
    assert "stage train ended with exit code 3" in caught.value.message


def test_other_libraries_share_no_run(base: Revision) -> None:
    """With a name for the libraries everything runs, though DVC has it; then they have it for themselves."""
    everything = Parts(libraries="others")
    with workspace(base.root, None, everything) as place:
        assert place.reproduce() == Reproduced(ran=("ingest", "train"), restored=())
    with workspace(base.root, None, Parts(overrides={"model.seed": 9}, libraries="others")) as place:
        assert place.reproduce().ran == ("ingest", "train")
    with workspace(base.root, None, Parts(overrides={"model.seed": 9})) as place:
        assert place.reproduce() == Reproduced(ran=("train",), restored=())


def test_a_folder_of_tables_takes_the_place_of_the_data(base: Revision, tmp_path: Path) -> None:
    """A sample is run from scratch, and none of the tracked data is needed."""
    files.write_text(tmp_path / "sample" / "raw" / "tiny" / "rows.csv", "7")
    shutil.rmtree(base.root / ".dvc" / "cache")
    with workspace(base.root, None, Parts(code=base, params=base, tables=tmp_path / "sample")) as place:
        assert place.reproduce() == Reproduced(ran=("ingest", "train"), restored=())
        assert (place.root / "data/ingested/total.txt").read_text() == "7"


def test_what_the_cache_lacks_comes_from_the_remote(base: Revision, tmp_path: Path) -> None:
    """Without data there is no rerun, and the message says where to get it; with a remote that has it there is."""
    remote = str(tmp_path / "remote")
    with dvc.project(base.root, remote) as repo:
        dvc.push(repo)
    shutil.rmtree(base.root / ".dvc" / "cache" / "files")
    with (
        pytest.raises(ServiceFailed, match="neither in DVC's cache nor on its remote"),
        workspace(base.root, None, Parts()),
    ):
        pass
    with workspace(base.root, remote, Parts()) as place:
        assert place.reproduce() == Reproduced(ran=(), restored=())


def test_the_same_inputs_have_the_same_name(base: Revision) -> None:
    """A rerun's name is that of its content: where it comes from and how params.yaml is written do not matter."""
    now = identity(base.root, Parts())
    assert identity(base.root, Parts(overrides={"model.seed": 1})) == now
    (base.root / "params.yaml").write_text("# a remark\nmodel:\n  seed: 1\n", encoding="utf-8")
    (base.root / "README.md").write_text("news", encoding="utf-8")
    assert identity(base.root, Parts()) == now
    head = commit(base.root)
    assert identity(base.root, Parts(data=head, code=head, params=head)) == now


def test_other_inputs_have_another_name(base: Revision) -> None:
    """Every part counts, and so do a batch that is not committed yet and the locked libraries."""
    names = {identity(base.root, parts) for parts in (Parts(), Parts(data=base), Parts(code=base), Parts(params=base))}
    assert len(names) == 4
    add_batch(base.root, "three")
    names.add(identity(base.root, Parts()))
    files.write_text(base.root / "requirements" / "run.txt", "numpy==2\n")
    names.add(identity(base.root, Parts()))
    assert len(names) == 6


def test_a_remembered_model_travels_with_the_run_cache(base: Revision, tmp_path: Path) -> None:
    """What one checkout remembers and pushes, an empty cache elsewhere recalls and gets."""
    remote = str(tmp_path / "remote")
    with workspace(base.root, None, Parts(overrides={"model.seed": 5})) as place:
        place.reproduce()
        model = place.output("data/model")
    with dvc.project(base.root, remote) as repo:
        assert cache.recall(repo, "0" * 64) is None
        cache.remember(repo, "0" * 64, model)
        dvc.push(repo)
        assert cache.push_remembered(repo) == 2
        assert cache.push_remembered(repo) == 0
    shutil.rmtree(base.root / ".dvc" / "cache")
    with dvc.project(base.root, remote) as repo:
        dvc.pull(repo)
        assert cache.recall(repo, "0" * 64) == model
        assert cache.lacking(repo, [model]) == [model]
        assert cache.bring(repo, [model]) == []
        cache.place(repo, model, tmp_path / "model")
    assert (tmp_path / "model" / "model.txt").read_text() == "model:\n  seed: 5\none two"


def test_what_is_nowhere_is_said_to_be_nowhere(base: Revision, tmp_path: Path) -> None:
    """An object that neither the cache nor the remote has is missing, whether it is a folder or a file."""
    with dvc.project(base.root, str(tmp_path / "remote")) as repo:
        assert cache.bring(repo, ["0" * 32, "1" * 32 + ".dir"]) == ["0" * 32, "1" * 32 + ".dir"]


def test_altered_objects_are_refused(base: Revision, tmp_path: Path) -> None:
    """A file with other bytes than its name says is not put in place, and nothing is written outside of the folder."""
    model = base.outs()["data/model"]
    with dvc.project(base.root, None) as repo:
        listing = Path(repo.cache.local.oid_to_path(model))
        [listed] = json.loads(listing.read_bytes())
        content = Path(repo.cache.local.oid_to_path(listed["md5"]))
        content.chmod(0o644)
        content.write_text("other", encoding="utf-8")
        with pytest.raises(TamperedFile, match=f"MD5 {listed['md5']}"):
            cache.place(repo, model, tmp_path / "model")
        hostile = json.dumps([{"md5": listed["md5"], "relpath": "../escaped.txt"}]).encode()
        files.write(tmp_path / "hostile", lambda half: half.write_bytes(hostile))
        name = f"{files.digest(tmp_path / 'hostile', 'md5')}.dir"
        files.write(Path(repo.cache.local.oid_to_path(name)), lambda half: half.write_bytes(hostile))
        with pytest.raises(TamperedFile, match="outside of its folder"):
            cache.place(repo, name, tmp_path / "model")
    assert not (tmp_path / "escaped.txt").exists()


def test_half_an_entry_is_no_entry(base: Revision) -> None:
    """A run cache entry that a killed transfer left is passed over."""
    with dvc.project(base.root, None) as repo:
        cache.remember(repo, "a" * 64, "f" * 32 + ".dir")
        [entry] = (base.root / ".dvc" / "cache" / "runs" / "aa" / ("a" * 64)).iterdir()
        entry.write_text("cmd: [", encoding="utf-8")
        assert cache.recall(repo, "a" * 64) is None
