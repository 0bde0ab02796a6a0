"""Pull requests on a bare repository with real git: what happens to them as branches move. No workflow runs here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from ratchet.errors import PromotionRefused, UsageError
from ratchet.forge import conversation, source
from ratchet.forge.home import Home, connect, create
from ratchet.forge.pulls import asking, landing, merging, pull_event, pull_page, pulls
from ratchet.forge.pulls.landing import Wish, land
from ratchet.forge.pulls.merging import Person
from ratchet.forge.pulls.pull_record import Draft, Pull
from ratchet.forge.tickets import NOTHING, Ticket

SHAPES = json.loads((Path(__file__).parent / "pull_request_shapes.json").read_text(encoding="utf-8"))
GRACE = Person(name="Grace", email="grace@example.org")


@dataclass(frozen=True)
class Bench:
    """A forge without a hook, and a checkout: pushes do here what the hook would do."""

    home: Home
    checkout: Path
    said: list[str]

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        """Run git, in the checkout unless told otherwise."""
        done = subprocess.run(
            ["git", *arguments], cwd=cwd or self.checkout, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def commit(self, files: Mapping[str, str], message: str = "change") -> str:
        """Commit files and return the commit."""
        for name, text in files.items():
            (self.checkout / name).parent.mkdir(parents=True, exist_ok=True)
            (self.checkout / name).write_text(text, encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def push(self, branch: str, what: str = "HEAD", *, quiet: bool = False) -> list[Ticket]:
        """Push to a branch and do what the hook does; returns the tickets."""
        ref = f"refs/heads/{branch}"
        before = source.resolve(self.home, ref) or NOTHING
        self.git("push", "--quiet", "--force", "forge", f"{what}:{ref}")
        sha = source.resolve(self.home, ref) or NOTHING
        return pulls.on_push(self.home, ref, before, sha, "ada", quiet=quiet, say=self.said.append)

    def branch(self, name: str, files: Mapping[str, str], message: str = "change", start: str = "main") -> str:
        """Begin a branch with one commit and push it; returns the commit."""
        self.git("switch", "--quiet", "--create", name, start)
        sha = self.commit(files, message)
        self.push(name)
        return sha

    def open(self, name: str, files: Mapping[str, str], title: str = "Change") -> tuple[Pull, Ticket | None]:
        """Begin a branch and open its pull request."""
        self.branch(name, files)
        return self.draft(name, title)

    def draft(self, name: str, title: str = "Change") -> tuple[Pull, Ticket | None]:
        """Open a pull request of a branch."""
        return pulls.create(self.home, Draft(title=title, body="Why.", head=name, base="main", author="ada"))

    def onto_main(self, files: Mapping[str, str]) -> str:
        """Commit to main and push it."""
        self.git("switch", "--quiet", "main")
        sha = self.commit(files)
        self.push("main")
        return sha

    def green(self, pull: Pull) -> None:
        """Give the newest commit the status that is required."""
        self.status(pulls.read(self.home, pull.number).head_sha, "success")

    def status(self, sha: str, state: str) -> None:
        """Give a commit ratchet/gate."""
        given = conversation.Status(context="ratchet/gate", state=state, description="", target_url="", created_at="")
        conversation.add_status(self.home, sha, given)

    def read(self, pull: Pull) -> Pull:
        """The pull request as it is now."""
        return pulls.read(self.home, pull.number)

    def tip(self, ref: str = "refs/heads/main") -> str:
        """The commit of a ref of the forge, or nothing."""
        return source.resolve(self.home, ref) or ""

    def text(self, path: str, ref: str = "refs/heads/main") -> str:
        """A file in the forge."""
        return source.text(self.home, ref, path) or ""


def wish(pull: Pull, **options: Any) -> Wish:
    """How Grace merges a pull request."""
    return Wish(number=pull.number, actor="grace", author=GRACE, **options)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A forge with one commit on main."""
    config = tmp_path / "gitconfig"
    config.write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n", encoding="utf-8")
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    made = Bench(Home(tmp_path / "forge"), tmp_path / "checkout", [])
    made.checkout.mkdir()
    made.git("init", "--quiet", "--initial-branch=main")
    create(made.home, python=Path(sys.executable))
    (made.home.origin / "hooks" / "post-receive").unlink()
    connect(made.home, made.checkout)
    made.commit({"a.txt": "1\n2\n3\n4\n5\n", ".gitignore": ".ratchet/\n.dvc/\n"}, "Start")
    made.push("main")
    return made


