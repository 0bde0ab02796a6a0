"""`ratchet data erase` on real git and DVC: no byte of a batch is left, all else is, and it stays away."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from dvc_objects.db import ObjectDB

from ratchet.core.ledger_entries import EraseEntry, Line, Registration, RegistrationEntry
from ratchet.core.phases import GatePhase, Phase
from ratchet.errors import DataRefused, PromotionRefused, ServiceFailed, UsageError
from ratchet.flows import data, erased
from ratchet.flows.erase import Erased, Wish, erase
from ratchet.flows.ledger import ledger
from ratchet.io import dvc, erasing
from ratchet.io.files import write_text
from ratchet.io.git import LOCATORS, git
from ratchet.io.pointers import folder_digest, tracked_digests
from ratchet.io.room import read_params
from ratchet.settings import Settings, load_settings

pytestmark = pytest.mark.filterwarnings(
    "ignore:_NoneStep.value:DeprecationWarning", "ignore:_Type.value:DeprecationWarning"
)
"""What pygtrie says of how DVC uses it."""

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = """
rows: {key: [id], columns: {id: {type: integer}, kind: {type: string}}}
lookups:
  places: {per_batch: true, key: [place], columns: {place: {type: string}, height: {type: number}}}
"""
PARAMS = """
project: {name: %s, room: little, task: binary, target: late}
split: {holdout: 1, folds: 2}
features: {}
model: {estimator: hist_gradient_boosting}
evaluate: {}
gate: {metric: log_loss}
promotion: {roles: {erase: [ada]}}
"""
STAGES = """
stages:
  featurize:
    cmd: python make.py data/features
    deps: [data/raw, make.py]
    params: [project]
    outs: [{data/features: {persist: true}}]
  evaluate:
    cmd: python make.py data/evaluation
    deps: [data/features, make.py]
    params: [project]
    outs: [data/evaluation]
"""
MAKE = """
import shutil, sys
from pathlib import Path
target = Path(sys.argv[1])
shutil.rmtree(target, ignore_errors=True)
for source in sorted(Path("data/raw").glob("*/rows.csv")):
    folder = target / source.parent.name if target.name == "features" else target
    folder.mkdir(parents=True, exist_ok=True)
    name = "rows.csv" if target.name == "features" else f"{source.parent.name}.csv"
    (folder / name).write_text(source.read_text() + sys.argv[1])
