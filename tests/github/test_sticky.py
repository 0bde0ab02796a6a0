"""The rules of the one comment: whose it is, what it is about, and how a long text becomes short."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ratchet.core import sticky

MARKER = sticky.marker_of("flights")
POINTER = "*more elsewhere*"
FENCES = ["```", "~~~", "````", "```py", "```a`b", "    ```"]
FOLDS = ["<details>", "</details>", "<details><summary>x</summary>"]
LINES = st.lists(st.sampled_from(["# one", "## two 🚀", "text", "", *FENCES, *FOLDS]) | st.text(max_size=20))


@dataclass(frozen=True)
class Said:
    """A comment."""

    id: int
    author: str
    body: str


def test_ours_are_those_we_wrote_with_the_marker_first() -> None:
    """Author and beginning decide, and the oldest comes first."""
    mine = [Said(9, "bot", f"{MARKER}\nb"), Said(2, "bot", f"{MARKER}\na")]
    others = [Said(1, "ada", f"{MARKER}\n"), Said(3, "bot", f"see {MARKER}"), Said(4, "bot", sticky.marker_of("x"))]
    assert [one.id for one in sticky.ours([*mine, *others], MARKER, "bot")] == [2, 9]


def test_markers_differ_by_model_and_kind() -> None:
    """And none is the beginning of another."""
    markers = [sticky.marker_of(name, kind) for name in ("a", "a-b", "ab") for kind in ("report", "sample")]
    assert [one for one in markers for other in markers if one is not other and other.startswith(one)] == []


@pytest.mark.parametrize("commit", ["a" * 40, ""])
def test_a_comment_says_what_it_is_about(commit: str) -> None:
    """In the line below the marker; the same words in the text are not believed."""
    quoted = f"<!-- ratchet:commit:{'b' * 40} -->"
    text = sticky.with_marker(f"# The report\n{quoted}", MARKER, commit=commit)
    assert (sticky.commit_of(text), text.startswith(f"{MARKER}\n")) == (commit, True)


@given(LINES, st.integers(60, 400))
def test_what_is_cut_fits_and_says_so(lines: list[str], limit: int) -> None:
    """A text that fits is left alone; any other becomes its own beginning and the pointer, never too long."""
    text = "\n".join(lines)
    done = sticky.cut(text, limit, POINTER)
    assert sticky.size(done) <= max(limit, 0)
    if sticky.size(text) <= limit:
        assert done == text
    else:
        assert done.endswith(POINTER)


@given(LINES, st.integers(60, 400))
def test_the_pointer_is_never_hidden_in_code(lines: list[str], limit: int) -> None:
    """A reader of Markdown finds it as a paragraph of its own, whatever was open where the text was cut."""
    text = "\n\n".join([*lines, "x" * 401])
    parsed = MarkdownIt().parse(sticky.cut(text, limit, POINTER))
    assert [token.type for token in parsed[-3:]] == ["paragraph_open", "inline", "paragraph_close"]
    assert (parsed[-2].content, parsed[-3].level) == (POINTER, 0)


def test_a_text_is_cut_before_a_section() -> None:
    """The last heading that fits is where it ends."""
    text = f"# Report\n\nverdict\n\n## First\n\n{'x' * 50}\n\n## Second\n\n{'y' * 50}\n"
    assert sticky.cut(text, 120, POINTER) == f"# Report\n\nverdict\n\n## First\n\n{'x' * 50}\n\n{POINTER}"


@pytest.mark.parametrize(("opening", "closing"), [("<details>", "</details>"), ("```", "```"), ("~~~", "~~~")])
def test_no_fold_and_no_code_is_cut_open(opening: str, closing: str) -> None:
    """A heading inside of one is no place to end."""
    text = f"# Report\n\nverdict\n\n## First\n\n{opening}\n# inside\n{'x' * 60}\n{closing}\n\n## Second\n\n{'y' * 99}\n"
    assert sticky.cut(text, 90, POINTER) == f"# Report\n\nverdict\n\n{POINTER}"


def test_one_long_section_is_cut_at_a_line() -> None:
    """Whole lines are kept, and the fold that was open is closed, so that the pointer is not hidden in it."""
    text = "<details>\n" + "a line\n" * 100
    done = sticky.cut(text, 120, POINTER)
    assert done.startswith("<details>\na line\n")
    assert done.endswith(f"a line\n</details>\n\n{POINTER}")


def test_github_may_count_in_utf_16() -> None:
    """A character beyond the first plane counts as two, so that no count of GitHub's is larger."""
    assert (sticky.size("aé€"), sticky.size("🚀")) == (3, 2)