def test_an_opened_pull_request_has_its_refs_and_its_ticket(bench: Bench) -> None:
    """The head is the branch's commit, the merge has base and head as parents, and the ticket names all of them."""
    head = bench.branch("change", {"b.txt": "b\n"})
    pull, ticket = bench.draft("change", "Add b")
    merge = bench.tip("refs/pull/1/merge")
    assert bench.tip("refs/pull/1/head") == head
    assert merging.parents(bench.home, merge) == [bench.tip(), head]
    assert ticket is not None
    assert ticket == Ticket(
        name=ticket.name, event="pull_request", ref="refs/pull/1/merge", before=NOTHING, sha=merge, actor="ada",
        action="opened", number=1, head=head, base="main",
    )  # fmt: skip
    assert (pull.number, pull.state, pull.title, pull.conflicts) == (1, "open", "Add b", ())
    assert bench.read(pull) == pull
    assert pulls.every(bench.home) == [pull]


def test_a_pull_request_needs_something_to_merge(bench: Bench) -> None:
    """A branch that is not there, has nothing new, shares no history, or has a pull request already is refused."""
    bench.open("change", {"b.txt": "b\n"})
    bench.git("push", "--quiet", "forge", "main:refs/heads/same")
    bench.git("switch", "--quiet", "--orphan", "stranger")
    bench.commit({"c.txt": "c\n"})
    bench.push("stranger")
    for branch, words in (
        ("nowhere", "no branch nowhere"),
        ("same", "has all of same"),
        ("stranger", "no commit in common"),
        ("change", "pull request 1 is open for change already"),
    ):
        with pytest.raises(UsageError, match=words):
            bench.draft(branch)
    with pytest.raises(UsageError, match="no pull request 2"):
        pulls.read(bench.home, 2)


def test_numbers_are_given_once(bench: Bench) -> None:
    """Pull requests that are opened at the same time get different numbers."""
    names = [f"change-{place}" for place in range(4)]
    for name in names:
        bench.branch(name, {f"{name}.txt": "x\n"})
    with ThreadPoolExecutor(len(names)) as pool:
        made = [pull for pull, _ in pool.map(bench.draft, names)]
    assert sorted(pull.number for pull in made) == [1, 2, 3, 4]
    assert [pull.number for pull in pulls.every(bench.home)] == [1, 2, 3, 4]


def test_a_push_to_the_head_synchronizes(bench: Bench) -> None:
    """Its refs follow and one ticket says from where to where; told twice, or by a push to elsewhere, nothing does."""
    pull, _ = bench.open("change", {"b.txt": "b\n"})
    before = pull.head_sha
    head = bench.commit({"b.txt": "c\n"})
    [ticket] = bench.push("change")
    assert (ticket.action, ticket.before, ticket.head, ticket.sha) == (
        "synchronize", before, head, bench.tip("refs/pull/1/merge"),
    )  # fmt: skip
    assert merging.parents(bench.home, ticket.sha) == [bench.tip(), head]
    assert bench.tip("refs/pull/1/head") == bench.read(pull).head_sha == head
    assert pulls.on_push(bench.home, "refs/heads/change", before, head, "ada") == []
    assert bench.push("elsewhere") == []
    assert pulls.on_push(bench.home, "refs/tags/v1", NOTHING, head, "ada") == []


def test_a_jobs_own_push_moves_the_refs_and_starts_nothing(bench: Bench) -> None:
    """The machine's commit on the branch becomes the head without a ticket."""
    pull, _ = bench.open("change", {"b.txt": "b\n"})
    head = bench.commit({"dvc.lock": "schema: '2.0'\n"}, "Reproduce")
    assert bench.push("change", quiet=True) == []
    assert (bench.read(pull).head_sha, bench.tip("refs/pull/1/head")) == (head, head)
    assert merging.parents(bench.home, bench.tip("refs/pull/1/merge"))[1] == head


