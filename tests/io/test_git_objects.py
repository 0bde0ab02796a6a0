"""Contents by name: many from one process, in order, and in git's words where it cannot answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ratchet.errors import ServiceFailed
from ratchet.io.git import git
from ratchet.io.git_objects import AT_ONCE, contents


def test_contents_come_in_the_order_in_which_they_are_asked_for(repository: Callable[[str], Path]) -> None:
    """More than git is told at once: empty ones, long ones, ones with line ends; and None for what is not there."""
    root = repository("objects")
    texts = [b"", b"\n", b"a missing\n", b"\x00" * 200_000, *(f"{number}".encode() for number in range(AT_ONCE * 2))]
    names = [git(["hash-object", "-w", "--stdin"], cwd=root, input=text) for text in texts[:6]]
    names += [git(["hash-object", "-w", "--stdin"], cwd=root, input=texts[6])] * (len(texts) - 6)
    expected = [*texts[:6], *[texts[6]] * (len(texts) - 6)]
    assert list(contents(names, cwd=root)) == expected
    assert list(contents([names[1], "0" * 40, names[3]], cwd=root)) == [b"\n", None, texts[3]]
    assert not list(contents([], cwd=root))


def test_who_has_read_enough_may_stop(repository: Callable[[str], Path]) -> None:
    """Git is not left behind, blocked by what nobody reads."""
    root = repository("objects")
    name = git(["hash-object", "-w", "--stdin"], cwd=root, input=b"x" * 1_000_000)
    answers = contents([name] * 10, cwd=root)
    assert len(next(answers) or b"") == 1_000_000
    answers.close()  # type: ignore[attr-defined]  # a generator's


def test_git_says_why_it_cannot(tmp_path: Path) -> None:
    """Outside of a repository there is nothing to ask, however much is asked."""
    for count in (1, AT_ONCE * 50):
        with pytest.raises(ServiceFailed, match="not a git repository"):
            list(contents(["0" * 40] * count, cwd=tmp_path))
