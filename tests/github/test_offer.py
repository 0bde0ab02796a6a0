"""`ratchet data offer`: a real checkout, DVC and git, a folder of files as the source, and the forge's watched API."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from typer.testing import CliRunner

from ratchet.cli.app import app
from ratchet.errors import BatchRefused, DataRefused, ServiceFailed, UsageError
from ratchet.flows.offer import CHANGED, Wish, offer
from ratchet.forge import conversation, source, tickets
from ratchet.forge.api.request import Answer
from ratchet.forge.pulls import pull_record, pulls
from ratchet.forge.pulls.pull_record import Draft, Pull
from ratchet.io import dvc
from ratchet.io.git import git, git_says
from ratchet.settings import TOKENS

if TYPE_CHECKING:
    from tests.github.conftest import Bench

    from ratchet.forge.api.server import Request
    from ratchet.forge.tickets import Ticket
    from ratchet.settings import Settings

# DVC's own, of a library that it uses.
pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value will soon raise:DeprecationWarning")

NOW = datetime(2024, 6, 1, tzinfo=UTC)
PERSON = {f"GIT_{role}_{what}": "ada@x" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
SCHEMA = """
rows:
  key: [id]
  time: at
  quarantine: 0.5
  columns:
    id: {type: integer}
    at: {type: timestamp}
    price: {type: number, min: 0}
    shop: {type: string, values: [a, b], level: quarantine}
lookups:
  shops: {key: [shop], columns: {shop: {type: string}, city: {type: string}}}
"""
WORKFLOW = """\
name: Pull request
on: {workflow_dispatch: {inputs: {number: {type: string, required: true}, base: {type: string, default: main}}}}
jobs: {train: {runs-on: ubuntu-latest, steps: [{run: "true"}]}}
"""
HOSTILE = "[skip ci] @everyone <script>alert(1)</script> | ::error::"


@dataclass
class Project:
    """A checkout of a forge's repository, as a job has it, and the folder that its source reads."""

    bench: Bench
    root: Path
    inbox: Path

    @property
    def settings(self) -> Settings:
        """What the environment of the step comes to."""
        return self.bench.settings(DVC_REMOTE_URL=str(self.root.parent / "dvc"))

    def offer(self, **wish: Any) -> list[str]:
        """One run of the workflow's step."""
        return offer(self.settings, Wish(now=NOW, **wish))

    def publish(self, batch: str, rows: int = 4, wrong: int = 1, **columns: object) -> None:
        """A file of new rows; `columns` have another value in the first `wrong` ones, or are not there (None)."""
        month = batch[:7]
        number = int(month[-2:]) * 100
        lines = [
            {"id": number + row, "at": f"{month}-{row + 1:02d}T08:00:00", "price": 1.5 + number, "shop": "a"}
            for row in range(rows)
        ]
        for line in lines[:wrong]:
            line |= {name: value for name, value in columns.items() if value is not None}
        names = [name for name in lines[0] if columns.get(name, name) is not None]
        text = "\n".join(",".join(each) for each in [names, *(_cells(line, names) for line in lines)])
        (self.inbox / f"{batch}.csv").write_text(f"{text}\n", encoding="utf-8")

    def pulls(self) -> list[Pull]:
        """The requests on the forge."""
        return pull_record.every(self.bench.home)

    def asked(self) -> list[Ticket]:
        """The runs that were asked for."""
        return tickets.waiting(self.bench.home)

    def tip(self, branch: str) -> str | None:
        """The commit of a branch on the forge."""
        return source.resolve(self.bench.home, f"refs/heads/{branch}")

    def brought(self, branch: str) -> list[str]:
        """The files that a branch changes."""
        return git(["diff", "--name-only", f"main...{branch}"], cwd=self.bench.home.origin).splitlines()

    def commit(self, message: str, push: str) -> None:
        """Commit all there is and push it to a branch."""
        git(["add", "--all"], cwd=self.root)
        git(["commit", "--quiet", "--message", message], cwd=self.root)
        git(["push", "--quiet", "origin", f"HEAD:refs/heads/{push}"], cwd=self.root)

    def hook(self, script: str) -> None:
        """What the repository's server does before it takes a push; nothing for an empty script."""
        path = self.root.parent / "hooks" / "pre-receive"
        path.write_text(f"#!/bin/sh\n{script or 'exit 0'}\n", encoding="utf-8")
        path.chmod(0o755)