def test_a_push_that_was_overtaken_starts_nothing(bench: Bench) -> None:
    """Whoever comes late with an older commit does not turn the pull request back."""
    pull, _ = bench.open("change", {"b.txt": "b\n"})
    older = bench.commit({"b.txt": "c\n"})
    newer = bench.commit({"b.txt": "d\n"})
    assert [ticket.head for ticket in bench.push("change")] == [newer]
    assert pulls.on_push(bench.home, "refs/heads/change", pull.head_sha, older, "ada") == []
    assert bench.read(pull).head_sha == newer


def test_a_moved_base_makes_the_merge_anew(bench: Bench) -> None:
    """The merge is with the base as it is now, and nothing is started, as on GitHub."""
    pull, _ = bench.open("change", {"b.txt": "b\n"})
    base = bench.onto_main({"c.txt": "c\n"})
    assert merging.parents(bench.home, bench.tip("refs/pull/1/merge")) == [base, pull.head_sha]
    assert bench.text("c.txt", "refs/pull/1/merge") == "c"


def test_a_conflict_is_told_and_mended(bench: Bench) -> None:
    """While it conflicts there is no merge and no run; whoever pushes reads where and what to do; a merge mends it."""
    pull, _ = bench.open("change", {"a.txt": "one\n2\n3\n4\n5\n"})
    bench.onto_main({"a.txt": "eins\n2\n3\n4\n5\n"})
    assert bench.read(pull).conflicts == ("a.txt",)
    assert bench.tip("refs/pull/1/merge") == ""
    assert "pull request 1 conflicts with main in a.txt" in bench.said[-1]
    assert "git merge forge/main" in bench.said[-1]

    bench.git("switch", "--quiet", "change")
    bench.commit({"b.txt": "b\n"})
    assert bench.push("change") == []
    with pytest.raises(PromotionRefused, match=r"conflicts with main in a\.txt"):
        land(bench.home, wish(pull, admin=True, reason="now"))
    assert pulls.label(bench.home, 1, "explain", actor="ada")[1] is None

    bench.git("merge", "--quiet", "--strategy-option=ours", "main")
    [ticket] = bench.push("change")
    assert (ticket.action, bench.read(pull).conflicts) == ("synchronize", ())
    assert bench.text("a.txt", "refs/pull/1/merge").splitlines()[0] == "one"


def test_a_pull_request_may_be_opened_in_conflict(bench: Bench) -> None:
    """It is there, says so, and starts nothing."""
    bench.branch("change", {"a.txt": "one\n"})
    bench.onto_main({"a.txt": "eins\n"})
    pull, ticket = bench.draft("change")
    assert (ticket, pull.conflicts, bench.tip("refs/pull/1/head")) == (None, ("a.txt",), pull.head_sha)


def test_a_force_push_replaces_the_head(bench: Bench) -> None:
    """Rewritten history is one more synchronize; a branch moved back to its base closes the pull request unmerged."""
    pull, _ = bench.open("change", {"b.txt": "b\n"})
    bench.git("reset", "--quiet", "--hard", "main")
    head = bench.commit({"b.txt": "other\n"})
    [ticket] = bench.push("change")
    assert (ticket.before, ticket.head) == (pull.head_sha, head)
    assert bench.text("b.txt", "refs/pull/1/merge") == "other"
    assert bench.push("change", "main") == []
    assert (bench.read(pull).state, bench.tip("refs/pull/1/merge")) == ("closed", "")


def test_a_deleted_head_closes(bench: Bench) -> None:
    """The pull request is closed without having been merged, and its last commit can still be found."""
    pull, _ = bench.open("change", {"b.txt": "b\n"})
    assert bench.push("change", "") == []
    closed = bench.read(pull)
    assert (closed.state, closed.merged_sha, bench.tip("refs/pull/1/head")) == ("closed", "", pull.head_sha)
    bench.push("change", pull.head_sha)
    assert bench.read(pull).state == "closed"


