"""Who may do what on the server: it refuses, and we say which role it takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import httpx
import pytest

from ratchet.core.tracked_run import RunFacts
from ratchet.errors import UsageError
from ratchet.io.mlflow import Tracking, tracking

NAME = "flights-late"
"""The model that was made with the services."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("services"),
    pytest.mark.filterwarnings("ignore:.*:DeprecationWarning:mlflow"),
    pytest.mark.filterwarnings("ignore:.*:FutureWarning:mlflow"),
    pytest.mark.filterwarnings("ignore:.*:UserWarning:mlflow"),
]


class Team(Protocol):
    """The running services."""

    def uri(self, role: str) -> str:
        """Where a role finds MLflow."""
        ...


def refused(role: str, needed: str) -> str:
    """What is said to somebody of one role who asks for what takes another."""
    return rf"MLflow at http://127\.0\.0\.1:\d+ does not let the user '{role}' do this: it takes the role {needed}\n"


@pytest.mark.usefixtures("light")
def test_a_trainer_records_and_a_promoter_promotes(team: Team, facts: Callable[..., RunFacts]) -> None:
    """The trainer's run is there for everybody, and only the promoter makes a version of it and moves the alias."""
    with tracking(team.uri("trainer"), NAME) as store:
        run = store.record(facts("by the trainer"))
        with pytest.raises(UsageError, match=refused("trainer", "promoter")):
            store.register(run.run_id, "")
    with tracking(team.uri("promoter"), NAME) as store:
        version = store.register(run.run_id, "")
        store.point("champion", version)
        store.require_promoter()
    with tracking(team.uri("trainer"), NAME) as store:
        with pytest.raises(UsageError, match=refused("trainer", "promoter")):
            store.require_promoter()
        with pytest.raises(UsageError, match=refused("trainer", "promoter")):
            store.point("champion", version)
        assert store.alias("champion") == version


@pytest.mark.usefixtures("light")
def test_the_versions_page_finds_the_files(team: Team, facts: Callable[..., RunFacts]) -> None:
    """What MLflow's page of a version asks the server for is there: signature and schema come from it."""
    with tracking(team.uri("promoter"), NAME) as store:
        version = store.register(store.record(facts("to be shown")).run_id, "")
    asked = {"name": NAME, "version": str(version), "path": "model.json"}
    login, _, place = team.uri("reader").removeprefix("http://").rpartition("@")
    user, _, password = login.partition(":")
    answer = httpx.get(f"http://{place}/model-versions/get-artifact", params=asked, auth=(user, password))
    assert (answer.status_code, answer.text) == (200, "{}\n")


@pytest.mark.usefixtures("light")
def test_a_reader_looks_and_writes_nothing(team: Team, facts: Callable[..., RunFacts], tmp_path: Path) -> None:
    """A reader sees runs and their files; a run of the reader's is refused, and none begins."""
    with tracking(team.uri("promoter"), NAME) as store:
        run = store.record(facts("to be read"))
    with tracking(team.uri("reader"), NAME) as store:
        assert store.find_run("to be read") == run
        assert (store.fetch(run.run_id, "model", tmp_path) / "model.json").is_file()
        with pytest.raises(UsageError, match=refused("reader", "trainer")):
            store.record(facts("by the reader"))
        assert store.find_run("by the reader") is None


def test_a_file_that_may_not_be_uploaded_is_refused_alike(team: Team, facts: Callable[..., RunFacts]) -> None:
    """Files go another way than records; what is refused there is said in the same words."""
    with tracking(team.uri("promoter"), NAME) as store:
        run = store._begin(facts("begun"))
    with tracking(team.uri("reader"), NAME) as store, pytest.raises(UsageError, match=refused("reader", "trainer")):
        store._upload(run, facts("begun"))


@pytest.mark.parametrize("role", ["trainer", "reader"])
def test_only_a_promoter_makes_a_new_model(team: Team, role: str, facts: Callable[..., RunFacts]) -> None:
    """Whoever makes a model owns it, alias and all: who may not move an alias may not make a model either."""
    with tracking(team.uri(role), f"new-{role}") as store, pytest.raises(UsageError, match=refused(role, "promoter")):
        store.record(facts())
    with tracking(team.uri(role), f"new-{role}") as store, pytest.raises(UsageError, match=refused(role, "promoter")):
        store.register("0" * 32, "")


@pytest.mark.parametrize(
    ("who", "said"),
    [
        (("trainer", "wr0ng"), "the user 'trainer'"),
        (("nobody", "wr0ng"), "the user 'nobody'"),
        (None, "whom no MLFLOW_TRACKING_USERNAME names"),
    ],
)
def test_who_is_not_known_is_told_where_to_put_the_password(
    team: Team, who: tuple[str, str] | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names the user, the variables, and never the password."""
    monkeypatch.delenv("MLFLOW_TRACKING_USERNAME", raising=False)
    place = team.uri("reader").rpartition("@")[2]
    uri = f"http://{':'.join(who)}@{place}" if who else f"http://{place}"
    asked: list[Callable[[Tracking], object]] = [
        lambda store: store.find_run("f1"),
        lambda store: store.get_run("nope"),
        lambda store: store.alias("champion"),
        lambda store: store.register("0" * 32, ""),
        lambda store: store.fetch("0" * 32, "model", Path("nowhere")),
    ]
    for ask in asked:
        with (
            pytest.raises(UsageError, match=rf"http://{place} does not accept {said}") as told,
            tracking(uri, NAME) as store,
        ):
            ask(store)
        assert "MLFLOW_TRACKING_PASSWORD" in told.value.next_step
        assert "wr0ng" not in str(told.value)
