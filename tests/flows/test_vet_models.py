"""A fork's pull request in a repository of several models: each that it touches is vetted by itself."""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from ratchet.errors import DataRefused
from ratchet.flows.comment import ACTIONS_BOT
from ratchet.flows.vet import Vetted, touched_roots, vet
from ratchet.io.github.client import Artifact, Comment, Pull, Status
from ratchet.settings import Settings, load_settings

OURS, THEIRS = "acme/models", "mallory/models"
NUMBER, RUN = 7, 4711
PARAMS = (Path(__file__).resolve().parents[1] / "projects" / "diabetes" / "params.yaml").read_text(encoding="utf-8")
WHO = {f"GIT_{role}_{what}": "m@x" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def git(cwd: Path, *arguments: str) -> str:
    """Run git; returns what it says."""
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", **WHO}
    done = subprocess.run(["git", *arguments], cwd=cwd, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def committed(folder: Path, texts: Mapping[str, str]) -> str:
    """Write files and commit them; returns the commit."""
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", "change")
    return git(folder, "rev-parse", "HEAD")


@dataclass(kw_only=True)
class Hub:
    """GitHub's answers about the one pull request, kept in memory."""

    request: Pull
    archive: Path
    repository: str = OURS
    written: list[Comment] = field(default_factory=list)
    statuses: list[tuple[str, str]] = field(default_factory=list)

    def pull(self, number: int) -> Pull:
        assert number == NUMBER
        return self.request

    def pulls_by_head(self, owner: str, branch: str) -> list[Pull]:
        assert (owner, branch) == ("mallory", "better")
        return [self.request]

    def artifacts(self, run: int, *, name: str = "") -> list[Artifact]:
        assert run == RUN
        return [Artifact(id=1, name=name, size=self.archive.stat().st_size, expired=False)]

    def download_artifact(self, artifact: int, into: Path, *, limit: int) -> None:
        assert (artifact, self.archive.stat().st_size < limit) == (1, True)
        into.write_bytes(self.archive.read_bytes())

    def set_status(self, sha: str, status: Status) -> None:
        assert sha == self.request.head_sha
        self.statuses.append((status.context, status.state))

    def viewer(self) -> str | None:
        return None

    def comments(self, number: int) -> list[Comment]:
        assert number == NUMBER
        return self.written

    def add_comment(self, number: int, body: str) -> Comment:
        assert number == NUMBER
        self.written.append(Comment(id=len(self.written), author=ACTIONS_BOT, body=body, page=""))
        return self.written[-1]

    def edit_comment(self, comment: int, body: str) -> Comment:
        self.written[comment] = replace(self.written[comment], body=body)
        return self.written[comment]

    def delete_comment(self, comment: int) -> None:
        del self.written[comment]


@dataclass(kw_only=True)
class Scene:
    """A trusted checkout of two models, a fork, and what its run left."""

    place: Path
    hub: Hub
    base: str

    @property
    def checkout(self) -> Path:
        """The repository's own, at its default branch."""
        return self.place / "checkout"

    def settings(self, root: Path) -> Settings:
        """The settings of a project of it, in the workflow that vets."""
        return load_settings(root, {"GITHUB_EVENT_PATH": str(self.place / "event.json"), "RATCHET_ACTOR": "m"})

    def propose(self, texts: Mapping[str, str], *, left: tuple[str, ...], conclusion: str = "success") -> None:
        """The fork changes files, and its run leaves the results of the models in `left`."""
        fork = self.place / "fork"
        head = committed(fork, texts)
        git(fork, "push", "--quiet", str(self.place / "origin.git"), f"HEAD:refs/pull/{NUMBER}/head")
        self.hub.request = replace(self.hub.request, head_sha=head)
        loss = {"name": "squared_error", "base": 3000.0, "change": 2900.0, "low": 50.0, "high": 150.0}
        result = {"format": 1, "base": self.base, "head": head, "task": "regression", "rows": 111, "clusters": None}
        with zipfile.ZipFile(self.hub.archive, "w") as archive:
            for name in left:
                archive.writestr(f"{name}/result.json", json.dumps({**result, "metrics": [loss]}))
        event = {
            "id": RUN, "event": "pull_request", "conclusion": conclusion, "head_sha": head, "head_branch": "better",
            "head_repository": {"full_name": THEIRS}, "html_url": "https://github.com/acme/models/actions/runs/4711",
        }  # fmt: skip
        (self.place / "event.json").write_text(json.dumps({"workflow_run": event}), encoding="utf-8")

    def touched(self) -> list[str]:
        """The folders of the models that are to be vetted."""
        roots = touched_roots(self.settings(self.checkout), run_id=RUN, hub=self.hub)
        return [root.relative_to(self.checkout).as_posix() for root in roots]

    def vet(self, name: str) -> Vetted:
        """The second look at one model."""
        return vet(self.settings(self.checkout / "models" / name), run_id=RUN, hub=self.hub)


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """The models `early` and `late`, with rooms of their own at the top."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", "origin.git")
    git(tmp_path, "init", "--quiet", "--initial-branch=main", "fork")
    texts = {"README.md": "words\n"}
    for name in ("early", "late"):
        params = PARAMS.replace("name: diabetes-progression", f"name: {name}")
        texts[f"models/{name}/params.yaml"] = params.replace("room: diabetes", f"room: {name}_room")
        texts[f"models/{name}/dvc.yaml"] = "stages: {}\n"
        texts[f"src/{name}_room/features.py"] = "a = 1\n"
    base = committed(tmp_path / "fork", texts)
    git(tmp_path / "fork", "push", "--quiet", str(tmp_path / "origin.git"), "main")
    git(tmp_path, "clone", "--quiet", "--depth=1", (tmp_path / "origin.git").as_uri(), "checkout")
    request = Pull(
        number=NUMBER, state="open", head_sha=base, head_branch="better", head_repository=THEIRS, base_sha=base,
        base_branch="main", changed_files=None,
    )  # fmt: skip
    return Scene(place=tmp_path, hub=Hub(request=request, archive=tmp_path / "a.zip"), base=base)


def room(*names: str) -> dict[str, str]:
    """A change of the features of these models."""
    return {f"src/{name}_room/features.py": "a = 2\n" for name in names}


def test_each_model_that_is_touched_has_its_numbers(scene: Scene) -> None:
    """In a comment of its own; the status of each waits, and what the other changes keeps nothing back."""
    scene.propose({**room("early", "late"), "models/early/data/x.dvc": "x\n"}, left=("early", "late"))
    assert scene.touched() == ["models/early", "models/late"]
    assert [scene.vet(name).state for name in ("early", "late")] == ["posted", "posted"]
    assert [said.body.splitlines()[0] for said in scene.hub.written] == [
        "<!-- ratchet:report:early -->",
        "<!-- ratchet:report:late -->",
    ]
    assert "| squared_error ↓ | 3000.0000 | 2900.0000 |" in scene.hub.written[1].body
    assert "not known to have no say" in scene.hub.written[0].body
    assert scene.hub.statuses == [("ratchet/gate/early", "pending"), ("ratchet/gate/late", "pending")]


@pytest.mark.parametrize(
    ("texts", "folders"),
    [
        (room("late"), ["models/late"]),
        ({"models/early/params.yaml": "{}\n"}, ["models/early"]),
        ({"src/ratchet/errors.py": "\n"}, ["models/early", "models/late"]),
        ({"README.md": "more\n"}, ["models/early", "models/late"]),
    ],
    ids=["room", "folder", "machine", "nothing"],
)
def test_what_is_touched_is_told_from_the_commits(scene: Scene, texts: dict[str, str], folders: list[str]) -> None:
    """Not from what the run left: a stranger's word chooses no model; what touches none is vetted for all."""
    scene.propose(texts, left=("late",))
    assert scene.touched() == folders


def test_one_model_that_failed_takes_no_numbers_from_another(scene: Scene) -> None:
    """The run ended as failed; the model whose result is there has its numbers, the other is said to have none."""
    scene.propose(room("early", "late"), left=("late",), conclusion="failure")
    for name in ("early", "late"):
        scene.vet(name)
    assert ["did not succeed" in said.body for said in scene.hub.written] == [True, False]


def test_a_result_that_is_not_there_is_refused(scene: Scene) -> None:
    """A run that says it succeeded and left nothing of a model it touches is not believed."""
    scene.propose(room("early", "late"), left=("late",))
    with pytest.raises(DataRefused, match=r"early/result\.json"):
        scene.vet("early")
    assert "handed over something that is not shown" in scene.hub.written[0].body
