"""The services themselves: passwords stay private, a crash loses nothing, and what is missing is said."""

from __future__ import annotations

import re
import socket
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest
import yaml

from ratchet.core.tracked_run import RunFacts
from ratchet.errors import ServiceFailed
from ratchet.io.mlflow import tracking
from services import mlflow_server, postgresql
from services.__main__ import main
from services.docker import COMPOSE, containers_in
from services.environment import address, exports, write_env
from services.processes import Server
from services.state import State
from services.together import Services, Wanted

NAME = "flights-late"
URL = "http://127.0.0.1:5000"


class Team(Protocol):
    """The running services."""

    services: Services

    def uri(self, role: str) -> str:
        """Where a role finds MLflow."""
        ...


@pytest.mark.slow
@pytest.mark.xdist_group("services")
@pytest.mark.usefixtures("light")
@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning:mlflow", "ignore:.*:FutureWarning:mlflow")
def test_a_server_that_dies_in_the_middle_loses_nothing(
    team: Team, facts: Callable[..., RunFacts], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its death is an outside failure; all three killed and started again, the same command completes the same run."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with tracking(team.uri("trainer"), NAME) as store:
        before = store.record(facts("before"))
        log_model = store._log_model

        def dying(run_id: str, of: RunFacts) -> str:
            team.services.mlflow.stop(patience=0)
            return log_model(run_id, of)

        with monkeypatch.context() as patch:
            patch.setattr(store, "_log_model", dying)
            with pytest.raises(ServiceFailed, match="MLflow at http://127") as told:
                store.record(facts("in the middle"))
    assert "run the same command again" in told.value.next_step
    passwords = {path.name: path.read_text() for path in team.services.state.password_file("").iterdir()}
    team.services.stop(data_needed=False)
    assert all(line.endswith("does not run") for line in team.services.status())
    team.services.start(lambda _: None)
    assert {path.name: path.read_text() for path in team.services.state.password_file("").iterdir()} == passwords
    with tracking(team.uri("trainer"), NAME) as store:
        begun = store.find_run("in the middle")
        done = store.record(facts("in the middle"))
        assert (begun and begun.run_id, begun and begun.finished, done.finished) == (done.run_id, False, True)
        assert store.find_run("before") == before
        assert (store.fetch(before.run_id, "model", tmp_path) / "model.json").read_text() == "{}\n"


def test_passwords_are_their_own_and_private(tmp_path: Path) -> None:
    """Each is made once, differs from the others, and only the owner can read it or the folder it is in."""
    state = State(folder=tmp_path / "services")
    state.make()
    made = [state.password(name) for name in ("admin", "trainer", "admin")]
    assert (made[0] == made[2], made[0] == made[1], min(map(len, made)) >= 32) == (True, False, True)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (state.password_file("admin"), state.password_file(""))]
    assert modes == [0o600, 0o700]


def test_what_is_printed_has_no_password(tmp_path: Path) -> None:
    """The lines for a shell read it from its file."""
    state = State(folder=tmp_path)
    shown, password = exports(state, URL, "trainer"), state.password("trainer")
    assert password not in shown
    assert f'MLFLOW_TRACKING_PASSWORD="$(cat {state.password_file("trainer")})"' in shown


def test_the_projects_variables_keep_their_other_lines(tmp_path: Path) -> None:
    """The address is replaced, the rest stays, and only the owner can read the file from then on."""
    state, env = State(folder=tmp_path), tmp_path / ".ratchet" / "env"
    for role in ("reader", "trainer"):
        write_env(env, address(state, URL, role))
        env.write_text(env.read_text() + f"{role}=1\n")
    write_env(env, address(state, URL, "promoter"))
    login = f"promoter:{state.password('promoter')}"
    assert env.read_text().splitlines() == [
        "reader=1",
        "trainer=1",
        f"MLFLOW_TRACKING_URI=http://{login}@127.0.0.1:5000",
    ]
    assert stat.S_IMODE(env.stat().st_mode) == 0o600


def test_ports_are_kept(tmp_path: Path) -> None:
    """A service is found again where it was, unless another place is asked for."""
    state = State(folder=tmp_path)
    first = state.ports({"mlflow": 5000, "postgresql": None}, {})
    assert state.ports({"mlflow": 6000, "postgresql": None}, {}) == first
    assert state.ports({"mlflow": 5000, "postgresql": None}, {"mlflow": 5001}) == {**first, "mlflow": 5001}


def test_a_server_runs_until_it_is_stopped(tmp_path: Path) -> None:
    """It is found by whoever looks into the same folder, and a number that another process has by now is not it."""
    server, again = (Server(name="sleeper", folder=tmp_path) for _ in range(2))
    server.pid_file.write_text("1")
    assert server.pid is None
    server.start([sys.executable, "-c", "import time; time.sleep(60)"], {}, port=1)
    assert again.pid not in (None, 1)
    started = time.monotonic()
    again.stop()
    assert (server.pid, time.monotonic() - started < 10) == (None, True)


def test_a_server_that_ends_at_once_is_quoted(tmp_path: Path) -> None:
    """Whoever waits for it hears its last words and where the others are."""
    server = Server(name="short", folder=tmp_path)
    server.start([sys.executable, "-c", "print('no space left')"], {}, port=1)
    with pytest.raises(ServiceFailed, match="short ended; its log ends:\n    no space left") as told:
        server.wait(lambda: False)
    assert str(server.log) in told.value.next_step


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    """Another's answer must not pass for that of ours."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServiceFailed, match=f"mlflow: port {port} of 127.0.0.1 is taken"):
            Server(name="mlflow", folder=tmp_path).start(["true"], {}, port=port)


def test_without_postgresql_the_way_to_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is begun, and the line that installs it stands there."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(postgresql, "DEBIAN", tmp_path)
    assert main(["start", "--state", str(tmp_path / "state")]) == ServiceFailed.exit_code
    said = capsys.readouterr().err
    assert "PostgreSQL is not here" in said
    assert "apt-get install postgresql" in said
    assert not (tmp_path / "state").exists()


def test_compose_is_given_all_it_asks_for(tmp_path: Path) -> None:
    """Every variable without which nothing starts is written, and no password stands in the file itself."""
    text = COMPOSE.read_text(encoding="utf-8")
    containers = containers_in(tmp_path, Wanted(names="mlflow.example.org"))
    given = dict(line.split("=", 1) for line in containers.variables().splitlines())
    assert set(re.findall(r"\$\{(\w+)", text)) == set(given)
    passwords = [value for name, value in given.items() if name.endswith(("PASSWORD", "SECRET"))]
    assert len(set(passwords)) == 4
    assert not [password for password in passwords if password in text]


def test_both_ways_start_the_same_server() -> None:
    """The container's MLflow behaves as the one without Docker, and reads the same settings for users."""
    tree = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    environment = tree["services"]["mlflow"]["environment"]
    assert {name: environment[name] for name in mlflow_server.BEHAVIOUR} == mlflow_server.BEHAVIOUR
    database = environment["MLFLOW_BACKEND_STORE_URI"]
    assert tree["configs"]["users"]["content"] == mlflow_server.users_file(database)
    assert mlflow_server.OWN_NAMES in " ".join(tree["services"]["mlflow"]["command"])
