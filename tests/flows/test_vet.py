"""A fork's pull request gets numbers only where everything fits, and a green status never."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ratchet.cli.app import app
from ratchet.core.fork.comment import WAITS
from ratchet.errors import DataRefused, UsageError
from ratchet.flows.comment import ACTIONS_BOT
from ratchet.flows.vet import ARTIFACT, Vetted, vet
from ratchet.io.bundle import LARGEST_ZIP
from ratchet.io.github.client import Artifact, Comment, GitHubFailed, Pull, Status
from ratchet.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parents[2]
OURS, THEIRS = "acme/model", "mallory/model"
NUMBER, RUN = 7, 4711
FEATURES = "src/flights/features.py"
GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "m", "GIT_AUTHOR_EMAIL": "m@example.org",
    "GIT_COMMITTER_NAME": "m", "GIT_COMMITTER_EMAIL": "m@example.org",
}  # fmt: skip


def git(*arguments: str, cwd: Path) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], **GIT},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def committed(folder: Path, **texts: str | None) -> str:
    """Write files, or remove them, and commit; returns the commit."""
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            path.unlink()
        else:
            path.write_text(text, encoding="utf-8")
    git("add", "--all", cwd=folder)
    git("commit", "--quiet", "--allow-empty", "-m", "change", cwd=folder)
    return git("rev-parse", "HEAD", cwd=folder)


@dataclass(kw_only=True)
class Hub:
    """GitHub's answers about one pull request, kept in memory; `before_pull` runs as the pull request is asked for."""

    request: Pull
    packed: list[Path]
    repository: str = OURS
    before_pull: Callable[[Hub], object] = id
    others: list[Pull] = field(default_factory=list)
    expired: bool = False
    read_only: bool = False
    written: list[Comment] = field(default_factory=list)
    statuses: list[tuple[str, Status]] = field(default_factory=list)
    downloads: int = 0

    def pull(self, number: int) -> Pull:
        assert number == NUMBER
        self.before_pull(self)
        return replace(self.request, changed_files=None)

    def pulls_by_head(self, owner: str, branch: str) -> list[Pull]:
        found = [self.request, *self.others]
        return [
            pull
            for pull in found
            if (pull.head_repository.split("/")[0], pull.head_branch, pull.state) == (owner, branch, "open")
        ]

    def artifacts(self, run: int, *, name: str = "") -> list[Artifact]:
        assert (run, name) == (RUN, ARTIFACT)
        return [
            Artifact(id=place, name=name, size=path.stat().st_size, expired=self.expired)
            for place, path in enumerate(self.packed)
        ]

    def download_artifact(self, artifact: int, into: Path, *, limit: int) -> None:
        assert limit == LARGEST_ZIP
        self.downloads += 1
        shutil.copyfile(self.packed[artifact], into)

    def set_status(self, sha: str, status: Status) -> None:
        self._may_write()
        self.statuses.append((sha, status))

    def viewer(self) -> str | None:
        return None

    def comments(self, number: int) -> list[Comment]:
        assert number == NUMBER
        return self.written

    def add_comment(self, number: int, body: str) -> Comment:
        assert number == NUMBER
        self._may_write()
        self.written.append(Comment(id=len(self.written), author=ACTIONS_BOT, body=body, page=""))
        return self.written[-1]

    def edit_comment(self, comment: int, body: str) -> Comment:
        self.written[comment] = replace(self.written[comment], body=body)
        return self.written[comment]

    def delete_comment(self, comment: int) -> None:
        del self.written[comment]

    def _may_write(self) -> None:
        if self.read_only:
            raise GitHubFailed("GitHub did not write: 403", status=403)


