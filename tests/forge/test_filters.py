"""GitHub's rules for what starts a workflow, against the examples in GitHub's own documentation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.errors import UsageError
from ratchet.forge.filters import PushFilter, selects

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


@pytest.mark.parametrize(
    ("push", "branch", "changed", "wanted"),
    [
        (PushFilter(), "any/branch", [], True),
        (PushFilter(branches=("main", "releases/**")), "releases/1/2", [], True),
        (PushFilter(branches=("main",)), "mainly", [], False),
        (PushFilter(branches=("releases/**", "!releases/**-alpha")), "releases/beta/3-alpha", [], False),
        (PushFilter(branches_ignore=("wip/**",)), "wip/a", [], False),
        (PushFilter(branches_ignore=("wip/**",)), "main", [], True),
        (PushFilter(tags_named=True), "main", [], False),
        (PushFilter(branches=("main",), tags_named=True), "main", [], True),
        (PushFilter(paths=("src/**",)), "main", ["README.md"], False),
        (PushFilter(paths=("src/**",)), "main", ["README.md", "src/a.py"], True),
        (PushFilter(paths=("src/**", "!src/docs/**")), "main", ["src/docs/a.md"], False),
        (PushFilter(paths=("src/**", "!src/docs/**", "src/docs/b.md")), "main", ["src/docs/b.md"], True),
        (PushFilter(paths_ignore=("docs/**",)), "main", ["docs/a.md"], False),
        (PushFilter(paths_ignore=("docs/**",)), "main", ["docs/a.md", "a.py"], True),
        (PushFilter(branches=("main",), paths=("src/**",)), "other", ["src/a.py"], False),
    ],
)
def test_filters_decide_together(push: PushFilter, branch: str, changed: list[str], wanted: bool) -> None:
    """A push starts the workflow exactly if its branch and one of its files are asked for."""
    assert push.wants(branch, changed) == wanted


def test_a_filter_and_its_opposite_are_refused() -> None:
    """Naming paths and paths-ignore for one event is an error, as it is on GitHub."""
    with pytest.raises(UsageError, match="both paths and paths-ignore"):
        PushFilter(paths=("a",), paths_ignore=("b",))


def test_an_unreadable_pattern_is_named() -> None:
    """A set whose range runs backwards is refused with the pattern in the message."""
    with pytest.raises(UsageError, match=r"\[z-a\]"):
        selects(["[z-a]"], "m")
