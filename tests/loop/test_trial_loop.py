"""A candidate's way through shadow and canary on a real server, with labels, to the champion's place."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from ratchet.flows.prediction import find_prediction
from ratchet.settings import load_settings

if TYPE_CHECKING:
    from tests.loop.conftest import Sandbox

pytestmark = [pytest.mark.xdist_group("small"), pytest.mark.slow]

PATIENCE = 60.0
PHASES = ["gate", {"shadow": {"rows": 30}}, {"canary": {"rows": 20, "labels": 20, "share": 0.5}}]


@contextmanager
def serving(sandbox: Sandbox) -> Iterator[httpx.Client]:
    """`ratchet serve` of the project, on a free port."""
    with subprocess.Popen(
        sandbox.command("serve", "--port", "0"), cwd=sandbox.root, env=sandbox.environment, stdout=subprocess.PIPE,
        text=True,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            with httpx.Client(base_url=process.stdout.readline().split()[-1], timeout=60) as client:
                yield client
        finally:
            process.terminate()


def wait_until(true: Callable[[], bool]) -> None:
    """Give up after a while."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.05)


def on_trial(client: httpx.Client) -> str | None:
    """The phase of what is on trial."""
    trial = client.get("/health").json()["trial"]
    return trial["phase"] if trial else None


def ask(client: httpx.Client, body: Any, times: int) -> list[httpx.Response]:
    """The answers to a request that is asked several times."""
    return [client.post("/predict", json=body) for _ in range(times)]


def written(client: httpx.Client, lines: int) -> bool:
    """Whether the server has written so many lines."""
    return bool(client.get("/health").json()["log"]["written"] >= lines)


def test_a_candidate_goes_through_shadow_and_canary(served: Sandbox) -> None:
    """Registered, shadowed, tried on some with labels coming back, promoted: each step by `ratchet advance`."""
    served.set_params(
        promotion={"phases": PHASES}, gate={"refit_margin": 2000.0}, serve={"poll_seconds": 0.2, "trial_seconds": 30.0}
    )
    served.ok("data", "pull", "--until", "part-05")
    served.ok("run")
    served.commit("Add part-05")
    served.ok("record")
    served.ok("register")
    with serving(served) as client:
        body = client.get("/model").json()["example"]
        wait_until(lambda: on_trial(client) == "shadow")
        assert {answer.json()["model"]["version"] for answer in ask(client, body, 30)} == {1}
        wait_until(lambda: written(client, 30))
        assert "shadow" in served.ok("advance")
        wait_until(lambda: on_trial(client) == "canary")
        answers = ask(client, body, 60)
        assert {answer.json()["model"]["version"] for answer in answers} == {1, 2}
        wait_until(lambda: written(client, 90))
        lines = [f"{answer.headers['x-prediction-id']}/0,150" for answer in answers]
        (served.base / "labels.csv").write_text("\n".join(["id,label", *lines]) + "\n", encoding="utf-8")
        assert served.ok("labels", str(served.base / "labels.csv")) == "60 labels are new\n"
        served.ok("advance")
        wait_until(lambda: client.get("/health").json()["version"] == 2)
        wait_until(lambda: on_trial(client) is None)
    ledger = served.run(["git", "show", "ratchet/ledger:ledger.jsonl"], cwd=served.origin).out
    kinds = [(entry["kind"], entry.get("phase")) for entry in map(json.loads, ledger.splitlines())]
    assert kinds[-4:] == [("registered", None), ("phase", "shadow"), ("phase", "canary"), ("promotion", None)]
    found = find_prediction(load_settings(served.root, {}), answers[0].headers["x-prediction-id"])
    assert found is not None
    assert found.version == answers[0].json()["model"]["version"]
