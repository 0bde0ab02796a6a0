"""The server's process: take the port, fetch the champion, answer until told to stop, finish what was begun."""

from __future__ import annotations

import os
import shlex
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType

import msgspec
import uvicorn

from ratchet.core.params import Params, Serve
from ratchet.errors import UsageError
from ratchet.io.ledger import LedgerBranch
from ratchet.io.prediction_log import log_folder
from ratchet.io.prediction_writer import PredictionWriter
from ratchet.serving.app import create_app
from ratchet.serving.bodies import JSON
from ratchet.serving.champion_watcher import ChampionWatcher
from ratchet.serving.prediction_service import PredictionService
from ratchet.serving.pull_folders import PullFolders
from ratchet.serving.serving_state import NEXT, NOTHING_YET, ServingState
from ratchet.serving.source import LedgerSource, ModelSource
from ratchet.serving.trial_watcher import TrialWatcher
from ratchet.settings import load_settings

GRACE_SECONDS = 30
"""How long requests that were begun may take to end after the order to stop."""
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def serve(root: Path, params: Params, *, remote: str, host: str, port: int, folder: Path) -> None:
    """Serve the champion of the project at `root` until SIGTERM or SIGINT; port 0 takes a free one.

    `remote` is the git remote of the ledger; `folder` is where champions are fetched to.
    Raises UsageError if the port cannot be had.
    """
    # One request is scored by one thread: with OpenMP's own threads a single row costs many times more.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    ledger = LedgerBranch(root, remote, params.promotion.branch, load_settings(root).git_token)
    options = params.serve.model_copy(update={"host": host, "port": port})
    log = log_folder(load_settings(root), options.log) if options.log else None
    run(LedgerSource(ledger), options, folder, log=log)


def run(source: ModelSource, options: Serve, folder: Path, *, log: Path | None = None) -> None:
    """Serve what `source` says until SIGTERM or SIGINT. Raises UsageError if the port cannot be had.

    Answers are written to the folder `log`; without one nothing is, and nothing is on trial.
    """
    state = ServingState()
    PullFolders(folder).sweep()
    watcher = ChampionWatcher(source, state, folder=folder, poll_seconds=options.poll_seconds)
    with bound(options.host, options.port) as taken, suppress(KeyboardInterrupt), ExitStack() as stopping:
        stopping.callback(watcher.stop)
        with _stop_signals(signal.default_int_handler):
            watcher.check()
        watcher.start()
        if log is not None:
            trials = _trials(source, state, options, folder)
            stopping.callback(trials.stop)
            trials.start()
        service = PredictionService(PredictionWriter(log) if log else None, log_inputs=options.log_inputs)
        with _stop_signals(_ignored):
            _Announcing(state, options, service).run(sockets=[taken])


def _trials(source: ModelSource, state: ServingState, options: Serve, folder: Path) -> TrialWatcher:
    return TrialWatcher(
        source, state, folder=folder, poll_seconds=options.poll_seconds, trial_seconds=options.trial_seconds
    )


def greeting(state: ServingState, url: str) -> str:
    """What serves where, and a command that asks it."""
    predictor = state.predictor
    if predictor is None:
        return f"serving at {url}: {state.trouble or NOTHING_YET} (next: {NEXT})\n  curl -s {url}/health"
    champion = predictor.champion
    body = msgspec.json.encode(predictor.card["example"]).decode()
    ask = f"curl -s {url}/predict -H {shlex.quote(f'content-type: {JSON}')} -d {shlex.quote(body)}"
    return f"serving {champion.model} version {champion.version} at {url}\n  {ask}"


class _Announcing(uvicorn.Server):
    """Says where it is once it answers there."""

    def __init__(self, state: ServingState, options: Serve, service: PredictionService) -> None:
        super().__init__(
            uvicorn.Config(
                create_app(state, max_rows=options.max_rows, service=service),
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self._state = state

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for taken in sockets or ():
            print(greeting(self._state, url_of(taken)), flush=True)


@contextmanager
def bound(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that has the port and does not listen yet: a port that is taken is known before anything is fetched.

    Raises UsageError if it cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches Nagle's algorithm off only where the protocol is named; else each answer waits 40 ms for an ACK.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind((host, port))
        except (OSError, OverflowError) as error:
            raise UsageError(
                f"port {port} of {host} cannot be had: {error}",
                next_step="stop what uses it, or take another: ratchet serve --port 0 finds a free one",
            ) from error
        yield taken


def url_of(taken: socket.socket) -> str:
    """Where a bound socket is reached over HTTP."""
    host, port = taken.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _ignored(_number: int, _frame: FrameType | None) -> None:
    """uvicorn stops at a signal by itself, and raises it once more when it is done; by then there is nothing to do."""


@contextmanager
def _stop_signals(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    before = [(number, signal.signal(number, handler)) for number in STOP_SIGNALS]
    try:
        yield
    finally:
        for number, previous in before:
            signal.signal(number, previous)
