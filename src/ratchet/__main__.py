"""The `ratchet` command: errors become one message and an exit code."""

from __future__ import annotations

import os
import sys

from ratchet.errors import RatchetError


def main() -> None:
    """Run the command line; exit with the error's code (see `ratchet.errors`)."""
    from ratchet.cli.app import app

    try:
        app()
    except RatchetError as error:
        print(f"ratchet: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


if __name__ == "__main__":
    main()
