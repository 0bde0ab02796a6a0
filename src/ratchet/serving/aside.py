"""Work beside the requests: a few threads and a bounded queue. What does not fit is not taken on.

The threads are daemons: one that a model on trial hangs in does not keep the server from ending.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

Work = Callable[[], object]
MOST_JOBS = 256
MOST_VALUES = 2_000_000
"""Values in the rows that wait, all jobs together: a few requests of 10,000 rows, or many small ones."""
STOP_SECONDS = 2.0


class _Job(NamedTuple):
    work: Work
    values: int


class Aside:
    """Does what is submitted in its threads, oldest first. What is submitted never raises."""

    def __init__(self, name: str, *, threads: int, most_jobs: int = MOST_JOBS) -> None:
        self._most_jobs = most_jobs
        self._jobs: deque[_Job] = deque()
        self._values = 0
        self._ready = threading.Condition()
        self._stopping = False
        self._threads = [threading.Thread(target=self._run, name=name, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def submit(self, work: Work, *, values: int) -> bool:
        """Take it on, with rows of about so many values; False if there is no room."""
        with self._ready:
            full = len(self._jobs) >= self._most_jobs or (self._jobs and self._values + values > MOST_VALUES)
            if full or self._stopping:
                return False
            self._jobs.append(_Job(work, values))
            self._values += values
            self._ready.notify()
        return True

    def close(self) -> None:
        """Finish what was taken on, as far as that goes in STOP_SECONDS."""
        with self._ready:
            self._stopping = True
            self._ready.notify_all()
        for thread in self._threads:
            thread.join(STOP_SECONDS)

    def _run(self) -> None:
        while (job := self._next()) is not None:
            job.work()

    def _next(self) -> _Job | None:
        with self._ready:
            while not self._jobs:
                if self._stopping:
                    return None
                self._ready.wait()
            job = self._jobs.popleft()
            self._values -= job.values
            return job
