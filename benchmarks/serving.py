"""Answering over HTTP, beside MLflow's own server: `python -m benchmarks.serving [--rounds N] [--requests N]`.

One model of the flights is served four times: by `mlflow models serve`, and by `ratchet serve` without a log, with
the log of predictions, and with the log beside a candidate in its shadow. All servers run at once and are asked in
turns, the same bytes over MLflow's protocol (`/invocations`); their answers must be equal. The table is printed;
docs/benchmarks.md is written by hand. The exit code is 1 if a goal was missed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from benchmarks.project import PYTHON, RATCHET, Projects
from benchmarks.serving_load import Load, Target, ask, measure, percentile

SIZES = (1, 100)
CLIENTS = 4
POLL_SECONDS = 10.0
START_SECONDS = 120.0
MLFLOW = "`mlflow models serve`"
PLAIN, LOGGED, SHADOWED = "nothing logged", "logged", "logged, beside a shadow"
GOAL_RATIO = 1.0
"""Median seconds of ours with its log over those of MLflow's server, at most."""
EQUAL = 1e-9
MANY_ROWS = 10_000_000
"""More than a shadow sees here, so that it goes on all the time."""
HEAD = (
    "| rows | server | p50 ms | p95 ms | requests a second | CPU ms a request |",
    "|---:|---|---:|---:|---:|---:|",
)


def main() -> int:
    """Measure; returns the exit code."""
    asked = _arguments()
    with tempfile.TemporaryDirectory(prefix="ratchet-bench-") as folder, ExitStack() as running:
        plain, shadowed = _projects(Projects(Path(folder)))
        servers = _servers(running, plain, shadowed)
        bodies = {size: _body(plain.root, size) for size in SIZES}
        for body in bodies.values():
            _must_agree(servers, body)
        found = _rounds(servers, bodies, asked.rounds, asked.requests)
    print("\n".join([*HEAD, *(_row(*key, load) for key, load in found.items())]))
    return 0 if all(_reached(found, size) for size in SIZES) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure answering over HTTP, beside MLflow's own server.")
    parser.add_argument("--rounds", type=int, default=10, help="rounds in which all servers are asked in turns")
    parser.add_argument("--requests", type=int, default=60, help="requests of each kind to each server in a round")
    return parser.parse_args()


class _Project:
    """A project in which a champion serves."""

    def __init__(self, root: Path, environment: dict[str, str], run_id: str) -> None:
        self.root = root
        self.environment = {**environment, "PYTHONPATH": str(root / "src")}
        self.run_id = run_id

    def set_params(self, **sections: dict[str, Any]) -> None:
        """Change keys of sections of params.yaml."""
        path = self.root / "params.yaml"
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
        for section, values in sections.items():
            tree[section] = {**tree.get(section, {}), **values}
        path.write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")


def _projects(projects: Projects) -> tuple[_Project, _Project]:
    """One in which the champion serves alone, and a copy with a candidate in its shadow."""
    root = projects.fresh(projects.batches[:3])
    place = projects.place
    print("a champion is trained, and a candidate", file=sys.stderr, flush=True)
    compute = ((*RATCHET, "run"), (*RATCHET, "record"))
    place.cost_of(*compute, (*RATCHET, "promote"), cwd=root)
    environment = {**place.environment, "MLFLOW_TRACKING_URI": f"sqlite:///{root / '.ratchet' / 'mlflow.db'}"}
    run_id = _champion(root, environment)
    plain = _Project(root, environment, run_id)
    plain.set_params(serve={"poll_seconds": POLL_SECONDS})
    other = Path(shutil.copytree(root, f"{root}-shadow", symlinks=True))
    shadowed = _Project(other, environment, run_id)
    seed = yaml.safe_load((other / "params.yaml").read_text(encoding="utf-8"))["model"]["seed"]
    # By another seed, which is no worse; the gate is as wide open as it can be, as it is not what is measured.
    shadowed.set_params(
        model={"seed": seed + 1},
        gate={"alpha": 0.49, "margin": 0.05},
        promotion={"phases": ["gate", {"shadow": {"rows": MANY_ROWS}}]},
    )
    store = ("env", f"MLFLOW_TRACKING_URI={environment['MLFLOW_TRACKING_URI']}")
    place.cost_of(*((*store, *command) for command in (*compute, (*RATCHET, "register"))), cwd=other)
    return plain, shadowed


def _champion(root: Path, environment: dict[str, str]) -> str:
    """The run that the champion was recorded as."""
    command = (*RATCHET, "history", "--json")
    told = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=True).stdout
    entries = [json.loads(line) for line in told.splitlines()]
    return next(str(entry["run_id"]) for entry in entries if entry["kind"] == "promotion")


