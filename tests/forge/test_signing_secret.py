"""The key that signs versions reaches the runs that may promote, and no other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ratchet.errors import UsageError
from ratchet.forge import tickets, worker
from ratchet.forge.home import Home, checkouts
from ratchet.forge.run import Run
from ratchet.forge.secret_file import secret_file
from ratchet.forge.signing_secret import signing_secret, trusted
from ratchet.forge.tickets import Ticket
from ratchet.forge.workflows import parse
from ratchet.io.files import write_json
from ratchet.io.key_files import new_key
from ratchet.settings import load_settings

if TYPE_CHECKING:
    from tests.forge.conftest import Sandbox

MAIN = "refs/heads/main"
TICKET = Ticket(name="1", event=tickets.DISPATCH, ref=MAIN, before="", sha="", actor="ada")
PROMOTES = "on: workflow_dispatch\njobs:\n  a: {runs-on: ubuntu-latest, environment: %s, steps: [{run: true}]}\n"
SHOW = """\
on: workflow_dispatch
jobs:
  a:
    runs-on: ubuntu-latest
    %s
    steps:
      - run: 'printf "%%b" "$KEY" > "$RATCHET_FORGE_HOME/key-$NAME"; echo "it is $KEY"'
        env: {KEY: "${{ secrets.RATCHET_SIGNING_KEY }}", NAME: "%s"}
      - run: env > "$RATCHET_FORGE_HOME/env-%s"
"""


def a_run(**changed: object) -> Run:
    """A run of main that was asked for by hand."""
    return Run(number=1, path=".github/workflows/a.yaml", title="a", ticket=replace(TICKET, **changed))  # type: ignore[arg-type]  # names of its fields


def project(folder: Path, *names: str) -> Path:
    """A checkout with keys of these names."""
    folder.mkdir()
    for name in names:
        new_key(load_settings(folder, {}), name)
    return folder


def served(tmp_path: Path, *checkouts: Path) -> Home:
    """A forge that serves these checkouts."""
    home = Home(tmp_path / "forge")
    home.root.mkdir()
    write_json(home.root / "checkouts.json", [str(each) for each in checkouts])
    return home


@pytest.mark.parametrize("event", [tickets.PUSH, tickets.DISPATCH, tickets.SCHEDULE])
def test_a_run_of_main_that_names_production_is_trusted(event: str) -> None:
    """However it was started by somebody who may push to main."""
    assert trusted(a_run(event=event), ("staging", "production"))


@pytest.mark.parametrize(
    ("changed", "environments"),
    [
        ({"event": tickets.PULL_REQUEST, "ref": "refs/pull/1/merge"}, ("production",)),
        ({"event": tickets.PULL_REQUEST}, ("production",)),
        ({"event": tickets.WORKFLOW_RUN}, ("production",)),
        ({"event": tickets.REPOSITORY_DISPATCH}, ("production",)),
        ({"ref": "refs/heads/topic"}, ("production",)),
        ({"ref": "refs/tags/main"}, ("production",)),
        ({}, ()),
        ({}, ("staging", "${{ inputs.where }}", "Production")),
    ],
)
def test_no_other_run_is(changed: dict[str, str], environments: tuple[str, ...]) -> None:
    """Not of a pull request, another branch or event, and not one that names another environment."""
    assert not trusted(a_run(**changed), environments)


def test_the_key_is_the_one_that_the_commit_trusts(tmp_path: Path) -> None:
    """Of several private keys that of the commit's `keys/`; without such a key there, none is handed out."""
    checkout = project(tmp_path / "checkout", "old", "release")
    (checkout / "keys" / "old.pub").unlink()
    home, workflow = served(tmp_path, tmp_path / "gone", checkout), parse("a.yaml", PROMOTES % "production")
    found = signing_secret(home, a_run(), workflow, checkout)
    text = (checkout / ".ratchet" / "keys" / "release.pem").read_text(encoding="utf-8")
    assert found == {"RATCHET_SIGNING_KEY": text.strip().replace("\n", "\\n")}
    assert signing_secret(home, a_run(), parse("a.yaml", PROMOTES % "staging"), checkout) == {}
    assert signing_secret(home, a_run(), workflow, project(tmp_path / "unsigned")) == {}
    assert signing_secret(home, a_run(), workflow, project(tmp_path / "theirs", "theirs")) == {}
    (checkout / ".ratchet" / "env").write_text(
        f"RATCHET_SIGNING_KEY={found['RATCHET_SIGNING_KEY']}\n", encoding="utf-8"
    )
    assert signing_secret(home, a_run(), workflow, checkout) == found
    with pytest.raises(UsageError, match="is the private half of a key that keys/ does not hold"):
        signing_secret(home, a_run(), workflow, tmp_path / "theirs")


def test_the_file_is_private_and_goes(tmp_path: Path) -> None:
    """Nobody else may read it; it is gone after the run, also after one that broke off."""
    path = tmp_path / "secrets.env"
    path.write_text("of a run that was killed", encoding="utf-8")
    path.chmod(0o644)
    with secret_file(path, {"A": "b c"}):
        assert (path.stat().st_mode & 0o777, path.read_text(encoding="utf-8")) == (0o600, "A='b c'\n")
    assert not path.exists()
    with pytest.raises(RuntimeError), secret_file(path, {}):
        raise RuntimeError
    assert not path.exists()


@pytest.mark.slow
def test_only_the_step_that_asks_has_it(sandbox: Sandbox) -> None:
    """In a run that may promote the step gets the key, whole; no other step, run, file or log has it."""
    new_key(load_settings(sandbox.checkout, {}), "release")
    promotes, other = (SHOW % (line, name, name) for line, name in (("environment: production", "a"), ("name: b", "b")))
    sandbox.set_up("true\n", promotes=promotes, other=other)
    assert checkouts(sandbox.forge) == [sandbox.checkout.resolve()]
    for name in ("promotes", "other"):
        sandbox.ask(name)
    worker.drain(sandbox.forge)
    assert sandbox.ended() == {1: "success", 2: "success"}
    text = (sandbox.checkout / ".ratchet" / "keys" / "release.pem").read_text(encoding="utf-8").strip()
    assert [(sandbox.forge.root / f"key-{name}").read_text(encoding="utf-8") for name in "ab"] == [text, ""]
    own = text.splitlines()[1]
    (sandbox.forge.root / "key-a").unlink()
    assert [
        path for path in sandbox.forge.root.rglob("*") if path.is_file() and own.encode() in path.read_bytes()
    ] == []