(target / ("manifest.json" if target.name == "features" else "evaluation.json")).write_text(sys.argv[1])
"""
SCORED = b"data/evaluation"
"""What stands at the end of scored rows."""
PLACES = "place,height\nhere,1.5\n"


@dataclass(frozen=True)
class Bed:
    """A project, and what is beside it; batches are named by a letter, and each row of one says so."""

    settings: Settings

    @property
    def root(self) -> Path:
        """The project."""
        return self.settings.root

    @property
    def home(self) -> Path:
        """The repository."""
        return self.root.parents[1] if self.root.parent.name == "models" else self.root

    @property
    def remote(self) -> Path:
        """Where DVC pushes to."""
        return Path(str(self.settings.dvc_remote))

    def add(self, name: str, mark: str = "", *, first: int = 0) -> None:
        """Take a batch of ten rows that hold its mark; the places are the same in all."""
        folder = self.home.parent / "arrived"
        rows = "".join(f"{first + row},{row} {mark or f'mark-{name}'}\n" for row in range(10))
        write_text(folder / "rows.csv", f"id,kind\n{rows}")
        write_text(folder / "places.csv", PLACES)
        data.add(self.settings, name, {"rows": folder / "rows.csv", "places": folder / "places.csv"})

    def publish(self) -> None:
        """Run the stages, push to DVC's remote, commit."""
        with dvc.project(self.root, self.settings.dvc_remote) as repo:
            dvc.reproduce(repo, dvc.pipeline(repo))
            dvc.push(repo)
        git(["add", "--all"], cwd=self.home)
        git(["commit", "--quiet", "--message", "more"], cwd=self.home)
        git(["push", "--quiet", "origin", "main"], cwd=self.home)

    def erase(self, *batches: str, **more: Any) -> Erased:
        """With a reason."""
        return erase(self.settings, Wish(**{"batches": batches, "reason": "case 4711", **more}))

    def entries(self) -> tuple[Line, ...]:
        """The ledger."""
        return ledger(self.settings, read_params(self.root)).read()

    def register(self, version: int, trained: str, judged: str) -> None:
        """A version that these batches made."""
        model = read_params(self.root).project.name
        made = Registration(
            model=model, actor="ada", time="2026-01-01T00:00:00+00:00", reason="r", version=version,
            run_id=f"run {version}", fingerprint="f", model_digest="m", seal="s", decision_digest="d",
            verdict="promote", decided="better", champion=None, policy="p", commit="c", authors=(),
            trained_on=dict.fromkeys(trained, "features"), judged_on=tuple(judged), metrics={},
            batches=tracked_digests(self.root), phases=(Phase(gate=GatePhase()),),
        )  # fmt: skip
        ledger(self.settings, read_params(self.root)).append(lambda _: made, RegistrationEntry)

    def holding(self, mark: str) -> dict[str, bytes]:
        """Every file of the work tree, DVC's cache and its remote that holds a mark."""
        places = [path for top in (self.home, self.remote) for path in top.rglob("*")]
        found = (path for path in places if path.is_file() and ".git" not in path.relative_to(self.home.parent).parts)
        return {str(path): content for path in sorted(found) if mark.encode() in (content := path.read_bytes())}


def other_clone(bed: Bed) -> Bed:
    """Another machine's: the same remotes, a cache of its own."""
    place = bed.home.parent / "clone"
    git(["clone", "--quiet", str(bed.home.parent / "origin.git"), str(place)], cwd=bed.home.parent)
    return Bed(settings_at(place, bed.home.parent))


def lay_out(root: Path, model: str) -> None:
    """A project in a folder of a repository."""
    write_text(root / "params.yaml", PARAMS % model)
    write_text(root / "src" / "little" / "schema.yaml", SCHEMA)
    write_text(root / "dvc.yaml", STAGES)
    write_text(root / "make.py", MAKE)
    write_text(root / ".gitignore", ".ratchet/\n")
    for name in ("data/.gitignore", "data/raw/.gitignore"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, root / name)


def empty_repository(base: Path) -> Path:
    """A repository with DVC and an origin, in which no project is."""
    from dvc.repo import Repo

    home = base / "project"
    write_text(base / "home" / ".gitconfig", "[user]\n\tname = Ada\n\temail = ada@example.org\n")
    home.mkdir()
    git(["init", "--quiet", "-b", "main"], cwd=home)
    git(["init", "--quiet", "--bare", "-b", "main", str(base / "origin.git")], cwd=home)
    git(["remote", "add", "origin", str(base / "origin.git")], cwd=home)
    Repo.init(str(home)).close()
    return home


@contextmanager
def nobodys_machine(base: Path) -> Iterator[None]:
    """Git and DVC know nothing of the one that they run on."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HOME", "DVC_GLOBAL_CONFIG_DIR", "DVC_SYSTEM_CONFIG_DIR", "DVC_SITE_CACHE_DIR"):
            patch.setenv(name, str(base / "home"))
        for name in (*LOCATORS, "DVC_REMOTE_URL", "RATCHET_REMOTE"):
            patch.delenv(name, raising=False)
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        yield


def settings_at(root: Path, base: Path, actor: str = "ada") -> Settings:
    """Those of whoever acts on the project at `root`."""
    return load_settings(root, {"DVC_REMOTE_URL": str(base / "storage"), "RATCHET_ACTOR": actor})


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Where the project was made, and the copy that it is put back from: DVC and git keep absolute paths."""
    base = tmp_path_factory.mktemp("erase")
    live = base / "live"
    live.mkdir()
    with nobodys_machine(live):
        root = empty_repository(live)
        lay_out(root, "little")
        made = Bed(settings_at(root, live))
        for place, name in enumerate("abc"):
            made.add(name, first=100 * place)
        made.publish()
        made.register(1, trained="ab", judged="c")
    shutil.copytree(live, base / "kept", symlinks=True)
    return live, base / "kept"


