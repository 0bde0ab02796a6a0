"""Finding the projects of a repository: which there are, which one is meant, and which a change touches."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.errors import UsageError
from ratchet.io.dvc_folder import FolderRepo
from ratchet.io.projects import FoundProject, find_projects, project_named, require_own_name, touched
from ratchet.io.room import room_folder
from ratchet.settings import find_home, load_settings, shared, source_folders

PARAMS = "project: {{name: {name}, room: {room}, task: binary, target: y}}\n"
TOP = FoundProject(name="top", folder=".", room="rooms")
LATE = FoundProject(name="late", folder="models/late", room="flights")
LOST = FoundProject(name="lost", folder="models/lost", room="flights")


def project(home: Path, folder: str, name: str, room: str = "flights") -> Path:
    """A folder with what makes a project."""
    root = home / folder
    root.mkdir(parents=True, exist_ok=True)
    (root / "params.yaml").write_text(PARAMS.format(name=name, room=room), encoding="utf-8")
    (root / "dvc.yaml").write_text("stages: {}\n", encoding="utf-8")
    return root


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty repository."""
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / ".dvc").mkdir()
    return tmp_path


def test_every_project_is_found_by_folder(home: Path) -> None:
    """The one at the top and those below, in order; no folder without a pipeline, and none that git ignores."""
    for folder, name in ((".", "top"), ("models/lost", "lost"), ("models/late", "late"), ("old/late", "ignored")):
        project(home, folder, name)
    (home / ".gitignore").write_text("/old/\n", encoding="utf-8")
    (home / "tests").mkdir()
    (home / "tests" / "params.yaml").write_text("{}", encoding="utf-8")
    assert [(each.folder, each.name, each.task) for each in find_projects(home)] == [
        (".", "top", "binary"),
        ("models/late", "late", "binary"),
        ("models/lost", "lost", "binary"),
    ]


@pytest.mark.parametrize("text", ["project: 3\n", "project: [\n", "- a\n", "project: {name: 3}\n"])
def test_a_project_that_cannot_be_read_holds_up_no_other(home: Path, text: str) -> None:
    """It is listed without a name, and the others are found."""
    project(home, "models/late", "late")
    (project(home, "models/broken", "broken") / "params.yaml").write_text(text, encoding="utf-8")
    assert [each.name for each in find_projects(home)] == ["", "late"]
    assert project_named(home, "late") == home / "models" / "late"


def test_a_name_that_nobody_has_names_the_nearest(home: Path) -> None:
    """And all that there are."""
    project(home, "models/late", "late")
    project(home, "models/lost", "lost")
    with pytest.raises(UsageError, match="the model lat, did you mean late") as refused:
        project_named(home, "lat")
    assert refused.value.next_step == "there are: late, lost"


def test_two_of_one_name_are_refused(home: Path) -> None:
    """Both places are named, whether one is looked for or one of them records a run."""
    places = [project(home, folder, "late") for folder in ("models/a", "models/b")]
    for refuse in (lambda: project_named(home, "late"), lambda: require_own_name(places[0], "late")):
        with pytest.raises(UsageError, match="models/a and models/b both have a model late"):
            refuse()
    require_own_name(places[0], "lost")


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["models/late/data/raw/x.dvc"], ["late"]),
        (["data/raw/x.dvc"], ["top"]),
        (["src/flights/features.py"], ["late", "lost"]),
        (["src/rooms/features.py", "models/lost/params.yaml"], ["top", "lost"]),
        (["src/ratchet/core/split.py"], ["top", "late", "lost"]),
        (["requirements/run.txt"], ["top", "late", "lost"]),
        (["models/later/params.yaml"], ["top"]),
        ([], []),
    ],
)
def test_a_change_touches_those_that_it_can_change(paths: list[str], expected: list[str]) -> None:
    """A folder is its project's, a room of those that name it, shared code of all."""
    assert [each.name for each in touched([TOP, LATE, LOST], paths)] == expected


@given(st.lists(st.sampled_from(["models/late/a", "models/lost/b", "src/flights/c", "src/x/d", "README.md", "e/f"])))
def test_what_a_change_touches_is_what_its_files_touch(paths: list[str]) -> None:
    """Together they touch no more and no less than each by itself, whatever their order."""
    projects = [TOP, LATE, LOST]
    alone = {each.name for path in paths for each in touched(projects, [path])}
    assert {each.name for each in touched(projects, paths)} == alone
    assert touched(projects, paths[::-1]) == touched(projects, paths)


def test_projects_share_what_lies_at_the_top(home: Path) -> None:
    """Settings, sources and locked libraries; a room of its own comes first."""
    root = project(home, "models/late", "late")
    assert (find_home(root), find_home(home)) == (home, home)
    assert shared(root, "requirements/run.txt") == "../../requirements/run.txt"
    assert shared(home, "src") == "src"
    assert source_folders(root) == (root / "src", home / "src")
    (home / "src" / "flights").mkdir(parents=True)
    assert room_folder(root, "flights") == home / "src" / "flights"
    (root / "src" / "flights").mkdir(parents=True)
    assert room_folder(root, "flights") == root / "src" / "flights"
    (home / ".ratchet").mkdir()
    (home / ".ratchet" / "env").write_text("RATCHET_REMOTE=forge\n", encoding="utf-8")
    settings = load_settings(root, {})
    assert (settings.git_remote, settings.private) == ("forge", root / ".ratchet")
    assert settings.mlflow_uri == f"sqlite:///{home / '.ratchet' / 'mlflow.db'}"


def test_dvc_sees_one_project_at_a_time(home: Path) -> None:
    """The one at the top does not see those below it, and none of these the others; what DVC linked stays its own."""
    (home / ".dvc" / "config").write_text("[core]\n    analytics = false\n", encoding="utf-8")
    below = [project(home, f"models/{name}", name) for name in ("late", "lost")]
    project(home, ".", "top")
    for root in (home, *below):
        text = f"stages: {{only: {{cmd: 'true', outs: [{root.name}.txt]}}}}\n"
        (root / "dvc.yaml").write_text(text, encoding="utf-8")
    for root in (home, *below):
        with FolderRepo(root, config={}) as repo:
            assert [out.def_path for out in repo.index.outs] == [f"{root.name}.txt"]
            owned = [repo.owns(path) for path in ("data/raw", "models/late/data", "models/lost/data", "models/later")]
        assert owned == {home: [True, False, False, True], below[0]: [False, True, False, False]}.get(
            root, [False, False, True, False]
        )
