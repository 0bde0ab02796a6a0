"""What git keeps, by name: one process tells many contents, and only one of them is in memory at a time."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from ratchet.errors import ServiceFailed
from ratchet.io.git import environment

AT_ONCE = 64
"""Names that git is told before it is listened to: so few fit into a pipe, and neither side waits for the other."""


def contents(names: Sequence[str], *, cwd: Path) -> Iterator[bytes | None]:
    """What git has under these names, in their order; None where it has nothing. Raises ServiceFailed."""
    if not names:
        return
    with subprocess.Popen(
        ["git", "cat-file", "--batch"],
        cwd=cwd,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as git:
        asked, answers, words = _pipes(git)
        try:
            for first in range(0, len(names), AT_ONCE):
                some = names[first : first + AT_ONCE]
                asked.write("".join(f"{name}\n" for name in some).encode())
                asked.flush()
                for _ in some:
                    yield _next(answers)
        except (BrokenPipeError, EOFError) as error:
            # Git says once what is wrong, and stops.
            said = words.read().decode(errors="replace").strip() or "it stopped"
            raise ServiceFailed(
                f"git cat-file failed in {cwd}: {said}", next_step="mend what git says and try again"
            ) from error
        finally:
            with suppress(BrokenPipeError):
                asked.close()


def _pipes(git: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes], IO[bytes]]:
    if git.stdin is None or git.stdout is None or git.stderr is None:
        raise ServiceFailed("git was started without pipes", next_step="this is a mistake of the program")
    return git.stdin, git.stdout, git.stderr


def _next(answers: IO[bytes]) -> bytes | None:
    """One answer: `NAME KIND SIZE`, then the content and a line end; or `NAME missing`."""
    head = answers.readline()
    if not head:
        raise EOFError
    size = head.rpartition(b" ")[2]
    if not size.strip().isdigit():
        return None
    content = answers.read(int(size) + 1)
    if len(content) <= int(size):
        raise EOFError
    return content[:-1]