@pytest.fixture
def bed(_made: tuple[Path, Path]) -> Iterator[Bed]:
    """One project with the batches a, b and c, computed, pushed and committed; version 1 learned from a and b."""
    live, kept = _made
    shutil.rmtree(live)
    shutil.copytree(kept, live, symlinks=True)
    with nobodys_machine(live):
        yield Bed(settings_at(live / "project", live))


def test_no_byte_of_it_is_left_and_all_else_is(bed: Bed) -> None:
    """Neither in the work tree nor in DVC's cache nor on its remote; what the batches share stays where it is.

    Scored rows are in one folder for all batches: that goes as a whole, and the next run makes it again.
    """
    shared, others = bed.holding("here,1.5"), bed.holding("mark-c")
    assert len(bed.holding("mark-b")) == 3 * 3 + 1
    done = bed.erase("b")
    assert bed.holding("mark-b") == {}
    of_others = {path: each for path, each in others.items() if SCORED not in each and ".ratchet" not in path}
    assert bed.holding("mark-c") == of_others
    assert shared.keys() - bed.holding("here,1.5").keys() == {str(bed.root / "data" / "raw" / "b" / "places.csv")}
    assert list(done.traces.kept.values()) == ["data/raw/c.dvc"]
    assert git(["status", "--porcelain"], cwd=bed.root).split() == ["D", "data/raw/b.dvc"]
    assert (done.trained, done.judged, done.new) == ((1,), (), bed.entries()[-1])
    entry = bed.entries()[-1]
    assert isinstance(entry, EraseEntry)
    assert (entry.actor, entry.reason, entry.trained, entry.judged) == ("ada", "case 4711", (1,), ())


def test_the_pipeline_goes_on_without_it(bed: Bed) -> None:
    """What is left is computed and pushed as ever, and another clone fetches it."""
    bed.erase("b")
    bed.publish()
    clone = other_clone(bed)
    data.fetch(clone.settings)
    assert clone.holding("mark-b") == {}
    assert clone.holding("mark-c").keys() >= {str(clone.root / "data" / "raw" / "c" / "rows.csv")}


def test_it_can_be_done_again_and_elsewhere(bed: Bed) -> None:
    """A second time nothing is there and nothing is written; a clone that still has it needs no name and no reason."""
    clone = other_clone(bed)
    data.fetch(clone.settings)
    bed.erase("b")
    bed.publish()
    assert clone.holding("mark-b")
    git(["pull", "--quiet"], cwd=clone.root)
    done = erase(clone.settings, Wish())
    assert (done.batches, done.new, clone.holding("mark-b")) == (("b",), None, {})
    again = bed.erase("b")
    assert (again.new, again.traces.none, len(bed.entries())) == (None, True, 2)


