"""Work beside the requests: a few threads and a bounded queue. What does not fit is not taken on.

The threads are daemons: one that a model on trial hangs in does not keep the server from ending. Each job comes to an
end for whoever waits for it, done or not: what nobody began in OVERDUE_SECONDS is cancelled, and what was begun and
hangs so long is given up, when the next job comes or the executor is closed.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import Generic, TypeVar

MOST_JOBS = 256
MOST_VALUES = 2_000_000
"""Values in the rows that wait, all jobs together: a few requests of 10,000 rows, or many small ones."""
OVERDUE_SECONDS = 30.0
STOP_SECONDS = 2.0

T = TypeVar("T")


class GivenUp(TimeoutError):
    """The work was begun, and not waited for any longer than `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"given up after {seconds:.1f} s")
        self.seconds = seconds


class Job(Generic[T]):
    """One piece of work. `future` has what it returned; GivenUp, or it was cancelled, if nobody waited any longer."""

    def __init__(self, work: Callable[[], T], values: int) -> None:
        self._work: Callable[[], T] | None = work
        self.values = values
        self.future: Future[T] = Future()
        self.submitted = time.perf_counter()
        self.begun: float | None = None

    def seconds(self) -> float:
        """Since it was submitted."""
        return time.perf_counter() - self.submitted

    def running(self) -> float:
        """Seconds since a thread began with it; 0 if none has."""
        return 0.0 if self.begun is None else time.perf_counter() - self.begun

    def run(self) -> None:
        """Do it, unless it was cancelled. What it raises is its future's."""
        work, self._work = self._work, None  # with it goes the model that it keeps
        if work is None or not self.future.set_running_or_notify_cancel():
            return
        self.begun = time.perf_counter()
        with suppress(InvalidStateError):  # it was given up meanwhile
            try:
                result = work()
            except BaseException as error:  # the thread goes on with the next one
                self.future.set_exception(error)
            else:
                self.future.set_result(result)

    def give_up(self) -> None:
        """End it for whoever waits."""
        if not self.future.cancel():
            with suppress(InvalidStateError):  # it has just come to its own end
                self.future.set_exception(GivenUp(self.running()))


class BoundedExecutor:
    """Does what is submitted in its threads, oldest first. They begin with the first job."""

    def __init__(self, name: str, *, threads: int, most_jobs: int = MOST_JOBS) -> None:
        self._name = name
        self._most_threads = threads
        self._most_jobs = most_jobs
        self._threads: list[threading.Thread] = []
        self._jobs: deque[Job[object]] = deque()
        self._running: list[Job[object]] = []
        self._values = 0
        self._ready = threading.Condition()
        self._closed = False

    def submit(self, work: Callable[[], T], *, values: int) -> Job[T] | None:
        """Take it on, with rows of about so many values; None if there is no room."""
        self._give_up(OVERDUE_SECONDS)
        job = Job(work, values)
        with self._ready:
            full = len(self._jobs) >= self._most_jobs or (self._jobs and self._values + values > MOST_VALUES)
            if full or self._closed:
                return None
            self._jobs.append(job)  # type: ignore[arg-type]  # nobody looks at what it returns here
            self._values += values
            self._begin()
            self._ready.notify()
        return job

    def close(self) -> None:
        """Finish what was taken on, as far as that goes in STOP_SECONDS; the rest is given up."""
        with self._ready:
            self._closed = True
            self._ready.notify_all()
        deadline = time.perf_counter() + STOP_SECONDS
        for thread in self._threads:
            thread.join(max(deadline - time.perf_counter(), 0.0))
        self._give_up(0.0)

    def _begin(self) -> None:
        if not self._threads:
            self._threads = [
                threading.Thread(target=self._run, name=self._name, daemon=True) for _ in range(self._most_threads)
            ]
            for thread in self._threads:
                thread.start()

    def _give_up(self, seconds: float) -> None:
        """Jobs that have waited, or run, for so long."""
        with self._ready:
            late = [job for job in self._running if job.running() >= seconds and not job.future.done()]
            while self._jobs and self._jobs[0].seconds() >= seconds:
                late.append(self._taken())
        for job in late:
            job.give_up()

    def _run(self) -> None:
        while (job := self._next()) is not None:
            job.run()
            with self._ready:
                self._running.remove(job)

    def _next(self) -> Job[object] | None:
        with self._ready:
            while not self._jobs:
                if self._closed:
                    return None
                self._ready.wait()
            job = self._taken()
            self._running.append(job)
            return job

    def _taken(self) -> Job[object]:
        job = self._jobs.popleft()
        self._values -= job.values
        return job
