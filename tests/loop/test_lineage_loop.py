"""Lineage and rebuilds of a whole project: every end leads to the same, and what cannot be made again says why."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from ratchet.io.prediction_log import Prediction, Scored

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.loop.conftest import Sandbox

pytestmark = pytest.mark.slow

REQUEST = "20261123-0badcafe-1"
TOOL = "toolbox"
OF_PART_05 = "250"
"""The key of a row, a patient of the fifth part."""


@pytest.fixture
def second(served: Sandbox) -> Sandbox:
    """The same after a fifth batch made a second version, whose first answer is in the log; then it was taken back."""
    served.set_params(gate={"refit_margin": 2000.0}, serve={"log": "log"})
    served.ok("data", "pull", "--until", "part-05")
    served.commit("Add part-05")
    for command in ("run", "record", "promote"):
        served.ok(command)
    served.ok("rollback", "--reason", "slow on Sundays")
    served.commit("Reproduce")
    _log(served, version=2)
    return served


def _log(sandbox: Sandbox, version: int) -> None:
    import msgspec

    answer = Prediction(
        id=REQUEST, time="2099-01-01T00:00:00+00:00", model="diabetes-progression", version=version, arm="champion",
        endpoint="/predict", rows=3, champion=Scored(version=version),
    )  # fmt: skip
    for day in ("2026-11-23", "2099-01-01"):
        path = sandbox.root / "log" / day / "0badcafe.jsonl"
        path.parent.mkdir(parents=True)
        path.write_bytes(msgspec.json.encode(answer) + b"\n")


def lineage(sandbox: Sandbox, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(sandbox.ok("lineage", *arguments, "--json"))
    return found


def test_every_end_of_a_version_leads_to_the_same(
    second: Sandbox, unchanged: Callable[[Sandbox], None], tmp_path: Path
) -> None:
    """A prediction, the version, its run, its commit, its branch, its newest batch and a row of it: one descent.

    What both versions learned from leads to both, a run that was never registered to itself, and looking changes
    nothing.
    """
    unchanged(second)
    (found,) = lineage(second, "v2")["descents"]
    asked = [REQUEST, f"{REQUEST}/2", found["run_id"][:8], found["commit"][:8], "part-05", OF_PART_05]
    for each in asked:
        again = lineage(second, each)
        assert [each["run_id"] for each in again["descents"]] == [found["run_id"]], each
        assert again["descents"] == [found], each
    assert lineage(second, "main")["descents"] == [found]
    assert [each["version"] for each in lineage(second, "part-01")["descents"]] == [1, 2]
    assert (found["answered"]["requests"], found["answered"]["rows"]) == (1, 3)
    assert [(each["kind"], each["until"] is None) for each in found["services"]] == [("promotion", False)]
    assert found["batches"][-1]["name"] == "part-05"
    graph = lineage(second, "v2")["graph"]
    assert {each["kind"] for each in graph["nodes"]} == {
        "batch", "commit", "run", "decision", "version", "service", "answers"
    }  # fmt: skip
    page = tmp_path / "lineage.html"
    text = second.ok("lineage", "part-01", "--html", str(page))
    assert "version 1, which serves" in text
    assert page.read_text(encoding="utf-8").count("<rect") == 5 + 2 * (1 + 3) + 3 + 1
    for wrong, words in (
        ("part-9", "did you mean part-0"),
        ("HEAD~3", "no version is of commit"),
        ("v3", "'v3' is no"),
    ):
        said = second.ratchet("lineage", wrong)
        assert (said.code, words in said.error) == (2, True), said


def test_a_version_is_made_again_byte_for_byte(
    served: Sandbox, unchanged: Callable[[Sandbox], None], tmp_path: Path
) -> None:
    """From its commit and its data, with every stage run; nothing of the project, its stores or remotes changes.

    Threads and kernels are those of the record, whatever this shell has set.
    """
    unchanged(served)
    shell = {"OPENBLAS_NUM_THREADS": "2", "OPENBLAS_CORETYPE": "Nehalem", "NPY_DISABLE_CPU_FEATURES": "X86_V4"}
    said = served.ratchet("rebuild", "--json", "--keep", str(tmp_path / "kept"), env=shell)
    found = json.loads(said.out)
    assert (found["version"], found["verdict"], found["causes"]) == (1, "equal", [])
    assert {each["name"]: each["same"] for each in found["checks"]} == dict.fromkeys(
        ("raw data", "features", "model", "metrics", "golden requests", "predictions"), "same"
    )
    assert (tmp_path / "kept" / "data" / "model" / "model.skops").is_file()


def test_another_processor_is_named(served: Sandbox, tmp_path: Path) -> None:
    """Where nothing else is another: its vector instructions first, by which libraries choose their code."""
    other = tmp_path / "cpuinfo"
    other.write_text("model name\t: Old\nflags\t\t: fpu sse avx999\n", encoding="utf-8")
    machine = served.root / "src" / "ratchet" / "io" / "machine.py"
    code = machine.read_text(encoding="utf-8")
    machine.write_text(code.replace('Path("/proc/cpuinfo")', f"Path({str(other)!r})"), encoding="utf-8")
    found = json.loads(served.ok("rebuild", "--json"))
    assert {each["kind"] for each in found["causes"]} == {"hardware"}
    words = [each["words"] for each in found["causes"]]
    assert words[0].startswith("vector instructions: not here ")
    assert words[0].endswith("; only here avx999")
    assert any(each.startswith("processor Old, was ") for each in words)


def test_what_cannot_be_made_again_says_why(pulled: Sandbox, tmp_path: Path) -> None:
    """Parameters that were never committed, a package that is another now, and raw data that was changed in the cache.

    The first makes another model, and both are named; the last is found before anything runs on it.
    """
    _install(tmp_path, "1.0")
    then = {"PYTHONPATH": os.pathsep.join([str(pulled.root / "src"), str(tmp_path)])}
    pulled.set_params(model={"params": {"alpha": 0.5}})
    assert pulled.ratchet("run").code == 0
    for command in ("record", "promote"):
        assert pulled.ratchet(command, env=then).code == 0
    said = pulled.ratchet("rebuild", "1")
    assert said.code == 4
    assert "version 1 of diabetes-progression from commit" in said.out
    assert ": different\n" in said.out
    assert "parameter: model.params.alpha is 1.0, was 0.5" in said.out
    assert "code: it was not made from the commit alone: params.yaml" in said.out
    assert f"dependency: {TOOL} not there, was 1.0" in said.out
    assert "  raw data         equal" in said.out
    assert "  predictions      DIFFERENT" in said.out
    _damage(pulled, "part-02")
    said = pulled.ratchet("rebuild", "1")
    assert said.code == 4
    assert "row: data/raw/part-02: rows.parquet: DVC's cache holds other bytes than were recorded" in said.out


def _install(folder: Path, version: str) -> None:
    """A package that has no code: only its name and version."""
    about = folder / f"{TOOL}-{version}.dist-info" / "METADATA"
    about.parent.mkdir()
    about.write_text(f"Metadata-Version: 2.1\nName: {TOOL}\nVersion: {version}\n", encoding="utf-8")


def _damage(sandbox: Sandbox, batch: str) -> None:
    """Change a byte of a raw batch where DVC keeps it."""
    pointer = yaml.safe_load((sandbox.root / "data" / "raw" / f"{batch}.dvc").read_text(encoding="utf-8"))
    cache = sandbox.root / ".dvc" / "cache" / "files" / "md5"

    def place(digest: str) -> Path:
        return cache / digest[:2] / digest[2:]

    (listed,) = json.loads(place(pointer["outs"][0]["md5"]).read_bytes())
    path = place(listed["md5"])
    path.chmod(0o644)
    data = path.read_bytes()
    path.write_bytes(data.replace(data[-20:-19], b"9" if data[-20:-19] != b"9" else b"8"))
    path.chmod(0o444)
