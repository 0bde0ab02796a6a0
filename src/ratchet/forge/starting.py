"""Starting a worker, for whoever has put something into the queue."""

from __future__ import annotations

import os
import subprocess
import sys

from ratchet.forge.home import Home, package_source


class Detached(subprocess.Popen[bytes]):
    """A process that outlives whoever started it: to let go of it is no mistake that Python need warn of."""

    def __del__(self) -> None:
        self.poll()


def start(home: Home) -> Detached:
    """Start a worker that outlives whoever starts it."""
    # What git says to its hooks is about their repository; the worker's git must not hear it.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    with (home.root / "worker.log").open("ab") as log:
        return Detached(
            [sys.executable, "-P", "-m", "ratchet.forge.worker", str(home.root)],
            cwd=home.root,
            env={**clean, "PYTHONPATH": str(package_source())},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