def test_closing_is_for_open_ones(bench: Bench) -> None:
    """Closed once, its branch may have another pull request; closed twice is refused."""
    pull, _ = bench.open("change", {"b.txt": "b\n"})
    assert pulls.close(bench.home, 1).state == "closed"
    with pytest.raises(UsageError, match="pull request 1 is closed already"):
        pulls.close(bench.home, 1)
    assert bench.draft("change")[0].number == 2
    assert bench.tip("refs/heads/change") == pull.head_sha


def test_a_merged_branch_is_a_merged_pull_request(bench: Bench) -> None:
    """Whoever merges by hand and pushes main has merged the pull request."""
    pull, _ = bench.open("change", {"b.txt": "b\n"})
    bench.git("switch", "--quiet", "main")
    bench.git("merge", "--quiet", "--no-ff", "change")
    bench.push("main")
    merged = bench.read(pull)
    assert (merged.state, merged.merged_sha, merged.merged_by) == ("merged", bench.tip(), "ada")
    assert bench.tip("refs/pull/1/merge") == ""


def test_a_merge_lands_once(bench: Bench) -> None:
    """The base gets a merge commit by whoever merges; the second time is refused; other pull requests follow."""
    pull, _ = bench.open("change", {"b.txt": "b\n"}, "Add b")
    other, _ = bench.open("other", {"c.txt": "c\n"})
    base = bench.tip()
    bench.green(pull)
    landed = land(bench.home, wish(pull))
    assert (landed.state, landed.merged_sha, landed.merged_by) == ("merged", bench.tip(), "grace")
    assert merging.parents(bench.home, bench.tip()) == [base, pull.head_sha]
    words = bench.git("show", "--no-patch", "--format=%an <%ae>%n%B", bench.tip(), cwd=bench.home.origin)
    assert words == "Grace <grace@example.org>\nMerge pull request #1 from change\n\nAdd b"
    assert merging.parents(bench.home, bench.tip(other.merge_ref)) == [bench.tip(), other.head_sha]
    with pytest.raises(UsageError, match="pull request 1 is merged already"):
        land(bench.home, wish(pull))


def test_a_squash_is_one_commit_by_its_author(bench: Bench) -> None:
    """Main gets one commit with one parent by who began the branch, and no words of commits that say to skip runs."""
    pull, _ = bench.open("change", {"b.txt": "b\n"}, "Add b and c")
    bench.git("-c", "user.name=bot", "commit", "--quiet", "--allow-empty", "--message", "Reproduce [skip ci]")
    bench.commit({"c.txt": "c\n"})
    bench.push("change")
    base = bench.tip()
    bench.green(pull)
    landed = land(bench.home, wish(pull, squash=True))
    assert (landed.state, landed.merged_sha) == ("merged", bench.tip())
    assert merging.parents(bench.home, bench.tip()) == [base]
    assert (bench.text("b.txt"), bench.text("c.txt")) == ("b", "c")
    words = bench.git("show", "--no-patch", "--format=%an%n%B", bench.tip(), cwd=bench.home.origin)
    assert words == "Ada\nAdd b and c (#1)\n\nWhy."


@pytest.mark.parametrize("squash", [False, True])
def test_two_merges_at_once_both_land(bench: Bench, squash: bool) -> None:
    """The one that loses the race is made anew on what the other left: nothing is overwritten."""
    made = [bench.open(f"change-{place}", {f"{place}.txt": "x\n"})[0] for place in range(3)]
    for pull in made:
        bench.green(pull)
    with ThreadPoolExecutor(3) as pool:
        landed = list(pool.map(lambda pull: land(bench.home, wish(pull, squash=squash)), made))
    assert [pull.state for pull in landed] == ["merged"] * 3
    assert [bench.text(f"{place}.txt") for place in range(3)] == ["x"] * 3
    assert len(bench.git("rev-list", "--first-parent", "main..forge/main").split()) == 0
    bench.git("fetch", "--quiet", "forge")
    assert len(bench.git("rev-list", "--first-parent", "main..forge/main").split()) == 3


