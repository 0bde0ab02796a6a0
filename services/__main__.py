"""python -m services start | status | stop: MLflow's server for a team, with all it needs (docs/services.md)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from ratchet.errors import RatchetError, UsageError
from services import roles
from services.docker import Containers, containers_in
from services.environment import address, exports, write_env
from services.together import Services, Wanted, services_in

PRIVATE = Path(".ratchet")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The command line."""

    command: str
    state: Path
    port: int | None
    host: str
    names: str
    workers: int
    models: Sequence[str]
    env: str
    docker: bool


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit code."""
    asked = _parse(arguments)
    try:
        wanted = _wanted(asked)
        services = containers_in(asked.state, wanted) if asked.docker else services_in(asked.state, wanted)
        {"start": _start, "status": _status, "stop": _stop}[asked.command](services, asked)
    except RatchetError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _parse(arguments: Sequence[str] | None) -> Asked:
    parser = argparse.ArgumentParser(prog="python -m services", description=(__doc__ or "").partition(": ")[2])
    parser.add_argument("command", choices=["start", "status", "stop"])
    parser.add_argument("--state", type=Path, default=PRIVATE / "services", help="where they keep data and passwords")
    parser.add_argument("--port", type=int, help="MLflow's port; else that of the last time, or 5000")
    parser.add_argument("--host", default="127.0.0.1", help="where MLflow listens; the two others stay on 127.0.0.1")
    parser.add_argument("--names", default="", help="names that MLflow answers to, such as mlflow.example.org")
    parser.add_argument("--workers", type=int, default=2, help="MLflow's processes")
    parser.add_argument("--models", nargs="*", default=[], help="more models than the one of params.yaml")
    parser.add_argument("--env", choices=sorted(roles.GRANTS), default="", help="write .ratchet/env for this role")
    parser.add_argument("--docker", action="store_true", help="in containers, by compose.yaml")
    return Asked(**vars(parser.parse_args(arguments)))


def _wanted(asked: Asked) -> Wanted:
    models = [*_model_of(Path("params.yaml")), *asked.models]
    return Wanted(port=asked.port, host=asked.host, names=asked.names, workers=asked.workers, models=models)


def _model_of(params: Path) -> list[str]:
    """The name in a project's params.yaml, if there is one."""
    if not params.is_file():
        return []
    try:
        return [str(yaml.safe_load(params.read_text(encoding="utf-8"))["project"]["name"])]
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise UsageError(f"{params} names no project: {error}", next_step="set project.name in it") from error


def _start(services: Services | Containers, asked: Asked) -> None:
    print("starting (the first time takes half a minute)", flush=True)
    services.start(lambda line: print(f"  {line}", flush=True))
    state, url = services.state, services.url
    print(f"data, logs and passwords: {state.folder}\n\nin a shell, as trainer, promoter or reader:\n")
    print(exports(state, url, "trainer"))
    if asked.env:
        env = PRIVATE / "env"
        write_env(env, address(state, url, asked.env))
        print(f"\n{env} now has the address and password of the {asked.env}: every command in this project uses it")


def _status(services: Services | Containers, _: Asked) -> None:
    for line in services.status():
        print(line)


def _stop(services: Services | Containers, _: Asked) -> None:
    print("stopping (up to half a minute)", flush=True)
    services.stop()
    print(f"stopped; data and passwords stay in {services.state.folder}")


if __name__ == "__main__":
    sys.exit(main())
