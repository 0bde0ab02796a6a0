"""GitHub's rules for what starts a workflow, against the examples in GitHub's own documentation."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.errors import UsageError
from ratchet.forge import triggers
from ratchet.forge.filters import selects
from ratchet.forge.tickets import NOTHING, Ticket

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=20)

# From "Filter pattern cheat sheet" of GitHub's workflow syntax: pattern, names it matches, names it does not.
CHEAT_SHEET = [
    ("feature/*", ["feature/my-branch", "feature/your-branch"], ["feature/a/b", "feature"]),
    ("feature/**", ["feature/beta-a/my-branch", "feature/your-branch"], ["feature", "my/feature/x"]),
    ("main", ["main"], ["main2", "my/main"]),
    ("*", ["main", "releases"], ["all/the/branches"]),
    ("**", ["all/the/branches", "every/tag", ""], []),
    ("*feature", ["mona-feature", "feature", "ver-10-feature"], ["features", "a/feature"]),
    ("v2*", ["v2", "v2.0", "v2.9"], ["v1", "v2/0"]),
    ("v[12].[0-9]+.[0-9]+", ["v1.10.1", "v2.0.0"], ["v3.0.0", "v1.10", "v1.x.1"]),
    ("*.jsx?", ["page.js", "page.jsx"], ["page.jsxx", "a/page.js"]),
    ("*.js", ["app.js", "index.js"], ["js/app.js", "appxjs"]),
    ("**.js", ["index.js", "js/index.js", "src/js/app.js"], ["index.ts"]),
    ("docs/*", ["docs/README.md", "docs/file.txt"], ["docs/a/b.md"]),
    ("docs/**", ["docs/README.md", "docs/mona/octocat.txt"], ["adocs/x", "doc"]),
    ("docs/**/*.md", ["docs/README.md", "docs/mona/hello-world.md", "docs/a/markdown/file.md"], ["docs/a.txt"]),
    ("**/docs/**", ["docs/hello.md", "dir/docs/my-file.txt", "space/docs/plan/space.doc"], ["mydocs/x"]),
    ("**/README.md", ["README.md", "js/README.md"], ["js/aREADME.md"]),
    ("**/*src/**", ["a/src/app.js", "my-src/code/js/app.js"], ["srcs/app.js"]),
    ("**/*-post.md", ["my-post.md", "path/their-post.md"], ["post.md"]),
    ("**/migrate-*.sql", ["migrate-10909.sql", "db/migrate-v1.0.sql", "db/sept/migrate-v1.sql"], ["db/m.sql"]),
    (r"a\*b", ["a*b"], ["axb", "ab"]),
    ("data/**/*.dvc", ["data/raw.dvc", "data/raw/2013-07.dvc"], ["data/raw/2013-07", "other/data/raw.dvc"]),
]


@pytest.mark.parametrize(("pattern", "matched", "others"), CHEAT_SHEET)
def test_patterns_mean_what_github_documents(pattern: str, matched: list[str], others: list[str]) -> None:
    """A pattern chooses the names of GitHub's own examples and no others."""
    names = [*matched, *others]
    assert [name for name in names if selects([pattern], name)] == matched


@given(NAMES)
def test_an_escaped_name_matches_itself_alone(name: str) -> None:
    """A name with a backslash before every character matches that name, and nothing that is longer."""
    pattern = "".join(f"\\{letter}" for letter in name)
    assert (selects([pattern], name), selects([pattern], f"{name}x")) == (True, False)


@given(st.lists(NAMES, max_size=4), NAMES)
def test_the_last_pattern_decides(patterns: list[str], name: str) -> None:
    """Whatever comes before it, a final `**` chooses every name and a final `!**` chooses none."""
    plain = [f"\\{pattern}" for pattern in patterns]
    assert (selects([*plain, "**"], name), selects([*plain, "**", "!**"], name)) == (True, False)


def wants(on: object, *, changed: list[str] | None = None, **ticket: Any) -> bool:
    """Whether a workflow with this `on:` is started by a ticket with these fields."""
    common: dict[str, Any] = {"name": "1", "sha": "a" * 40, "before": NOTHING, "actor": "ada", "ref": "refs/heads/main"}
    return triggers.wants(triggers.read("w.yaml", on), Ticket(**{**common, **ticket}), lambda: changed or [])


PUSHES = [
    ({}, "heads/any/branch", [], True),
    ({}, "tags/v1", [], True),
    ({"branches": ["main", "releases/**"]}, "heads/releases/1/2", [], True),
    ({"branches": ["main"]}, "heads/mainly", [], False),
    ({"branches": "main"}, "heads/main", [], True),
    ({"branches": ["releases/**", "!releases/**-alpha"]}, "heads/releases/beta/3-alpha", [], False),
    ({"branches-ignore": ["wip/**"]}, "heads/wip/a", [], False),
    ({"branches-ignore": ["wip/**"]}, "heads/main", [], True),
    ({"branches-ignore": ["wip/**"]}, "tags/v1", [], False),
    ({"tags": ["v*"]}, "heads/main", [], False),
    ({"tags": ["v*"]}, "tags/v1.0", [], True),
    ({"tags": ["v*"]}, "tags/1.0", [], False),
    ({"tags-ignore": ["*-rc"]}, "tags/v1-rc", [], False),
    ({"tags-ignore": ["*-rc"]}, "tags/v1", [], True),
    ({"branches": ["main"], "tags": ["v*"]}, "heads/main", [], True),
    ({"branches": ["main"]}, "tags/main", [], False),
    ({"tags": ["v*"], "paths": ["src/**"]}, "tags/v1", ["README.md"], True),
    ({"paths": ["src/**"]}, "heads/main", ["README.md"], False),
    ({"paths": ["src/**"]}, "heads/main", ["README.md", "src/a.py"], True),
    ({"paths": ["src/**", "!src/docs/**"]}, "heads/main", ["src/docs/a.md"], False),
    ({"paths": ["src/**", "!src/docs/**", "src/docs/b.md"]}, "heads/main", ["src/docs/b.md"], True),
    ({"paths-ignore": ["docs/**"]}, "heads/main", ["docs/a.md"], False),
    ({"paths-ignore": ["docs/**"]}, "heads/main", ["docs/a.md", "a.py"], True),
    ({"branches": ["main"], "paths": ["src/**"]}, "heads/other", ["src/a.py"], False),
]


