"""What a stage loads before it works: each is a process of its own, and most of a short one is its imports."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ratchet.io import layout

OUTPUTS = {"ingest": layout.INGESTED, "validate": layout.VALIDATION, "gate": layout.DECISION}
NEVER = ("mlflow", "dvc", "matplotlib", "sklearn", "pandas", "sqlalchemy")
LOADED = """
import sys
from pathlib import Path
from ratchet.stages.__main__ import main
code = main(sys.argv[1], Path.cwd())
print("LOADED", *[name for name in sys.argv[2:] if name in sys.modules])
sys.exit(code)
"""


@pytest.mark.parametrize("stage", OUTPUTS)
def test_stages_that_make_no_data_frame_load_no_pandas(stage: str, trained: Path, tmp_path: Path) -> None:
    """Done anew on five batches, ingest, validate and gate load neither pandas nor what is larger."""
    root = Path(shutil.copytree(trained, tmp_path / "project"))
    output = root / OUTPUTS[stage]
    shutil.rmtree(output) if output.is_dir() else output.unlink()
    done = subprocess.run(
        [sys.executable, "-c", LOADED, stage, *NEVER], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert output.exists()
    assert done.stdout.splitlines()[-1] == "LOADED"