def test_a_merge_that_was_killed_half_way_is_a_merge(bench: Bench) -> None:
    """If the base got the commit and nobody was left to say so, the next who looks at the base does."""
    pull, _ = bench.open("change", {"b.txt": "b\n"})
    bench.green(pull)
    prepared = landing._prepare(bench.home, wish(pull, squash=True))
    assert landing.push(bench.home.origin, str(bench.home.origin), f"{prepared.landings[0]}:refs/heads/main", actor="x")
    assert bench.read(pull).state == "open"
    bench.git("fetch", "--quiet", "forge")
    bench.git("switch", "--quiet", "--detach", "forge/main")
    bench.commit({"c.txt": "c\n"})
    bench.push("main")
    assert (bench.read(pull).state, bench.read(pull).merged_sha) == ("merged", prepared.landings[0])


def test_required_statuses_stand_in_the_way(bench: Bench) -> None:
    """Without a success on the newest commit nothing is merged, unless somebody says why: the commit keeps it."""
    pull, _ = bench.open("change", {"b.txt": "b\n"})
    with pytest.raises(PromotionRefused, match="ratchet/gate: not there"):
        land(bench.home, wish(pull))
    bench.green(pull)
    head = bench.commit({"b.txt": "c\n"})
    bench.push("change")
    bench.status(head, "failure")
    with pytest.raises(PromotionRefused, match="ratchet/gate: failure"):
        land(bench.home, wish(pull))
    with pytest.raises(UsageError, match="needs a reason"):
        land(bench.home, wish(pull, admin=True))
    landed = land(bench.home, wish(pull, admin=True, reason="the holdout is broken"))
    assert landed.past == "ratchet/gate: failure; by grace: the holdout is broken"
    assert f"Past the required statuses: {landed.past}" in source.message(bench.home, bench.tip())


def test_the_forge_says_which_statuses_are_required(bench: Bench) -> None:
    """One on a line with remarks; an empty file requires none."""
    assert landing.required(bench.home) == ("ratchet/gate",)
    (bench.home.root / landing.REQUIRED).write_text("# ours\nratchet/gate\nlint  # fast\n\n", encoding="utf-8")
    assert landing.required(bench.home) == ("ratchet/gate", "lint")
    (bench.home.root / landing.REQUIRED).write_text("", encoding="utf-8")
    pull, _ = bench.open("change", {"b.txt": "b\n"})
    assert land(bench.home, wish(pull)).state == "merged"


def test_a_label_is_an_event(bench: Bench) -> None:
    """Put on and taken off, each once."""
    pull, _ = bench.open("change", {"b.txt": "b\n"})
    labelled, ticket = pulls.label(bench.home, 1, "explain", actor="grace")
    assert ticket is not None
    assert (labelled.labels, ticket.action, ticket.body, ticket.actor) == (
        ("explain",), "labeled", {"label": "explain"}, "grace",
    )  # fmt: skip
    assert pulls.label(bench.home, 1, "explain", actor="ada")[1] is None
    bare, ticket = pulls.label(bench.home, 1, "explain", actor="ada", remove=True)
    assert (bare.labels, ticket and ticket.action) == ((), "unlabeled")
    assert pulls.label(bench.home, 1, "explain", actor="ada", remove=True)[1] is None
    assert bench.read(pull) == bare


def lock(**stages: str) -> str:
    """A dvc.lock whose stages each have a command, an input and an output, told by two letters."""
    entries = {
        name: {"cmd": "run", "deps": [{"path": "in", "md5": io[0]}], "outs": [{"path": "out", "md5": io[1]}]}
        for name, io in stages.items()
    }
    return yaml.safe_dump({"schema": "2.0", "stages": entries}, sort_keys=False)


def test_locks_that_both_sides_made_are_merged_by_rule(bench: Bench) -> None:
    """What one side made is taken whole, what both made is left out to be made again, and results do not conflict."""
    bench.onto_main({"dvc.lock": lock(ingest="aa", train="aa"), "data/decision.json": "0\n"})
    pull, _ = bench.open("change", {"dvc.lock": lock(ingest="aa", train="ab"), "data/decision.json": "1\n"})
    bench.onto_main({"dvc.lock": lock(ingest="bb", train="bc"), "data/decision.json": "2\n"})
    assert bench.read(pull).conflicts == ()
    bench.green(pull)
    land(bench.home, wish(pull, squash=True))
    assert yaml.safe_load(bench.text("dvc.lock"))["stages"] == yaml.safe_load(lock(ingest="bb"))["stages"]
    assert bench.text("data/decision.json") == "2"


