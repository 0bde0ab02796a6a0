"""Projects to measure on: this repository's files in a temporary folder, with their own home, git and DVC cache."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import yaml

from benchmarks.measure import Workplace

REPOSITORY = Path(__file__).parents[1]
PARTS = (".dvc", ".dvcignore", ".gitignore", "data", "dvc.yaml", "params.yaml", "src")
PER_BATCH = ("ingest", "validate", "featurize")
PYTHON = sys.executable
RATCHET = (PYTHON, "-m", "ratchet")


class Projects:
    """Makes projects in `folder`, all from one that holds the raw batches of twelve months."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made = 0
        self.place = Workplace(environment=environment(folder), log=folder / "output.log")
        self._source = folder / "source"
        self._copy_repository()
        # Bytecode, the font cache and the raw batches are there before anything is measured, for both sides.
        self.place.cost_of(
            ("git", "init", "--quiet", "--initial-branch", "main"),
            ("git", "add", "--all"),
            ("git", "commit", "--quiet", "--message", "start"),
            (PYTHON, "-m", "compileall", "-q", "src"),
            (PYTHON, "-c", "import matplotlib.font_manager"),
            (*RATCHET, "data", "pull"),
            cwd=self._source,
        )
        self.batches = sorted(path.name for path in (self._source / "data/raw").iterdir() if path.is_dir())

    def fresh(self, batches: Iterable[str] | None = None) -> Path:
        """A new project with the raw batches named (all: None), in which nothing was computed yet."""
        project = self.copy(self._source)
        for name in set(self.batches) - set(self.batches if batches is None else batches):
            shutil.rmtree(project / "data/raw" / name)
            (project / "data/raw" / f"{name}.dvc").unlink()
        return project

    def copy(self, project: Path) -> Path:
        """The same project again, in another folder."""
        self._made += 1
        return Path(shutil.copytree(project, self._folder / f"project-{self._made}", symlinks=True))

    def add_batch(self, project: Path, name: str) -> None:
        """Let one more raw batch arrive."""
        shutil.copytree(self._source / "data/raw" / name, project / "data/raw" / name)

    def _copy_repository(self) -> None:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *PARTS],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=True,
        )
        for name in filter(None, listed.stdout.split("\0")):
            if (REPOSITORY / name).is_file():
                (self._source / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(REPOSITORY / name, self._source / name)
        self._unseal()

    def _unseal(self) -> None:
        """All days of the older months train, and what the newest says is shown: the work that a plain script does."""
        path = self._source / "params.yaml"
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
        tree["split"]["open"], tree["gate"]["reuse"] = 0.0, {"policy": "open"}
        path.write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")


def stage(name: str) -> tuple[str, ...]:
    """The command of one stage, as in `dvc.yaml`."""
    return (PYTHON, "-m", "ratchet.stages", name)


def environment(folder: Path) -> dict[str, str]:
    """One thread, the tools of this environment, and nothing of the person who measures."""
    home = folder / "home"
    home.mkdir()
    who = {f"GIT_{role}_{part}": "benchmark" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    return {
        **who,
        "PATH": os.pathsep.join([str(Path(PYTHON).parent), os.environ.get("PATH", os.defpath)]),
        "HOME": str(home),
        "DVC_SITE_CACHE_DIR": str(home / "dvc"),
        "DVC_NO_ANALYTICS": "1",
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
    }