@pytest.mark.parametrize(("push", "ref", "changed", "wanted"), PUSHES)
def test_filters_decide_together(push: dict[str, object], ref: str, changed: list[str], wanted: bool) -> None:
    """A push starts the workflow exactly if its branch or tag and one of its files are asked for."""
    assert wants({"push": push}, event="push", ref=f"refs/{ref}", changed=changed) == wanted


PULL_REQUESTS = [
    ({}, "opened", "main", [], True),
    ("", "synchronize", "main", [], True),
    ({}, "reopened", "main", [], True),
    ({}, "labeled", "main", [], False),
    ({"types": ["labeled"]}, "labeled", "main", [], True),
    ({"types": ["labeled"]}, "opened", "main", [], False),
    ({"types": "closed"}, "closed", "main", [], True),
    ({"branches": ["main"]}, "opened", "other", [], False),
    ({"branches": ["main"]}, "opened", "main", [], True),
    ({"branches-ignore": ["old/**"]}, "opened", "old/one", [], False),
    ({"branches": ["main"], "paths": ["src/**"]}, "opened", "main", ["docs/a.md"], False),
    ({"branches": ["main"], "paths": ["src/**"]}, "opened", "main", ["src/a.py"], True),
    ({"paths-ignore": ["docs/**"]}, "opened", "main", ["docs/a.md"], False),
]


@pytest.mark.parametrize(("below", "action", "base", "changed", "wanted"), PULL_REQUESTS)
def test_pull_requests_are_chosen_by_type_base_and_paths(
    below: object, action: str, base: str, changed: list[str], wanted: bool
) -> None:
    """Without types, opened, synchronize and reopened count; branches are those that the pull request goes to."""
    asked = {"event": "pull_request", "ref": "refs/pull/7/merge", "action": action, "base": base}
    assert wants({"pull_request": below}, changed=changed, **asked) == wanted


WEEKLY, DAILY = "17 3 * * 1", "0 4 * * *"
OTHERS = [
    ("workflow_dispatch", {"event": "workflow_dispatch", "workflow": "w.yaml"}, True),
    ("push", {"event": "workflow_dispatch", "workflow": "w.yaml"}, False),
    ("repository_dispatch", {"event": "repository_dispatch", "action": "anything"}, True),
    ({"repository_dispatch": {"types": ["drift"]}}, {"event": "repository_dispatch", "action": "drift"}, True),
    ({"repository_dispatch": {"types": ["drift"]}}, {"event": "repository_dispatch", "action": "Drift"}, False),
    ({"schedule": [{"cron": WEEKLY}, {"cron": DAILY}]}, {"event": "schedule", "body": {"schedule": DAILY}}, True),
    ({"schedule": [{"cron": WEEKLY}]}, {"event": "schedule", "body": {"schedule": DAILY}}, False),
    ({"workflow_run": {"workflows": ["Train"]}}, {"name_of": "Train"}, True),
    ({"workflow_run": {"workflows": ["Train"]}}, {"name_of": "Test"}, False),
    ({"workflow_run": {"workflows": ["Train"], "types": ["completed"]}}, {"name_of": "Train"}, True),
    ({"workflow_run": {"workflows": ["Train"], "types": ["requested"]}}, {"name_of": "Train"}, False),
    ({"workflow_run": {"workflows": ["Train"], "branches": ["main"]}}, {"name_of": "Train"}, False),
    ({"workflow_run": {"workflows": ["Train"], "branches": ["add-*"]}}, {"name_of": "Train"}, True),
]


@pytest.mark.parametrize(("on", "asked", "wanted"), OTHERS)
def test_other_events_are_chosen_by_what_they_are_about(on: object, asked: dict[str, Any], wanted: bool) -> None:
    """A dispatch by its file, an event by its type, a schedule by its cron, an ended run by its name and its branch."""
    if name := asked.pop("name_of", None):
        body = {"name": name, "head_branch": "add-july"}
        asked = {"event": "workflow_run", "action": "completed", "body": body}
    assert wants(on, **asked) == wanted


def test_a_filter_and_its_opposite_are_refused() -> None:
    """Naming paths and paths-ignore for one event is an error, as it is on GitHub."""
    with pytest.raises(UsageError, match=r"w\.yaml: on\.push names both paths and paths-ignore"):
        triggers.read("w.yaml", {"push": {"paths": ["a"], "paths-ignore": ["b"]}})


def test_an_unreadable_pattern_is_named() -> None:
    """A set whose range runs backwards is refused with the pattern in the message."""
    with pytest.raises(UsageError, match=r"\[z-a\]"):
        selects(["[z-a]"], "m")