def _servers(running: ExitStack, plain: _Project, shadowed: _Project) -> list[Target]:
    """All four, each ready; the first is MLflow's."""
    mlflow = running.enter_context(_mlflow(plain))
    plain.set_params(serve={"log": None})
    without = running.enter_context(_ratchet(PLAIN, plain))
    plain.set_params(serve={"log": ".ratchet/predictions"})
    logged = running.enter_context(_ratchet(LOGGED, plain))
    beside = running.enter_context(_ratchet(SHADOWED, shadowed))
    _until(lambda: _health(beside.url)["trial"] is not None, f"{SHADOWED}: no version came on trial")
    return [mlflow, without, logged, beside]


@contextmanager
def _mlflow(project: _Project) -> Iterator[Target]:
    """MLflow's own server as its command starts it: one uvicorn worker, in this environment."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    model = f"runs:/{project.run_id}/model"
    command = (PYTHON, "-m", "mlflow", "models", "serve", "-m", model, "--env-manager", "local", "-p", str(port))
    url = f"http://127.0.0.1:{port}"
    with _process(command, project, stdout=subprocess.DEVNULL) as process:
        _until(lambda: _answers(f"{url}/ping"), "mlflow models serve does not answer")
        yield Target(name=MLFLOW, url=url, pid=process.pid, settle=lambda: None)


@contextmanager
def _ratchet(name: str, project: _Project) -> Iterator[Target]:
    """Ours; what a shadow has left to do is waited for."""
    with _process((*RATCHET, "serve", "--port", "0"), project, stdout=subprocess.PIPE) as process:
        if process.stdout is None:
            raise RuntimeError("the server has no output")
        url = process.stdout.readline().split()[-1]

        def settle() -> None:
            if name != PLAIN:
                _until(lambda: _settled(url), f"{name}: the shadow never ends")

        yield Target(name=f"`ratchet serve`, {name}", url=url, pid=process.pid, settle=settle)


@contextmanager
def _process(command: Sequence[str], project: _Project, *, stdout: int) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        command, cwd=project.root, env=project.environment, stdout=stdout, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def _settled(url: str) -> bool:
    """Whether the log has all lines: a line is written when the shadow has scored its request, or was passed over."""
    before = _health(url)["log"]
    time.sleep(0.25)
    return bool(_health(url)["log"] == before)


def _health(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url}/health", timeout=60) as answer:  # noqa: S310  # the benchmark's own server
        told: dict[str, Any] = json.load(answer)
        return told


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310  # the benchmark's own server
            return True
    except OSError:
        return False


def _until(true: Any, otherwise: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not true():
        if time.monotonic() > deadline:
            raise RuntimeError(otherwise)
        time.sleep(0.1)


def _body(root: Path, rows: int) -> bytes:
    """So many rows of a month's features, in MLflow's form, as the champion takes them."""
    record = json.loads((root / "data" / "model" / "model.json").read_text(encoding="utf-8"))
    names = [feature["name"] for feature in record["features"]]
    table = pl.read_parquet(next(iter(sorted((root / "data" / "features").rglob("*.parquet")))))
    found = table.select(names).head(rows)
    return json.dumps({"dataframe_split": {"columns": names, "data": [list(row) for row in found.rows()]}}).encode()


def _must_agree(servers: Sequence[Target], body: bytes) -> None:
    """Raises RuntimeError unless all answer the same: they would not do the same work."""
    answers = [json.loads(ask(server.client(), body))["predictions"] for server in servers]
    for server, answer in zip(servers[1:], answers[1:], strict=True):
        pairs = zip(answers[0], answer, strict=True)
        if any(abs(a - b) > EQUAL for one, other in pairs for a, b in zip(one, other, strict=True)):
            raise RuntimeError(f"{server.name} does not answer as {servers[0].name}")


def _rounds(
    servers: Sequence[Target], bodies: dict[int, bytes], rounds: int, requests: int
) -> dict[tuple[int, str], Load]:
    """All servers in turns, another one first in each round."""
    found = {(size, server.name): Load() for size in bodies for server in servers}
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
        for size, body in bodies.items():
            for place in range(len(servers)):
                server = servers[(number + place) % len(servers)]
                measure(server, body, found[size, server.name], requests=requests, clients=CLIENTS)
    return found


def _row(size: int, name: str, load: Load) -> str:
    cells = (
        f"{size}",
        name,
        f"{1000 * statistics.median(load.seconds):.2f}",
        f"{1000 * percentile(load.seconds, 0.95):.2f}",
        f"{statistics.median(load.rates):,.0f}",
        f"{1000 * load.cpu / load.asked:.2f}",
    )
    return f"| {' | '.join(cells)} |"


def _reached(found: dict[tuple[int, str], Load], size: int) -> bool:
    theirs = statistics.median(found[size, MLFLOW].seconds)
    ours = statistics.median(found[size, f"`ratchet serve`, {LOGGED}"].seconds)
    return ours <= GOAL_RATIO * theirs


if __name__ == "__main__":
    sys.exit(main())
