"""The `ratchet` command: errors become one message and an exit code."""

from __future__ import annotations

import gc
import os
import sys

from ratchet.errors import RatchetError

OBJECTS_BEFORE_COLLECTING = 100_000
"""Imports make many objects and no garbage; with Python's default of 700 they are searched for it all the time."""


def main() -> None:
    """Run the command line; exit with the error's code (see `ratchet.errors`)."""
    gc.set_threshold(OBJECTS_BEFORE_COLLECTING)
    # More threads than are free wait for each other in a loop: a report then takes twice the time, and nothing gains.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from ratchet.cli.app import app

    try:
        app()
    except RatchetError as error:
        print(f"ratchet: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    finally:
        # What ends with the process needs no collecting: that would take as long as a third of a short command.
        gc.freeze()


if __name__ == "__main__":
    main()