def test_a_lock_that_text_would_mix_is_not_mixed(bench: Bench) -> None:
    """Two changes to the inputs of one stage that git would put together claim what nobody computed: it is left out."""
    far = "".join(f"    - path: code-{place}\n      md5: a{place}\n" for place in range(9))
    text = (
        f"schema: '2.0'\nstages:\n  train:\n    cmd: run\n    deps:\n{far}    outs:\n    - path: out\n      md5: same\n"
    )
    bench.onto_main({"dvc.lock": text})
    pull, _ = bench.open("change", {"dvc.lock": text.replace("md5: a0", "md5: b0")})
    bench.onto_main({"dvc.lock": text.replace("md5: a8", "md5: b8")})
    by_text, conflicts = merging._by_text(bench.home, bench.tip(), pull.head_sha)
    assert conflicts == set()
    assert {"b0", "b8"} <= set(bench.text("dvc.lock", by_text).split())
    assert yaml.safe_load(bench.text("dvc.lock", "refs/pull/1/merge"))["stages"] == {}


def test_a_broken_lock_is_a_conflict(bench: Bench) -> None:
    """What cannot be read is for a person to mend, even if git could merge it as text."""
    bench.onto_main({"dvc.lock": "a: 1\nb:\nc:\nd:\ne: 1\n"})
    pull, _ = bench.open("change", {"dvc.lock": "a: [\nb:\nc:\nd:\ne: 1\n"})
    bench.onto_main({"dvc.lock": "a: 1\nb:\nc:\nd:\ne: 2\n"})
    assert bench.read(pull).conflicts == ("dvc.lock",)


def test_batches_of_two_branches_come_together(bench: Bench) -> None:
    """Different batches are different files."""
    first, _ = bench.open("one", {"data/raw/2013-07.dvc": "outs:\n- md5: a\n"})
    second, _ = bench.open("two", {"data/raw/2013-08.dvc": "outs:\n- md5: b\n"})
    for pull in (first, second):
        bench.green(pull)
        land(bench.home, wish(pull))
    assert bench.git("ls-tree", "--name-only", "main:data/raw", cwd=bench.home.origin).split() == [
        "2013-07.dvc",
        "2013-08.dvc",
    ]


def kind(value: Any) -> str:
    """A JSON type's name."""
    names = {bool: "boolean", int: "integer", str: "string", list: "array", dict: "object", type(None): "null"}
    return names[type(value)]


def unlike(shape: str, value: Mapping[str, Any], *, own: frozenset[str] = frozenset()) -> list[str]:
    """Keys that GitHub's payloads do not have, or have with another type there; `own` may be null here."""
    known = SHAPES["shapes"][shape]
    return [
        key
        for key, each in value.items()
        if kind(each) not in known.get(key, "").split() and not (key in own and each is None)
    ]


@pytest.mark.parametrize("action", sorted(SHAPES["events"]))
def test_the_payload_has_githubs_shape(bench: Bench, action: str) -> None:
    """Each key is one of GitHub's real payloads, with a type it has there, and none of the event's own is missing."""
    bench.open("change", {"b.txt": "b\nc\n", "a.txt": "1\n"})
    _, ticket = pulls.label(bench.home, 1, "explain", actor="ada")
    assert ticket is not None
    event = pull_event.payload(bench.home, replace(ticket, action=action), repository="flights")
    body = event["pull_request"]
    assert sorted(event) == SHAPES["events"][action]
    assert unlike("pull_request", body, own=frozenset({"merged_by"})) == []
    for side in ("head", "base"):
        assert unlike("side", body[side]) == []
        assert unlike("repository", body[side]["repo"]) == []
    assert unlike("repository", event["repository"]) == []
    assert unlike("user", event["sender"]) == []
    for label in (*body["labels"], *([event["label"]] if "label" in event else [])):
        assert unlike("label", label, own=frozenset({"description"})) == []


