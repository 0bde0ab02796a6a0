"""Work beside the requests: it is done, or whoever waits is told that it is not."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from ratchet.serving import bounded_executor
from ratchet.serving.bounded_executor import BoundedExecutor, Job

PATIENCE = 30.0


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """Lets what hangs go on, at the end at the latest."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def executor(monkeypatch: pytest.MonkeyPatch) -> BoundedExecutor:
    """One thread, and little patience."""
    monkeypatch.setattr(bounded_executor, "STOP_SECONDS", 0.05)
    return BoundedExecutor("tested", threads=1, most_jobs=3)


def taken(job: Job[object] | None) -> Job[object]:
    """A job that there was room for."""
    assert job is not None
    return job


def hang(executor: BoundedExecutor, release: threading.Event) -> Job[object]:
    """A job that has begun, and does not end before it is released."""
    begun = threading.Event()

    def work() -> object:
        begun.set()
        return release.wait(PATIENCE)

    job = taken(executor.submit(work, values=1))
    assert begun.wait(PATIENCE)
    return job


def test_what_has_no_room_is_not_taken_on(executor: BoundedExecutor, release: threading.Event) -> None:
    """By the number of jobs, and by the size of what waits; one large job alone is let in."""
    hang(executor, release)
    assert [executor.submit(int, values=1) is not None for _ in range(4)] == [True, True, True, False]
    large = BoundedExecutor("large", threads=1)
    hang(large, release)
    sizes = (2 * bounded_executor.MOST_VALUES, 1)
    assert [large.submit(int, values=size) is not None for size in sizes] == [True, False]


def test_a_job_that_ends_its_thread_ends_nothing(executor: BoundedExecutor) -> None:
    """Whatever it raises is told to whoever waits, and the next one is done."""
    failed = taken(executor.submit(exit, values=1))
    assert isinstance(failed.future.exception(PATIENCE), SystemExit)
    assert taken(executor.submit(lambda: 7, values=1)).future.result(PATIENCE) == 7


def test_a_job_that_hangs_is_given_up_when_the_next_one_comes(
    executor: BoundedExecutor, release: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And so is what waited behind it for as long: nobody waits for ever, and there is room again."""
    hangs = hang(executor, release)
    behind = [taken(executor.submit(int, values=1)) for _ in range(3)]
    assert executor.submit(int, values=1) is None
    monkeypatch.setattr(bounded_executor, "OVERDUE_SECONDS", 0.0)
    new = taken(executor.submit(lambda: 7, values=1))
    assert isinstance(hangs.future.exception(PATIENCE), TimeoutError)
    assert [job.future.cancelled() for job in behind] == [True] * 3
    release.set()
    assert new.future.result(PATIENCE) == 7


def test_the_end_gives_up_what_is_left(executor: BoundedExecutor, release: threading.Event) -> None:
    """What hangs and what waits come to an end for whoever waits, and nothing is taken on any more."""
    hangs, waits = hang(executor, release), taken(executor.submit(int, values=1))
    executor.close()
    assert isinstance(hangs.future.exception(PATIENCE), TimeoutError)
    assert waits.future.cancelled()
    assert executor.submit(int, values=1) is None
    release.set()


def test_the_end_waits_for_what_can_be_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that was taken on is done before."""
    monkeypatch.setattr(bounded_executor, "STOP_SECONDS", PATIENCE)
    executor = BoundedExecutor("tested", threads=2)
    jobs = [taken(executor.submit(lambda: 7, values=1)) for _ in range(50)]
    executor.close()
    assert [job.future.result(0) for job in jobs] == [7] * 50
