"""Start the server on a free port, ask it with the very curl that it prints, and stop it."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys


def main() -> int:
    """Show the command and the answer; returns curl's exit code."""
    server = subprocess.Popen(
        [sys.executable, "-m", "ratchet", "serve", "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        for line in server.stdout:
            print(line, end="", flush=True)
            if line.strip().startswith("curl"):
                return subprocess.run(shlex.split(line), check=False).returncode
        return 1
    finally:
        print(flush=True)
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=30)


if __name__ == "__main__":
    sys.exit(main())