@dataclass(kw_only=True)
class Scene:
    """A repository, a fork's commit in it, what GitHub says, and the trusted checkout."""

    base: str
    fork: Path
    origin: Path
    hub: Hub
    settings: Settings
    event: dict[str, Any]
    place: Path

    def change(self, **texts: str | None) -> str:
        """The fork pushes a commit, and its run is over."""
        head = committed(self.fork, **texts)
        git("push", "--quiet", "--force", str(self.origin), f"HEAD:refs/pull/{NUMBER}/head", cwd=self.fork)
        self.hub.request = replace(self.hub.request, head_sha=head)
        self.event["workflow_run"]["head_sha"] = head
        self.pack(self.result())
        return head

    def result(self, **changes: Any) -> bytes:
        """The `result.json` of an honest run, but for `changes`."""
        loss = {"name": "log_loss", "base": 0.5, "change": 0.4, "low": 0.05, "high": 0.15}
        honest = {
            "format": 1, "base": self.base, "head": self.hub.request.head_sha, "task": "binary",
            "rows": 1470, "clusters": 30, "metrics": [loss],
        }  # fmt: skip
        return json.dumps({**honest, **changes}).encode()

    def pack(self, *contents: bytes, name: str = "result.json") -> None:
        """The run leaves one artifact for each of `contents`."""
        self.hub.packed = [self.place / f"{number}.zip" for number in range(len(contents))]
        for path, content in zip(self.hub.packed, contents, strict=True):
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(name, content)

    def vet(self, run_id: int = RUN) -> Vetted:
        """The second look; whatever comes of it, no status is ever anything but pending."""
        (self.place / "event.json").write_text(json.dumps(self.event), encoding="utf-8")
        try:
            return vet(self.settings, run_id=run_id, hub=self.hub)
        finally:
            assert {(status.state, status.description) for _, status in self.hub.statuses} <= {("pending", WAITS)}

    @property
    def said(self) -> list[str]:
        """The comments in the conversation."""
        return [comment.body for comment in self.hub.written]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository, a fork of it with one proposal that its run was made of, and a shallow checkout."""
    place = tmp_path_factory.mktemp("template")
    origin, fork = place / "origin.git", place / "fork"
    git("init", "--quiet", "--bare", "--initial-branch=main", str(origin), cwd=place)
    git("init", "--quiet", "--initial-branch=main", str(fork), cwd=place)
    committed(fork, **{"README.md": "older history"})
    params = (ROOT / "params.yaml").read_text(encoding="utf-8")
    committed(fork, **{"params.yaml": params, FEATURES: "a = 1\n", "src/ratchet/core/gate.py": "b = 1\n"})
    git("push", "--quiet", str(origin), "main", cwd=fork)
    git("clone", "--quiet", "--depth=1", origin.as_uri(), "checkout", cwd=place)
    committed(fork, **{FEATURES: "a = 2\n"})
    git("push", "--quiet", str(origin), f"HEAD:refs/pull/{NUMBER}/head", cwd=fork)
    return place


@pytest.fixture
def scene(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """A fork that proposes another feature, honestly."""
    for name, value in {**GIT, "HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    place = tmp_path / "scene"
    shutil.copytree(template, place)
    config = place / "checkout" / ".git" / "config"
    config.write_text(config.read_text(encoding="utf-8").replace(str(template), str(place)), encoding="utf-8")
    head, base = git("rev-list", "--max-count=2", "HEAD", cwd=place / "fork").split()
    event = {
        "id": RUN, "event": "pull_request", "conclusion": "success", "head_sha": head, "head_branch": "better",
        "head_repository": {"full_name": THEIRS}, "html_url": "https://github.com/acme/model/actions/runs/4711",
    }  # fmt: skip
    request = Pull(
        number=NUMBER, state="open", head_sha=head, head_branch="better", head_repository=THEIRS,
        base_sha=base, base_branch="main", changed_files=None,
    )  # fmt: skip
    environment = {"GITHUB_EVENT_PATH": str(place / "event.json"), "GITHUB_REPOSITORY": OURS, "RATCHET_ACTOR": "m"}
    made = Scene(
        base=base, fork=place / "fork", origin=place / "origin.git", hub=Hub(request=request, packed=[]),
        settings=load_settings(place / "checkout", environment), event={"workflow_run": event}, place=place,
    )  # fmt: skip
    made.pack(made.result())
    return made


def test_an_honest_result_is_posted_as_a_hint(scene: Scene) -> None:
    """The numbers stand in one comment that says whose they are; the status waits, on the commit that was run."""
    vetted = scene.vet()
    assert (vetted.state, vetted.number, vetted.problems) == ("posted", NUMBER, ())
    (said,) = scene.said
    assert said.startswith("<!-- ratchet:report:flights-late -->\n")
    assert "| log_loss ↓ | 0.5000 | 0.4000 |" in said
    assert "nobody here has made them again" in said
    assert [(sha, status.state) for sha, status in scene.hub.statuses] == [(scene.hub.request.head_sha, "pending")]


def test_another_push_changes_the_same_comment(scene: Scene) -> None:
    """A pull request has one comment, however often it is run."""
    scene.vet()
    head = scene.change(**{FEATURES: "a = 3\n"})
    scene.vet()
    (said,) = scene.said
    assert f"`{head[:9]}`" in said


POLICY: Mapping[str, dict[str, str | None]] = {
    "an edited workflow": {".github/workflows/pull-request.yaml": "on: push\n"},
    "a new workflow": {".github/workflows/x.yml": "name: Pull request\n"},
    "an edited gate": {"src/ratchet/core/gate.py": "b = 2\n"},
    "a removed gate": {"src/ratchet/core/gate.py": None},
    "an edited pipeline": {"dvc.yaml": "stages: {}\n"},
    "edited libraries": {"requirements/run.txt": "evil\n"},
    "an edited Makefile": {"Makefile": "x:\n"},
    "edited attributes": {".gitattributes": "* x\n"},
    "an edited sample": {"data/sample/raw/2013-01/rows.parquet": "x"},
    "a package in the way": {"src/numpy/__init__.py": "raise\n"},
}


@pytest.mark.parametrize("texts", POLICY.values(), ids=POLICY)
def test_what_decides_keeps_the_numbers_back(scene: Scene, texts: dict[str, str | None]) -> None:
    """The comment names the file and shows no number; the artifact is not even asked for."""
    scene.change(**{FEATURES: "a = 2\n", **texts})
    assert scene.vet().state == "posted"
    (said,) = scene.said
    assert (f"- `{next(iter(texts))}`: " in said, "log_loss" in said, scene.hub.downloads) == (True, False, 0)


def test_a_file_moved_away_is_seen_by_its_old_name(scene: Scene) -> None:
    """A rename removes the old file: both names count."""
    (scene.fork / "docs").mkdir()
    git("mv", "src/ratchet/core/gate.py", "docs/gate.py", cwd=scene.fork)
    scene.change()
    scene.vet()
    assert "`src/ratchet/core/gate.py`: the machine that judges" in scene.said[0]


def test_files_are_those_of_the_commit_that_ran(scene: Scene) -> None:
    """A clean commit pushed while we look lends its files to nobody: the artifact is of the one before it."""
    head = scene.change(**{"src/ratchet/core/gate.py": "b = 2\n"})
    git("push", "--quiet", "--force", str(scene.origin), f"{scene.base}:refs/pull/{NUMBER}/head", cwd=scene.fork)
    git("push", "--quiet", str(scene.origin), f"{head}:refs/heads/kept", cwd=scene.fork)
    git("fetch", "--quiet", "origin", "kept", cwd=scene.settings.root)
    scene.vet()
    assert ("`src/ratchet/core/gate.py`" in scene.said[0], scene.hub.downloads) == (True, 0)


def test_a_file_name_is_no_markup(scene: Scene) -> None:
    """A hostile path is shown on one line, but nothing in it acts."""
    scene.change(**{"x`](evil)<img src=x> @all\n## hi.md": ""})
    scene.vet()
    assert "- `x??(evil)?img src=x? ?all??? hi.md`: not known to have no say\n" in scene.said[0]


@pytest.mark.parametrize("old", ["alpha: 0.10", "holdout: 1", "roc_auc: {min: 0.6}", "task: binary"])
def test_a_section_that_judges_keeps_the_numbers_back(scene: Scene, old: str) -> None:
    """Another gate or split in params.yaml makes another judgement."""
    text = (scene.fork / "params.yaml").read_text(encoding="utf-8")
    scene.change(**{"params.yaml": text.replace(old, f"{old.partition(':')[0]}: 0.5")})
    scene.vet()
    assert ("`params.yaml: " in scene.said[0], "log_loss" in scene.said[0]) == (True, False)


def test_the_models_own_parameters_may_change(scene: Scene) -> None:
    """That is what a pull request is for."""
    text = (scene.fork / "params.yaml").read_text(encoding="utf-8")
    scene.change(**{"params.yaml": text.replace("max_iter: 100", "max_iter: 200")})
    scene.vet()
    assert "| log_loss ↓ |" in scene.said[0]


def test_a_hostile_params_file_keeps_the_numbers_back(scene: Scene) -> None:
    """One that grows without end when it is read is not read."""
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40))]
    scene.change(**{"params.yaml": "\n".join(lines)})
    scene.vet()
    assert "`params.yaml`: one of its two versions cannot be read" in scene.said[0]


def test_data_are_said_to_be_left_out(scene: Scene) -> None:
    """The sample stands in for all data, so numbers say nothing about a new batch."""
    scene.change(**{"data/raw/2013-08.dvc": "outs: []\n"})
    scene.vet()
    assert "changes 1 file of data" in scene.said[0]


REFUSED: Mapping[str, Callable[[Scene], None]] = {
    "no artifact": lambda scene: scene.pack(),
    "two artifacts of the same name": lambda scene: scene.pack(scene.result(), scene.result()),
    "an expired artifact": lambda scene: setattr(scene.hub, "expired", True),
    "a path that leads out": lambda scene: scene.pack(scene.result(), name="../result.json"),
    "a bomb": lambda scene: scene.pack(b"0" * 50_000_000),
    "an archive that is too large": lambda scene: scene.pack(os.urandom(LARGEST_ZIP + 1)),
    "markup": lambda scene: scene.pack(scene.result(note="<img src=x onerror=alert(1)>")),
    "not a number": lambda scene: scene.pack(scene.result().replace(b"0.5", b"NaN")),
    "another head": lambda scene: scene.pack(scene.result(head="b" * 40)),
    "another base": lambda scene: scene.pack(scene.result(base="b" * 40)),
    "another task": lambda scene: scene.pack(
        scene.result(task="multiclass", metrics=[{"name": "accuracy", "base": 1, "change": 1, "low": 0, "high": 0}])
    ),
}


@pytest.mark.parametrize("spoil", REFUSED.values(), ids=REFUSED)
def test_a_bad_artifact_is_refused_and_said_to_be(scene: Scene, spoil: Callable[[Scene], None]) -> None:
    """A typed error ends the look, the conversation says so without a number, and the gate stays closed."""
    spoil(scene)
    with pytest.raises(DataRefused):
        scene.vet()
    (said,) = scene.said
    assert ("something that is not shown" in said, "log_loss" in said, "<img" in said) == (True, False, False)
    assert [status.state for _, status in scene.hub.statuses] == ["pending"]


def test_a_commit_that_is_no_part_of_this_repository_is_refused(scene: Scene) -> None:
    """A history of its own has no base here to be compared with."""
    git("checkout", "--quiet", "--orphan", "alone", cwd=scene.fork)
    scene.change(**{FEATURES: "a = 5\n"})
    with pytest.raises(DataRefused, match="no commit in common"):
        scene.vet()


@pytest.mark.parametrize("state", ["closed", "moved on"])
def test_nothing_is_posted_to_what_is_over(scene: Scene, state: str) -> None:
    """A closed pull request is left alone, and so is one whose head is another commit by now."""
    over = {"state": "closed"} if state == "closed" else {"head_sha": "c" * 40}
    scene.hub.request = replace(scene.hub.request, **over)  # type: ignore[arg-type]  # one field or the other
    expected = "gone" if state == "closed" else "outdated"
    assert (scene.vet().state, scene.said, scene.hub.statuses, scene.hub.downloads) == (expected, [], [], 0)


@pytest.mark.parametrize("good", [True, False])
def test_nothing_is_posted_to_what_moves_on_meanwhile(scene: Scene, good: bool) -> None:
    """A push between the first look and the post makes the numbers, and a refusal of them, outdated."""
    scene.hub.before_pull = lambda hub: setattr(hub, "request", replace(hub.request, head_sha="c" * 40))
    scene.pack(scene.result() if good else b"{}")
    assert (scene.vet().state, scene.said, scene.hub.downloads) == ("outdated", [], 1)


def test_another_fork_of_the_same_owner_is_another(scene: Scene) -> None:
    """A branch of the same name in a second fork does not lend its pull request."""
    scene.hub.request = replace(scene.hub.request, head_repository="mallory/other")
    assert (scene.vet().state, scene.said) == ("gone", [])


def test_two_pull_requests_with_one_head_are_refused(scene: Scene) -> None:
    """Which of them the result is of cannot be told, and the artifact is not asked."""
    scene.hub.others = [replace(scene.hub.request, number=8, base_branch="release")]
    with pytest.raises(DataRefused, match="2 open pull requests"):
        scene.vet()
    assert scene.said == []


def test_a_branch_of_this_repository_is_no_fork(scene: Scene) -> None:
    """It posts its own report; the name is compared as GitHub does, without regard to case."""
    scene.event["workflow_run"]["head_repository"]["full_name"] = OURS.upper()
    with pytest.raises(UsageError, match="branch of this repository"):
        scene.vet()


def test_a_deleted_fork_is_gone(scene: Scene) -> None:
    """There is nobody left to tell."""
    scene.event["workflow_run"]["head_repository"] = None
    assert scene.vet().state == "gone"


@pytest.mark.parametrize("change", [{"id": 1}, {"event": "push"}, {"head_sha": None, "html_url": None, "id": None}])
def test_only_the_end_of_that_run_is_vetted(scene: Scene, change: dict[str, Any]) -> None:
    """The run that is named is the one that the event is about."""
    scene.event["workflow_run"] |= change
    with pytest.raises(UsageError, match=r"workflow_run|not the end of run"):
        scene.vet()


@pytest.mark.parametrize("payload", ["", "[]", "{}", '{"workflow_run": 5}', "null"])
def test_no_event_is_a_usage_error(scene: Scene, payload: str) -> None:
    """Outside report.yaml there is nothing to vet."""
    (scene.place / "event.json").write_text(payload, encoding="utf-8")
    with pytest.raises(UsageError):
        vet(scene.settings, run_id=RUN, hub=scene.hub)


def test_a_run_that_failed_is_said_to_have_failed(scene: Scene) -> None:
    """The comment leads to its log, and asks for no artifact."""
    scene.event["workflow_run"]["conclusion"] = "failure"
    assert scene.vet().state == "posted"
    assert ("did not succeed" in scene.said[0], "actions/runs/4711" in scene.said[0]) == (True, True)
    assert scene.hub.downloads == 0


@pytest.mark.parametrize("conclusion", ["cancelled", "action_required", "skipped", None])
def test_a_run_that_was_called_off_needs_no_words(scene: Scene, conclusion: str | None) -> None:
    """Another run follows it, or somebody has to allow it first; a status that stands is left alone."""
    scene.event["workflow_run"]["conclusion"] = conclusion
    assert (scene.vet().state, scene.said, scene.hub.statuses) == ("nothing", [], [])


def test_what_github_will_not_take_is_handed_back(scene: Scene) -> None:
    """A token that may not write fails nothing: the text is there for the summary, and the problems are named."""
    scene.hub.read_only = True
    vetted = scene.vet()
    assert (vetted.state, len(vetted.problems), "log_loss" in vetted.markdown) == ("not posted", 2, True)


def test_the_checkout_stays_what_it_was(scene: Scene) -> None:
    """Nothing of the fork is checked out: its commits come as objects that nobody runs."""
    before = git("status", "--porcelain", "--branch", cwd=scene.settings.root)
    scene.vet()
    assert git("status", "--porcelain", "--branch", cwd=scene.settings.root) == before
    assert (scene.settings.root / FEATURES).read_text(encoding="utf-8") == "a = 1\n"


def test_the_command_says_that_it_needs_a_token(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a token it ends with the code for a service that did not answer, and looks at nothing."""
    for name in ("GITHUB_TOKEN", "RATCHET_GITHUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    done = CliRunner().invoke(app, ["--project", str(scene.settings.root), "vet", "--run-id", str(RUN)])
    assert isinstance(done.exception, GitHubFailed)
    assert done.exception.exit_code == 5
