"""Two models in one repository: each in its folder, with one ledger, one store and one cache between them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from tests.loop.conftest import Kept, Sandbox

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
DIABETES = ROOT / "tests" / "projects" / "diabetes"
ALPHAS = {"early": 2.0, "late": 1.0}
MACHINE = (".dvcignore", ".gitattributes", ".gitignore", ".dvc/config", ".dvc/.gitignore")
DATA = ("data/.gitignore", "data/raw/.gitignore", "data/lookups/.gitignore")


def edit(root: Path, **sections: dict[str, Any]) -> None:
    """Change keys of sections of a project's params.yaml."""
    path = root / "params.yaml"
    tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    for section, values in sections.items():
        tree[section] = {**tree.get(section, {}), **values}
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")


def add_model(sandbox: Sandbox, name: str, alpha: float) -> None:
    """Lay a project out in models/<name>, as docs/several-models.md says; the room is shared."""
    root = sandbox.root / "models" / name
    for file in DATA:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / file, root / file)
    pipeline = (ROOT / "dvc.yaml").read_text(encoding="utf-8").replace("- src/", "- ../../src/")
    (root / "dvc.yaml").write_text(pipeline, encoding="utf-8")
    shutil.copyfile(DIABETES / "params.yaml", root / "params.yaml")
    # Reruns that explain a change have tests of their own.
    quick = {"seeds": 0, "budget_seconds": 0}
    edit(root, project={"name": name}, model={"params": {"alpha": alpha}}, report=quick)