def _cells(line: Mapping[str, object], names: list[str]) -> list[str]:
    return [f'"{line[name]}"' for name in names]


@pytest.fixture
def project(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A project with one standing lookup and no batch, pushed; afterwards its checkout must be as it was."""
    for name, value in PERSON.items():
        monkeypatch.setenv(name, value)
    for name in TOKENS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    made = Project(bench, tmp_path / "checkout", tmp_path / "inbox")
    made.inbox.mkdir()
    (tmp_path / "hooks").mkdir()
    # The bench is a copy, whose hook is still that of the original; nothing is to run here anyway.
    git(["config", "core.hooksPath", str(tmp_path / "hooks")], cwd=bench.home.origin)
    (tmp_path / "shops.csv").write_text("shop,city\na,Rome\nb,Oslo\n", encoding="utf-8")
    _lay_out(made)
    bench.root = made.root
    made.commit("Start", "main")
    yield made
    assert git(["status", "--porcelain"], cwd=made.root) == ""
    assert git_says(["rev-parse", "HEAD"], cwd=made.root) == git(["rev-parse", "origin/main"], cwd=made.root)


def _lay_out(made: Project) -> None:
    from dvc.repo import Repo

    git(["clone", "--quiet", str(made.bench.home.origin), str(made.root)], cwd=made.root.parent)
    params = yaml.safe_load((made.root / "params.yaml").read_text(encoding="utf-8"))
    params["data"] = {
        "rows": {"kind": "files", "path": f"{made.inbox}/{{batch}}.csv"},
        "lookups": {"shops": {"kind": "files", "path": f"{made.inbox.parent}/shops.csv"}},
    }
    ignored = (Path(__file__).parents[2] / "data" / "raw" / ".gitignore").read_text(encoding="utf-8")
    for name, text in {
        "params.yaml": yaml.safe_dump(params),
        "src/diabetes/schema.yaml": SCHEMA,
        ".github/workflows/pull-request.yaml": WORKFLOW,
        "data/raw/.gitignore": ignored,
        "data/lookups/.gitignore": "*\n!.gitignore\n!*.dvc\n",
        ".gitignore": "/data/refused\n/.ratchet\n/summary.md\n/event.json\n",
    }.items():
        (made.root / name).parent.mkdir(parents=True, exist_ok=True)
        (made.root / name).write_text(text, encoding="utf-8")
    Repo.init(str(made.root)).close()


def test_each_new_batch_is_a_request_of_its_own(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """From main, with its batch and the new lookup alone; the data is on the remote, its training is asked for."""
    for month in ("2024-01", "2024-02"):
        project.publish(month)
    assert project.offer() == ["2024-01", "2024-02"]
    assert [(pull.title, pull.head, pull.base) for pull in project.pulls()[1:]] == [
        ("Data: 2024-01", "data/2024-01", "main"),
        ("Data: 2024-02", "data/2024-02", "main"),
    ]
    for batch, pull in zip(("2024-01", "2024-02"), project.pulls()[1:], strict=True):
        lookup = "data/lookups/shops.parquet.dvc"
        assert project.brought(pull.head) == [lookup, f"data/raw/{batch}.dvc", f"data/raw/{batch}.source.json"]
        assert "- rows: 4; in quarantine: 0; findings: 0" in pull.body
        assert f"- time: <code>{batch}-01 08:00:00</code> to <code>{batch}-04 08:00:00</code>" in pull.body
        assert "standing lookups that changed, and come with it: shops" in pull.body
        [status] = conversation.statuses(project.bench.home, pull.head_sha)
        assert (status.context, status.state) == ("ratchet/gate", "pending")
    assert [(each.workflow, each.branch, dict(each.inputs)) for each in project.asked()] == [
        (".github/workflows/pull-request.yaml", f"data/2024-0{number}", {"number": str(number + 1), "base": "main"})
        for number in (1, 2)
    ]
    assert "new: 2024-01: 4 rows" in capsys.readouterr().out
    remote = {path.name for path in (project.root.parent / "dvc" / "files" / "md5").rglob("*") if path.is_file()}
    assert len(remote) >= 5


def test_a_second_run_opens_nothing(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """A batch whose branch has an open request is skipped, and its branch stays as it is."""
    for month in ("2024-01", "2024-02"):
        project.publish(month)
    project.offer()
    before = [project.tip(f"data/2024-0{number}") for number in (1, 2)]
    capsys.readouterr()
    assert project.offer() == []
    assert [project.tip(f"data/2024-0{number}") for number in (1, 2)] == before
    assert (len(project.pulls()), len(project.asked())) == (3, 2)
    assert "2024-02: pull request 3 is open" in capsys.readouterr().out


def test_a_merged_batch_is_not_asked_for_again(project: Project) -> None:
    """Also while its branch is still there; the next month is, with the lookup only if that has changed."""
    project.publish("2024-01")
    project.offer()
    git(["fetch", "--quiet", "origin", "data/2024-01"], cwd=project.root)
    git(["merge", "--quiet", "--ff-only", "FETCH_HEAD"], cwd=project.root)
    git(["push", "--quiet", "origin", "HEAD:main"], cwd=project.root)
    with dvc.project(project.root, project.settings.dvc_remote) as repo:
        dvc.pull(repo)
    lookup = project.root / "data" / "lookups" / "shops.parquet"
    before = lookup.read_bytes()
    project.publish("2024-02")
    assert project.offer() == ["2024-02"]
    assert project.brought("data/2024-02") == ["data/raw/2024-02.dvc", "data/raw/2024-02.source.json"]
    project.publish("2024-03")
    (project.root.parent / "shops.csv").write_text("shop,city\na,Rome\nb,Bergen\n", encoding="utf-8")
    assert project.offer() == ["2024-03"]
    assert project.brought("data/2024-03") == [
        "data/lookups/shops.parquet.dvc",
        "data/raw/2024-03.dvc",
        "data/raw/2024-03.source.json",
    ]
    assert lookup.read_bytes() == before
    assert [path.name for path in (project.root / "data" / "raw").iterdir() if path.is_dir()] == ["2024-01"]


def test_a_refused_batch_does_not_stop_the_others(project: Project) -> None:
    """Where each file is a batch; the run says why in its summary, ends with 3, and tries again the next time."""
    project.publish("2024-01")
    project.publish("2024-02", shop=HOSTILE, price=None)
    project.publish("2024-03")
    for opened in (["2024-01", "2024-03"], []):
        with pytest.raises(BatchRefused, match=r"2024-02.* is refused") as refused:
            project.offer()
        assert refused.value.exit_code == 3
        assert [pull.title for pull in project.pulls()[1:]] == ["Data: 2024-01", "Data: 2024-03"]
        summary = (project.root / "summary.md").read_text(encoding="utf-8")
        (project.root / "summary.md").unlink()
        assert [line for line in summary.splitlines() if line.startswith("- asked")] == [
            f"- asked for {batch}" for batch in opened
        ]
        assert "required column is missing" in summary
    assert project.tip("data/2024-02") is None
    project.publish("2024-02")
    assert project.offer() == ["2024-02"]


def test_a_refused_batch_does_not_take_the_place_of_another(project: Project) -> None:
    """With one request a run, a file that stays broken would otherwise keep all those behind it away for good."""
    project.publish("2024-01")
    project.publish("2024-02", price=None)
    project.publish("2024-03")
    project.publish("2024-04")
    assert project.offer(limit=1) == ["2024-01"]
    for opened in ("2024-03", "2024-04"):
        with pytest.raises(BatchRefused, match=r"2024-02.* is refused"):
            project.offer(limit=1)
        assert project.pulls()[-1].title == f"Data: {opened}"


def test_what_comes_in_time_order_waits_for_a_refused_batch(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rows that are cut by time are found by what is here: past a refused period they would be late, or lost."""
    params = yaml.safe_load((project.root / "params.yaml").read_text(encoding="utf-8"))
    params["data"] |= {"watermark": "clock"}
    params["data"]["rows"]["path"] = f"{project.inbox}/2024-*.csv"
    (project.root / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    schema = SCHEMA.replace("  time: at\n", "  time: at\n  period: {every: month, zone: UTC}\n")
    (project.root / "src" / "diabetes" / "schema.yaml").write_text(schema, encoding="utf-8")
    project.commit("Cut by month", "main")
    project.publish("2024-01", rows=31)
    project.publish("2024-02", rows=29, wrong=29, price=-1)
    project.publish("2024-03", rows=31)
    with pytest.raises(BatchRefused, match="2024-02"):
        project.offer()
    assert [pull.title for pull in project.pulls()[1:]] == ["Data: 2024-01"]
    assert "what comes after 2024-02 waits for it" in capsys.readouterr().out
    project.publish("2024-02", rows=29)
    assert project.offer() == ["2024-02", "2024-03"]


def test_a_closed_request_is_not_opened_again(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Until its branch is deleted: that asks for it anew, also if the first try does not get as far as the request."""
    project.publish("2024-01")
    project.offer()
    pulls.close(project.bench.home, 2)
    assert project.offer() == []
    said = capsys.readouterr().out
    assert "2024-01: pull request 2 was closed without merging; to be asked again, delete data/2024-01" in said
    git(["push", "--quiet", "origin", ":refs/heads/data/2024-01"], cwd=project.root)
    project.publish("2024-01", rows=5)
    project.bench.api.tamper = refuse_requests(502)
    with pytest.raises(ServiceFailed):
        project.offer()
    project.bench.api.tamper = lambda _: None
    assert project.offer() == ["2024-01"]
    assert [pull.state for pull in project.pulls()[1:]] == ["closed", "open"]


def test_a_push_that_failed_is_made_by_the_next_run(project: Project) -> None:
    """The data is on the remote by then, nothing else; the next run makes branch and request."""
    project.publish("2024-01")
    project.hook("exit 1")
    with pytest.raises(ServiceFailed, match="git push failed"):
        project.offer()
    assert (project.tip("data/2024-01"), len(project.pulls())) == (None, 1)
    assert any(path.is_file() for path in (project.root.parent / "dvc").rglob("*"))
    project.hook("")
    assert project.offer() == ["2024-01"]


@pytest.mark.parametrize(("status", "next_step"), [(502, "again"), (403, "Allow GitHub Actions to create")])
def test_a_request_that_was_not_opened_is_opened_by_the_next_run(project: Project, status: int, next_step: str) -> None:
    """The branch has the words: the request says the same as if it had been opened at once."""
    project.publish("2024-01", shop="c")
    project.bench.api.tamper = refuse_requests(status)
    with pytest.raises(ServiceFailed) as failed:
        project.offer()
    assert next_step in failed.value.next_step
    branch = project.tip("data/2024-01")
    assert (branch is not None, len(project.pulls())) == (True, 1)
    project.bench.api.tamper = lambda _: None
    assert project.offer() == ["2024-01"]
    assert project.tip("data/2024-01") == branch
    assert "in quarantine: 1" in project.pulls()[1].body
    assert "### Validation" in project.pulls()[1].body
    assert [dict(each.inputs)["number"] for each in project.asked()] == ["2"]


def test_a_training_that_was_not_asked_for_is_asked_for_by_the_next_run(project: Project) -> None:
    """A request whose newest commit has no ratchet/gate was never trained; once asked for, it is not asked again."""
    project.publish("2024-01")
    project.bench.api.tamper = lambda one: _says(422) if one.path.endswith("/dispatches") else None
    with pytest.raises(ServiceFailed, match="did not start"):
        project.offer()
    assert (len(project.pulls()), project.asked()) == (2, [])
    project.bench.api.tamper = lambda _: None
    for _ in range(2):
        assert project.offer() == []
        assert [each.branch for each in project.asked()] == ["data/2024-01"]


def test_a_batch_that_changes_while_it_waits_is_told(project: Project) -> None:
    """The branch is left as it is, and the error says how to have it anew."""
    project.publish("2024-01")
    project.offer()
    branch = project.tip("data/2024-01")
    project.publish("2024-01", rows=6)
    with pytest.raises(DataRefused, match="has changed since batch 2024-01 was made of it") as told:
        project.offer()
    assert CHANGED in told.value.next_step
    assert (project.tip("data/2024-01"), len(project.pulls())) == (branch, 2)


def test_a_persons_own_request_for_a_batch_is_respected(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """What an open request of any branch holds is not asked for; a branch without one keeps nothing away."""
    project.publish("2024-01")
    project.offer()
    sha = project.tip("data/2024-01") or ""
    for name in ("refs/heads/data/2024-01", "refs/heads/january"):
        git(["update-ref", *(["-d", name] if "data" in name else [name, sha])], cwd=project.bench.home.origin)
    pulls.close(project.bench.home, 2)
    draft = Draft(title="January", body="", head="january", base="main", author="ada")
    pulls.create(project.bench.home, draft)
    assert project.offer() == []
    assert "2024-01: on the branch january, which has an open pull request" in capsys.readouterr().out
    pulls.close(project.bench.home, 3)
    assert project.offer() == ["2024-01"]


def test_a_branch_that_somebody_made_is_theirs(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """No request is opened of it, and it is not pushed over."""
    project.publish("2024-01")
    project.offer()
    pulls.close(project.bench.home, 2)
    pull_record.folder(project.bench.home).joinpath("2.json").unlink()
    tree = git(["rev-parse", "data/2024-01^{tree}"], cwd=project.bench.home.origin)
    theirs = project.bench.commit(project.tip("main") or "", "mine", tree)
    git(["update-ref", "refs/heads/data/2024-01", theirs], cwd=project.bench.home.origin)
    assert project.offer() == []
    assert "2024-01: somebody made the branch data/2024-01" in capsys.readouterr().out
    assert project.tip("data/2024-01") == theirs


def test_hostile_words_stay_text(project: Project) -> None:
    """Neither the request nor the commit's message, which is the same text, makes anything of what data says."""
    project.publish("2024-01", shop=HOSTILE)
    project.offer()
    pull = project.pulls()[1]
    message = git(["log", "-1", "--format=%B", pull.head], cwd=project.bench.home.origin)
    assert message == f"{pull.title}\n\n{pull.body}"
    assert "everyone" in pull.body
    for part in ("[skip ci]", "@everyone", "<script", "::error::alert"):
        assert part not in pull.body
    assert not source.asks_to_skip(message)


def test_a_checkout_with_changes_of_its_own_is_left_alone(project: Project) -> None:
    """They would come into the requests: the error says so, and nothing is asked for."""
    stray = project.root / "data" / "raw" / "2023-12.dvc"
    stray.write_text("outs: []\n", encoding="utf-8")
    with pytest.raises(UsageError, match="not committed"):
        project.offer()
    stray.unlink()
    assert project.bench.api.requests == []


def test_the_command_says_what_was_opened(project: Project) -> None:
    """In one line, with at most as many new batches as were asked for; and that there was nothing."""
    for month in ("2024-01", "2024-02"):
        project.publish(month)
    environment = project.bench.environment(DVC_REMOTE_URL=str(project.root.parent / "dvc"))
    words = ["--project", str(project.root), "data", "offer", "--limit", "1"]
    said = [CliRunner().invoke(app, words, env=environment) for _ in range(3)]
    assert [each.exit_code for each in said] == [0, 0, 0], said[0].output
    assert [each.output.splitlines()[-1] for each in said] == [
        "1 pull requests opened: 2024-01",
        "1 pull requests opened: 2024-02",
        "no pull request to open",
    ]


def refuse_requests(status: int) -> Callable[[Request], Answer | None]:
    """No pull request can be opened."""
    return lambda one: _says(status) if one.method == "POST" and one.path.endswith("/pulls") else None


def _says(status: int) -> Answer:
    return Answer(status=status, json={"message": "no", "documentation_url": "x"}, headers={"x-checked": "no"})