@pytest.mark.parametrize("step", [0, 1, 5, 9, 13, 17])
def test_killed_at_any_step_the_next_one_completes_it(bed: Bed, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Whatever was taken away by then: the ledger says it once, and in the end nothing is left."""
    left = [step]

    def counted(usual: Callable[..., object]) -> Callable[..., object]:
        def count(*args: object, **more: object) -> object:
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            return usual(*args, **more)

        return count

    with monkeypatch.context() as patch:
        patch.setattr(ObjectDB, "delete", counted(ObjectDB.delete))
        patch.setattr(erasing, "_remove", counted(erasing._remove))
        with pytest.raises(KeyboardInterrupt):
            bed.erase("b")
    assert bed.holding("mark-b") or (bed.root / "data" / "raw" / "b.dvc").is_file()
    assert bed.erase("b").new is None
    assert bed.holding("mark-b") == {}
    assert not list(bed.root.glob("data/*/b*"))
    assert [entry.kind for entry in bed.entries()] == ["registered", "erase"]


def test_every_content_that_it_ever_had_goes(bed: Bed) -> None:
    """Rows that were replaced long ago under the same name, and a batch whose `.dvc` file somebody removed with git."""
    git(["rm", "--quiet", "data/raw/b.dvc"], cwd=bed.root)
    shutil.rmtree(bed.root / "data" / "raw" / "b")
    bed.add("b", "later-b", first=100)
    bed.publish()
    git(["rm", "--quiet", "data/raw/b.dvc"], cwd=bed.root)
    git(["commit", "--quiet", "--message", "less"], cwd=bed.root)
    bed.erase("b")
    assert (bed.holding("mark-b"), bed.holding("later-b")) == ({}, {})
    entry = bed.entries()[-1]
    assert isinstance(entry, EraseEntry)
    assert [len(digests) for digests in entry.batches.values()] == [2]
    # Version 1 was made of the rows of before.
    assert entry.trained == (1,)


def test_the_same_rows_stay_away_and_others_may_come(bed: Bed) -> None:
    """Under whatever name, with the entry named; the rest of a batch may come again, and outlives a second erasing."""
    bed.erase("b")
    git(["commit", "--quiet", "--all", "--message", "Erase b"], cwd=bed.root)
    for name in ("b", "d"):
        with pytest.raises(DataRefused, match=r"the content of what was erased on .* by ada \(ledger entry 2\), as b"):
            bed.add(name, "mark-b", first=100)
    assert bed.holding("mark-b") == {}
    bed.add("b", "cleaned-b", first=100)
    bed.publish()
    kept = bed.holding("cleaned-b")
    done = erase(bed.settings, Wish())
    assert (done.new, bed.holding("cleaned-b")) == (None, kept)


def test_a_pointer_that_comes_back_is_not_run_on(bed: Bed) -> None:
    """By a branch of before: whoever fetches or verifies is told, and what comes back leaves without a name."""
    bed.erase("b")
    git(["checkout", "--quiet", "HEAD", "--", "data/raw/b.dvc"], cwd=bed.root)
    model = read_params(bed.root).project.name
    with pytest.raises(DataRefused, match=r"batch b is tracked here, and its data was erased .*case 4711"):
        erased.require_none_erased(bed.root, bed.entries(), model)
    with pytest.raises(DataRefused, match="batch b is tracked here"):
        data.fetch(bed.settings)
    assert erase(bed.settings, Wish()).traces.paths == ("data/raw/b.dvc",)
    erased.require_none_erased(bed.root, bed.entries(), model)


def test_without_the_ledger_data_comes_in_and_it_is_said(bed: Bed, capsys: pytest.CaptureFixture[str]) -> None:
    """A machine without a network takes a batch; its next run asks again."""
    bed.erase("b")
    away = Bed(replace(bed.settings, git_remote=str(bed.home.parent / "nowhere")))
    away.add("d", "mark-b", first=100)
    assert "nobody knows here what was erased" in capsys.readouterr().out
    with pytest.raises(DataRefused, match="batch d is tracked here"):
        erased.require_none_erased(bed.root, bed.entries(), "little")


def test_looking_first_changes_nothing(bed: Bed) -> None:
    """It says what would go, needs neither reason nor role, and writes nothing."""
    before = {path: path.read_bytes() for path in bed.home.parent.rglob("*") if path.is_file()}
    somebody = Bed(settings_at(bed.root, bed.home.parent, "eve"))
    done = somebody.erase("b", reason="", dry_run=True)
    assert (done.new, done.entries, done.trained, done.judged) == (None, (), (1,), ())
    assert "data/raw/b.dvc" in done.traces.paths
    assert (len(done.traces.cached), len(done.traces.remote or ())) == (9, 9)
    after = {path: path.read_bytes() for path in bed.home.parent.rglob("*") if path.is_file()}
    own = (".git/ratchet", "home/", ".dvc/tmp")
    assert {str(path) for path in before.items() ^ after.items() if not any(each in str(path) for each in own)} == set()


@pytest.mark.parametrize(
    ("wish", "actor", "error", "words"),
    [
        (Wish(batches=("b",)), "ada", UsageError, "erasing needs a reason"),
        (Wish(batches=("b",), reason="why"), "eve", PromotionRefused, "eve may not do this: promotion.roles.erase"),
        (Wish(batches=("bb",), reason="why"), "ada", UsageError, "knows a batch bb, did you mean b"),
        (Wish(batches=("b", "new"), reason="why"), "ada", UsageError, "batch new was never tracked"),
        (Wish(batches=("../b",), reason="why"), "ada", UsageError, "cannot name a batch"),
        (Wish(), "ada", None, ""),
    ],
)
def test_what_cannot_be_erased_is_refused(
    bed: Bed, wish: Wish, actor: str, error: type[Exception] | None, words: str
) -> None:
    """Before anything is written or taken away; and of nothing that was erased there is nothing to take away."""
    (bed.root / "data" / "raw" / "new").mkdir()
    before = bed.holding("mark-b")
    settings = settings_at(bed.root, bed.home.parent, actor)
    if error is None:
        assert erase(settings, wish).batches == ()
    else:
        with pytest.raises(error, match=words):
            erase(settings, wish)
    assert (bed.holding("mark-b"), len(bed.entries())) == (before, 1)


@pytest.mark.parametrize("kind", [PermissionError, NotImplementedError])
def test_a_remote_that_fails_leaves_work_for_the_next_time(
    bed: Bed, monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    """Its error is one of something outside, the ledger has the entry, and the same command goes on."""

    def fail(*_: object) -> None:
        raise kind("no writing today")

    with monkeypatch.context() as patch:
        patch.setattr(ObjectDB, "delete", fail)
        with pytest.raises(ServiceFailed, match="not everything was taken away: no writing today"):
            bed.erase("b")
    assert [entry.kind for entry in bed.entries()] == ["registered", "erase"]
    bed.erase("b")
    assert (bed.holding("mark-b"), len(bed.entries())) == ({}, 2)


def test_what_another_model_has_stays_until_it_erases_it(tmp_path: Path) -> None:
    """Of two models that were made of the same rows each erases its own; with the second one the objects go."""
    with nobodys_machine(tmp_path):
        home = empty_repository(tmp_path)
        beds = {}
        for model in ("early", "late"):
            lay_out(home / "models" / model, model)
            beds[model] = Bed(settings_at(home / "models" / model, tmp_path))
            for place, name in enumerate("ab"):
                beds[model].add(name, first=100 * place)
            beds[model].publish()
        early, late = beds["early"], beds["late"]
        done = early.erase("b")
        assert set(done.traces.kept.values()) == {"models/late/data/raw/b.dvc", "models/late/dvc.lock"}
        others = late.holding("mark-b")
        assert others.keys() >= {str(late.root / "data" / name / "b" / "rows.csv") for name in ("raw", "features")}
        assert not any("models/early" in path for path in others)
        with dvc.project(late.root, late.settings.dvc_remote) as repo:
            assert dvc.status(repo) == {}
        late.erase("b")
        assert late.holding("mark-b") == {}
        assert [(entry.kind, entry.model) for entry in late.entries()] == [("erase", "early"), ("erase", "late")]


def test_a_folders_digest_is_that_of_dvc(bed: Bed) -> None:
    """Whoever takes data again has no `.dvc` file yet to compare with."""
    for name, digest in tracked_digests(bed.root).items():
        assert folder_digest(bed.root / "data" / "raw" / name) == digest