def lay_out(sandbox: Sandbox) -> None:
    """A repository with two projects and none at its top, committed and pushed."""
    for file in MACHINE:
        (sandbox.root / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / file, sandbox.root / file)
    for package in (ROOT / "src" / "ratchet", DIABETES / "src" / "diabetes"):
        shutil.copytree(package, sandbox.root / "src" / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    for name, alpha in ALPHAS.items():
        add_model(sandbox, name, alpha)
    (sandbox.base / "home").mkdir()
    (sandbox.base / "home" / ".gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n")
    local = f"[core]\n    remote = storage\n['remote \"storage\"']\n    url = {sandbox.dvc_remote}\n"
    (sandbox.root / ".dvc" / "config.local").write_text(local, encoding="utf-8")
    sandbox.git("init", "--quiet", "--initial-branch=main")
    sandbox.git("init", "--quiet", "--bare", "--initial-branch=main", str(sandbox.origin))
    sandbox.git("remote", "add", "origin", str(sandbox.origin))


@pytest.fixture(scope="session")
def _two(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    from tests.loop.conftest import Sandbox

    base = tmp_path_factory.mktemp("two")
    sandbox = Sandbox(base / "live")
    lay_out(sandbox)
    for name in ALPHAS:
        sandbox.ok("--model", name, "data", "pull", "--until", "part-04")
    sandbox.commit("Two models and their data")
    for name in ALPHAS:
        for command in ("run", "record"):
            sandbox.ok("--model", name, command)
    sandbox.commit("Reproduce both")
    sandbox.git("push", "--quiet", "origin", "main")
    # Both at once: the one ledger takes one after the other.
    with ThreadPoolExecutor() as pool:
        promoted = list(pool.map(lambda name: sandbox.ratchet("--model", name, "promote"), ALPHAS))
    assert [said.code for said in promoted] == [0, 0], promoted
    return sandbox, sandbox.keep(base / "served")


@pytest.fixture
def two(_two: Kept) -> Sandbox:
    """The models `early` and `late`, both trained, recorded and promoted."""
    sandbox, place = _two
    sandbox.restore(place)
    return sandbox


def listed(sandbox: Sandbox) -> dict[str, dict[str, Any]]:
    """What `ratchet models --json` says, by model."""
    lines = [json.loads(line) for line in sandbox.ok("models", "--json").splitlines()]
    return {str(line["name"]): line for line in lines}


def aliases(sandbox: Sandbox) -> dict[str, str]:
    """The run that MLflow's alias of each model names."""
    code = (
        "import json, mlflow; c = mlflow.MlflowClient(); "
        f"print(json.dumps({{n: c.get_model_version_by_alias(n, 'champion').run_id for n in {list(ALPHAS)}}}))"
    )
    said = sandbox.run([sys.executable, "-c", code])
    assert said.code == 0, said
    return dict(json.loads(said.out))


def test_each_has_its_own_champion_in_one_ledger(two: Sandbox) -> None:
    """Its own entries in its history, its own alias, its own model in the list; the ledger is one file of both."""
    ledger = two.git("--git-dir", str(two.origin), "show", "ratchet/ledger:ledger.jsonl").splitlines()
    entries = [json.loads(line) for line in ledger]
    assert [entry["sequence"] for entry in entries] == list(range(1, len(entries) + 1))
    promoted = {entry["model"]: entry["run_id"] for entry in entries if entry["kind"] == "promotion"}
    assert (promoted.keys(), aliases(two)) == (ALPHAS.keys(), promoted)
    for name in ALPHAS:
        history = [json.loads(line) for line in two.ok("--model", name, "history", "--json").splitlines()]
        assert {entry["model"] for entry in history} == {name}
    found = listed(two)
    assert [(each["folder"], each["version"], each["batch"]) for each in found.values()] == [
        ("models/early", 1, "part-04"),
        ("models/late", 1, "part-04"),
    ]


def test_a_change_in_one_leaves_the_other_alone(two: Sandbox) -> None:
    """Only the one that changed is trained and reported, from inside its folder, and only it is touched by the commit.

    A fetch for one removes nothing of the other.
    """
    root = two.root / "models" / "late"
    two.git("switch", "--quiet", "--create", "change")
    edit(root, model={"params": {"alpha": 30.0}})
    change = two.commit("Another alpha")
    others = two.digests("models/early")
    ran = two.ratchet("run", cwd=root)
    assert (ran.code, "train ran" in ran.out) == (0, True), ran
    assert "Nothing changed. Version 1 serves." in two.ok("--model", "early", "run")
    two.ok("--model", "late", "data", "fetch")
    assert two.digests("models/early") == others
    assert two.ok("models", "--pick", "--since", "main") == "late\n"
    two.commit("Reproduce late")
    report = two.ratchet("report", "--base", "main", cwd=root / "data")
    assert report.code == 0, report
    said = (root / "reports" / "report.md").read_text(encoding="utf-8")
    assert "late" in said.splitlines()[0]
    for part in ("model.params.alpha", "Against main", "stages:** 3 ran"):
        assert part in said
    assert not (two.root / "reports").exists()
    assert two.git("rev-parse", "HEAD~1") == change


def test_lock_of_one_goes_on_top_of_what_another_published(two: Sandbox) -> None:
    """Two runs of one commit publish one after the other, and the branch has the results of both."""
    for name in ALPHAS:
        edit(two.root / "models" / name, model={"params": {"alpha": 3.0}})
    two.commit("Another alpha for both")
    two.git("push", "--quiet", "origin", "main")
    clone = two.base / "clone"
    shutil.copytree(two.root, clone, symlinks=True)
    for place, name in ((two.root, "early"), (clone, "late")):
        lock = place / "models" / name / "dvc.lock"
        lock.write_text(lock.read_text(encoding="utf-8") + "# made anew\n", encoding="utf-8")
        said = two.ratchet("--model", name, "publish", cwd=place)
        assert (said.code, "pushed to main" in said.out) == (0, True), said
    two.git("fetch", "--quiet", "origin")
    locks = [two.git("show", f"origin/main:models/{name}/dvc.lock") for name in ALPHAS]
    assert [lock.endswith("# made anew") for lock in locks] == [True, True]
    subjects = two.git("log", "-2", "--format=%s", "origin/main").splitlines()
    assert [subject.split()[0] for subject in subjects] == ["Reproduce", "Reproduce"]


def test_a_name_that_is_not_there_is_refused(two: Sandbox) -> None:
    """The nearest one is named; and at the top, where no project is, which there are and how to name one."""
    said = two.ratchet("--model", "lat", "run")
    assert (said.code, "did you mean late?" in said.error) == (2, True), said
    nowhere = two.ratchet("data", "list")
    assert nowhere.code == 2, nowhere
    assert "early in models/early, late in models/late" in nowhere.error
    assert "next: name the one you mean: ratchet --model early data list" in nowhere.error


def test_what_to_do_next_can_be_typed_as_it_stands(two: Sandbox) -> None:
    """From the top: the model, the folder that paths begin in, and paths that git takes there."""
    pulled = two.ok("--model", "late", "data", "pull", "--until", "part-05")
    assert "git add models/late/data, git commit" in pulled
    two.git("add", "models/late/data")
    said = two.ratchet("--model", "late", "data", "show", "part-09")
    assert "\n  in: models/late\n  next: ratchet --model late data list shows" in said.error, said


def test_what_all_models_share_needs_none(two: Sandbox) -> None:
    """The one queue, and the one set of keys: the first one asks for every model's signature, and says how."""
    assert two.ok("queue") == "nothing waits\n"
    made = two.ok("keys", "new", "release")
    assert "ratchet --model early keys sign and ratchet --model late keys sign" in made
    assert (two.root / "keys" / "release.pub").is_file()


def test_a_server_serves_the_model_that_was_named(two: Sandbox) -> None:
    """Also if the environment names another one, which the processes that it starts would go by."""
    command = two.command("--model", "early", "serve", "--port", "0")
    environment = {**two.environment, "RATCHET_MODEL": "late"}
    with subprocess.Popen(command, cwd=two.root, env=environment, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline().startswith("serving early version 1 at ")
        finally:
            server.terminate()
    assert not (two.root / "models" / "late" / ".ratchet" / "serving").exists()
