"""Making a forge, and pointing a checkout at it."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import pytest

from ratchet.errors import UsageError
from ratchet.forge.home import Home, connect, create
from ratchet.io.git import git
from ratchet.settings import read_env_file


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A new forge, away from anybody's git configuration."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    home = Home(tmp_path / "forge")
    create(home, python=Path(sys.executable))
    return home


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """An empty git repository."""
    git(["init", "--quiet", str(tmp_path / "checkout")], cwd=tmp_path)
    return tmp_path / "checkout"


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_making_a_forge_twice_changes_nothing(home: Home) -> None:
    """A second `create` leaves every file as it was, and a variable that somebody changed stays changed."""
    home.variables.write_text("MLFLOW_TRACKING_URI=http://127.0.0.1:5000\nDVC_REMOTE_URL=/data\n", encoding="utf-8")
    before = files(home.root)
    create(home, python=Path(sys.executable))
    assert files(home.root) == before


def test_a_checkout_knows_its_forge(home: Home, checkout: Path) -> None:
    """After `connect`, git, DVC and ratchet all know where to go; a second time changes nothing."""
    connect(home, checkout)
    before = files(checkout)
    connect(home, checkout)
    assert files(checkout) == before
    assert git(["remote", "get-url", "forge"], cwd=checkout) == str(home.origin)
    assert read_env_file(checkout / ".ratchet" / "env") == {
        "MLFLOW_TRACKING_URI": f"sqlite:///{home.mlflow_db}",
        "DVC_REMOTE_URL": str(home.dvc),
        "RATCHET_REMOTE": "forge",
    }
    assert (checkout / ".dvc" / "config.local").read_text(encoding="utf-8") == (
        f"[core]\n    remote = storage\n['remote \"storage\"']\n    url = {home.dvc}\n"
    )


def test_dvc_reads_what_connect_wrote(home: Home, checkout: Path) -> None:
    """The remote is the default one in DVC's own eyes."""
    connect(home, checkout)
    config = import_module("dvc.config").Config(str(checkout / ".dvc"))
    assert (config["core"]["remote"], config["remote"]["storage"]["url"]) == ("storage", str(home.dvc))


def test_what_a_checkout_has_already_is_kept(home: Home, checkout: Path) -> None:
    """Other settings of DVC and of ratchet survive `connect`."""
    local = checkout / ".dvc" / "config.local"
    local.parent.mkdir()
    local.write_text("[cache]\n    dir = /shared/Cache\n['remote \"storage\"']\n    jobs = 4\n", encoding="utf-8")
    (checkout / ".ratchet").mkdir()
    (checkout / ".ratchet" / "env").write_text("RATCHET_ACTOR=ada\n", encoding="utf-8")
    connect(home, checkout)
    assert local.read_text(encoding="utf-8") == (
        "[cache]\n    dir = /shared/Cache\n['remote \"storage\"']\n    jobs = 4\n"
        f"    url = {home.dvc}\n[core]\n    remote = storage\n"
    )
    assert read_env_file(checkout / ".ratchet" / "env")["RATCHET_ACTOR"] == "ada"


def test_another_remote_of_that_name_is_not_replaced(home: Home, checkout: Path) -> None:
    """A remote called forge that goes elsewhere is an error, and stays; with another name it works."""
    git(["remote", "add", "forge", "https://example.org/x.git"], cwd=checkout)
    with pytest.raises(UsageError, match=r"forge is https://example\.org/x\.git"):
        connect(home, checkout)
    assert not (checkout / ".ratchet").exists()
    connect(home, checkout, remote="local")
    assert git(["remote"], cwd=checkout).split() == ["forge", "local"]


@pytest.mark.parametrize("name", ["a'b", 'a"b', "a#b", "a$b", "a%b", "a\\b", "a\nb"])
def test_a_path_that_would_break_a_configuration_file_is_refused(tmp_path: Path, name: str) -> None:
    """A forge is not made where its own path could not be written down safely."""
    with pytest.raises(UsageError, match="a forge cannot live at"):
        create(Home(tmp_path / name), python=Path(sys.executable))
    assert not (tmp_path / name).exists()


def test_a_checkout_is_not_pointed_at_nothing(tmp_path: Path, checkout: Path) -> None:
    """Without a forge there, and outside a git repository, `connect` says what is missing."""
    with pytest.raises(UsageError, match="there is no forge at"):
        connect(Home(tmp_path / "nowhere"), checkout)
    home = Home(tmp_path / "forge")
    create(home, python=Path(sys.executable))
    (tmp_path / "plain").mkdir()
    with pytest.raises(UsageError, match="is not a git repository"):
        connect(home, tmp_path / "plain")
