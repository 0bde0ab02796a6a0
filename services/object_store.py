"""An S3-compatible store on the loopback: SeaweedFS, with one account."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from services.processes import STOP_SECONDS, Server, listens
from services.state import write_private

PORTS = tuple(f"{part}.port{kind}" for part in ("master", "volume", "filer", "s3") for kind in ("", ".grpc"))
"""SeaweedFS derives the second port of each part by adding 10,000, which may be past the last one."""
REGION = "us-east-1"
QUIET = (
    "-master.telemetry=false",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
    "-s3.iam=false",
    "-volume.preStopSeconds=0",
    "-volume.max=100",
    "-master.volumeSizeLimitMB=64",
)


@dataclass(frozen=True, kw_only=True)
class ObjectStore:
    """A store with its files in `folder`, for the one account `key`."""

    folder: Path
    ports: Mapping[str, int]
    key: str
    secret: str

    @property
    def server(self) -> Server:
        """Its process."""
        return Server(name="weed", folder=self.folder)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that reach it."""
        return {
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.ports['s3.port']}",
        }

    @property
    def sockets(self) -> list[Path]:
        """Where SeaweedFS puts its sockets, whatever it is told."""
        kinds = [f"{name.partition('.')[0]}{grpc}-{self.ports[name]}" for name in PORTS for grpc in ("", "-grpc")]
        return [Path("/tmp") / f"seaweedfs-{kind}.sock" for kind in kinds]  # noqa: S108 - it does

    def start(self) -> None:
        """Start it; it answers some seconds later."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        account = {"credentials": [{"accessKey": self.key, "secretKey": self.secret}], "actions": ["Admin"]}
        write_private(self.folder / "s3.json", json.dumps({"identities": [{"name": "mlflow", **account}]}))
        here = [f"-dir={self.folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
        here += [f"-filer.localSocket={self.folder / 'filer.sock'}", f"-s3.config={self.folder / 's3.json'}"]
        places = [f"-{name}={self.ports[name]}" for name in PORTS]
        self.server.start(
            [str(Path(sys.executable).with_name("weed")), "server", "-filer", "-s3", *QUIET, *here, *places],
            {"PATH": os.environ["PATH"], "HOME": str(self.folder)},
            self.ports["s3.port"],
        )

    @cached_property
    def filesystem(self) -> Any:
        """Its files, as fsspec shows them."""
        import fsspec  # type: ignore[import-untyped]  # it ships no types

        return fsspec.filesystem(
            "s3",
            key=self.key,
            secret=self.secret,
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            skip_instance_cache=True,
        )

    def make_bucket(self, name: str) -> None:
        """Make a bucket, once the store takes files; wait for that. Raises ServiceFailed."""
        from botocore.exceptions import BotoCoreError  # type: ignore[import-untyped]  # it ships no types

        system = self.filesystem

        def takes_files() -> bool:
            if not listens(self.ports["s3.port"]):
                return False
            try:
                system.makedirs(name, exist_ok=True)
                system.pipe(f"{name}/.ready", b"1")
            except (OSError, BotoCoreError):
                return False
            return True

        self.server.wait(takes_files)

    def stop(self, patience: float = STOP_SECONDS) -> None:
        """Stop it; it takes its time to put everything in its place."""
        self.server.stop(patience)
        for path in self.sockets:
            path.unlink(missing_ok=True)