def test_the_payload_says_what_workflows_ask(bench: Bench) -> None:
    """Branches, commits, repository, labels, user, counts: each as the ticket and the pull request have it."""
    pull, _ = bench.open("change", {"b.txt": "b\nc\n", "a.txt": "1\n"})
    pulls.label(bench.home, 1, "explain", actor="ada")
    bench.commit({"b.txt": "b\n"})
    [ticket] = bench.push("change")
    event = pull_event.payload(bench.home, ticket, repository="flights")
    body = event["pull_request"]
    assert (event["action"], event["number"], event["before"], event["after"]) == (
        "synchronize", 1, pull.head_sha, ticket.head,
    )  # fmt: skip
    assert (body["head"]["ref"], body["head"]["sha"]) == ("change", ticket.head)
    assert (body["base"]["ref"], body["base"]["sha"]) == ("main", bench.tip())
    assert body["head"]["repo"]["full_name"] == event["repository"]["full_name"] == "local/flights"
    assert [label["name"] for label in body["labels"]] == ["explain"]
    assert (body["user"]["login"], event["sender"]["login"], body["draft"], body["merged"]) == (
        "ada",
        "ada",
        False,
        False,
    )
    assert (body["commits"], body["changed_files"], body["additions"], body["deletions"]) == (2, 2, 1, 4)
    assert (body["merge_commit_sha"], body["created_at"]) == (ticket.sha, pull.created)


def test_the_page_shows_words_and_no_markup_of_strangers(bench: Bench) -> None:
    """Titles, descriptions and comments cannot bring scripts, attributes or addresses of pictures into the page."""
    bench.branch("change", {"b.txt": "b\n"})
    draft = Draft(
        title="<script>alert(1)</script>", body="[x](javascript:alert(2)) ![p](https://example.org/p.png)",
        head="change", base="main", author="<b>ada</b>", labels=("<i>",),
    )  # fmt: skip
    pull, _ = pulls.create(bench.home, draft)
    bench.status(pull.head_sha, "failure")
    body = (
        "<!-- ratchet:report:flights -->\n## Held\n\n| metric | Δ |\n|---|--:|\n| brier | 0.01 |\n\n"
        "<details><summary>More</summary>\n\n*here*\n\n</details>\n\n"
        '<img src="https://example.org/x" onerror="alert(3)">'
        '\n\n<details ontoggle="alert(4)">\n\n```mermaid\npie\n```\n\n```html\n<script>5</script>\n```\n'
    )
    conversation.add_comment(bench.home, 1, body)
    page = pull_page.write(pull_page.look(bench.home, 1)).read_text(encoding="utf-8")
    assert [
        bad for bad in ("<script", "<img", "<details ontoggle", 'href="javascript', "<b>ada", "<i>") if bad in page
    ] == []
    for good in (
        "<h2>Held</h2>",
        "<td>brier</td>",
        "<details><summary>More</summary>",
        "<em>here</em>",
        "ratchet/gate",
    ):
        assert good in page
    assert "A chart: the report shows it." in page
    assert "ratchet:report" not in page
    assert "waits for ratchet/gate: failure" in page


def test_a_checkout_knows_its_forge(bench: Bench, tmp_path: Path) -> None:
    """The forge is found by the remote; pushing for a pull request names the branch and its newest words."""
    assert asking.home_of(bench.checkout) == bench.home
    (tmp_path / "lonely").mkdir()
    bench.git("init", "--quiet", cwd=tmp_path / "lonely")
    with pytest.raises(UsageError, match="has no forge"):
        asking.home_of(tmp_path / "lonely")
    words = asking.Words(title="", body="", base="main", labels=("explain",))
    with pytest.raises(UsageError, match="main is checked out"):
        asking.push_branch(bench.home, bench.checkout, words, actor="ada")
    bench.git("switch", "--quiet", "--create", "change")
    head = bench.commit({"b.txt": "b\n"}, "Add b\n\nBecause.")
    draft = asking.push_branch(bench.home, bench.checkout, words, actor="ada")
    assert draft == Draft(title="Add b", body="", head="change", base="main", author="ada", labels=("explain",))
    assert bench.tip("refs/heads/change") == head
    assert asking.author(bench.checkout, "ada") == Person(name="Ada", email="ada@example.org")
