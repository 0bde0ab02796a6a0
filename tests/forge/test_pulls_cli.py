"""Pull requests as a person types them, with the real hook, worker and act: opened, pushed to, merged."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from ratchet.forge import conversation, results, source
from ratchet.forge.home import Home

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pulls")]

ROOT = Path(__file__).resolve().parents[2]
PIN = "0123456789abcdef0123456789abcdef01234567"
ON_PULL_REQUEST = f"""
name: Judge
on:
  pull_request: {{branches: [main], types: [opened, synchronize, labeled]}}
permissions: {{}}
jobs:
  judge:
    name: Judge
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@{PIN}
        with: {{persist-credentials: false}}
      - run: echo "$ACTION of $HEAD into $BASE has $(cat a.txt b.txt | tr '\\n' ' ')"
        env:
          ACTION: ${{{{ github.event.action }}}}${{{{ github.event.label.name }}}}
          HEAD: ${{{{ github.head_ref }}}}
          BASE: ${{{{ github.base_ref }}}}
"""
ON_PUSH = """
name: Build
on: {push: {branches: [main]}}
permissions: {}
jobs:
  build:
    name: Build
    runs-on: ubuntu-latest
    steps:
      - run: echo "main is built"
"""


@dataclass(frozen=True)
class Person:
    """A checkout with a forge beside it, driven by commands alone."""

    base: Path

    @property
    def checkout(self) -> Path:
        """The checkout."""
        return self.base / "project"

    @property
    def home(self) -> Home:
        """The forge."""
        return Home(self.base / "project-forge")

    def run(self, *command: str, code: int = 0) -> str:
        """Run a command that must end with `code`; returns all it prints."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.base),
            "GIT_CONFIG_NOSYSTEM": "1",
            "PYTHONPATH": str(ROOT / "src"),
            "RATCHET_ACTOR": "ada",
            "LANG": "C.UTF-8",
        }
        done = subprocess.run(
            command, cwd=self.checkout, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == code, done.stdout
        return done.stdout

    def ratchet(self, *words: str, code: int = 0) -> str:
        """Run `ratchet WORDS`."""
        return self.run(sys.executable, "-m", "ratchet", *words, code=code)

    def commit(self, name: str, text: str, message: str) -> str:
        """Commit a file; returns the commit."""
        (self.checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (self.checkout / name).write_text(text, encoding="utf-8")
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", message)
        return self.run("git", "rev-parse", "HEAD").strip()


@pytest.fixture
def person(tmp_path: Path) -> Person:
    """Ada, with two workflows pushed to her forge."""
    (tmp_path / ".gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n", encoding="utf-8")
    ada = Person(tmp_path)
    (ada.checkout / ".github" / "workflows").mkdir(parents=True)
    shutil.copyfile(ROOT / "params.yaml", ada.checkout / "params.yaml")
    for name, text in (("judge", ON_PULL_REQUEST), ("build", ON_PUSH)):
        (ada.checkout / ".github" / "workflows" / f"{name}.yaml").write_text(text, encoding="utf-8")
    (ada.checkout / ".gitignore").write_text(".ratchet/\n.dvc/\n", encoding="utf-8")
    ada.run("git", "init", "--quiet", "--initial-branch=main")
    ada.ratchet("forge", "init")
    ada.commit("a.txt", "one\n", "Start")
    ada.run("git", "push", "--quiet", "forge", "main")
    return ada


def test_a_pull_request_from_its_opening_to_its_merge(person: Person) -> None:
    """Its workflow runs on the merge with main when it is opened, pushed to and labelled; merging runs main's own."""
    person.run("git", "switch", "--quiet", "--create", "change")
    person.commit("b.txt", "two\n", "Add b")
    said = person.ratchet("pr", "open")
    assert "pull request 1: Add b" in said
    assert "opened of change into main has one two" in said
    head = person.commit("b.txt", "three\n", "Change b")
    assert "synchronize of change into main has one three" in person.run("git", "push", "--quiet", "forge", "change")
    assert "labeledexplain of change into main" in person.ratchet("pr", "label", "1", "explain")

    assert "waits for ratchet/gate: not there" in person.ratchet("pr", "list")
    assert "lacks what main requires" in person.ratchet("pr", "merge", "1", code=4)
    status = conversation.Status(
        context="ratchet/gate", state="success", description="better", target_url="", created_at=""
    )
    conversation.add_status(person.home, head, status)
    conversation.add_comment(person.home, 1, "<!-- marker -->\n**Promote**: it is better")
    shown = person.ratchet("pr", "show", "1")
    assert "change (" in shown
    assert f"{head[:9]}  ratchet/gate  success  better" in shown
    assert "**Promote**: it is better" in shown
    assert ("marker" in shown, "can be merged" in shown) == (False, True)

    merged = person.ratchet("pr", "merge", "1", "--squash")
    assert "main is built" in merged
    assert f"merged into main as {(source.resolve(person.home, 'refs/heads/main') or '')[:9]}" in merged
    assert "is merged already" in person.ratchet("pr", "merge", "1", code=2)
    assert person.ratchet("pr", "list") == ""
    assert "merged as" in person.ratchet("pr", "list", "--all")
    runs = [(run.workflow, run.event, run.ok) for run in results.runs(person.home)]
    assert runs == [("build", "push", True), *[("judge", "pull_request", True)] * 3, ("build", "push", True)]
    page = (person.home.root / "pulls" / "1.html").read_text(encoding="utf-8")
    assert "<strong>Promote</strong>: it is better" in page
    assert 'href="../runs/0002-judge/log.txt"' in page


def test_a_conflict_is_shown_to_whoever_pushes(person: Person) -> None:
    """The push stands and says where it conflicts; nothing runs until a merge mends it."""
    person.run("git", "switch", "--quiet", "--create", "change")
    person.commit("a.txt", "eins\n", "Translate")
    person.commit("b.txt", "zwei\n", "Add b")
    person.ratchet("pr", "open", "--title", "In German")
    person.run("git", "switch", "--quiet", "main")
    person.commit("a.txt", "uno\n", "Translate, too")
    assert "pull request 1 conflicts with main in a.txt" in person.run("git", "push", "--quiet", "forge", "main")
    assert "conflicts in a.txt" in person.ratchet("pr", "show", "1")
    assert "next: git fetch forge && git merge forge/main" in person.ratchet("pr", "merge", "1", code=4)
    person.run("git", "switch", "--quiet", "change")
    person.run("git", "merge", "--quiet", "--strategy-option=ours", "main")
    said = person.run("git", "push", "--quiet", "forge", "change")
    assert "synchronize of change into main has eins zwei" in said
    person.ratchet("pr", "close", "1")
    assert "is closed already" in person.ratchet("pr", "close", "1", code=2)
