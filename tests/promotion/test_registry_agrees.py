"""What is wrong around the ledger is found and said: aliases made by hand, a registry made anew, roles, overtaking."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from ratchet.errors import ChampionChanged, PromotionRefused
from ratchet.flows.advance import advance
from ratchet.flows.champion import pull
from ratchet.flows.opinions import give_opinion
from ratchet.flows.promote import Terms, promote
from ratchet.flows.reconcile import reconcile
from ratchet.flows.register import register
from ratchet.flows.rollback import rollback

if TYPE_CHECKING:
    from tests.promotion.conftest import Site

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*:DeprecationWarning:mlflow"),
    pytest.mark.filterwarnings("ignore:.*:FutureWarning:mlflow"),
    pytest.mark.filterwarnings("ignore:.*:UserWarning:mlflow"),
]


def test_an_alias_of_what_never_served_is_reported_and_taken_away(new_site: Callable[..., Site]) -> None:
    """Before the first promotion nothing serves, whatever somebody makes the alias say."""
    site = new_site()
    register(site.settings(), site.record(None), clock=site.clock)
    with site.store() as store:
        store.point("champion", 1)
    assert pull(site.settings(), site.params) is None
    found = reconcile(site.settings())
    assert (found.serving, found.alias, found.moved, site.alias()) == (None, 1, True, None)
    assert not reconcile(site.settings()).moved


def test_a_registry_that_was_made_anew_is_not_taken_for_the_ledgers(
    new_site: Callable[..., Site], empty_store: str
) -> None:
    """Its version 1 is another run than the ledger's: nobody is told that the new run serves."""
    site = new_site()
    promote(site.settings(), site.record(None), Terms(clock=site.clock))
    (site.base / "mlflow.db").rename(site.base / "lost.db")
    other = new_site()
    run = other.record(1)
    (other.base / "one").rename(other.base / "unused")
    (site.base / "one").rename(other.base / "one")
    with pytest.raises(PromotionRefused, match=r"the ledger knows version 1 of parcels as run \w+, and MLflow's"):
        promote(other.settings(), run, Terms(clock=site.clock))


def test_who_promotes_need_not_be_who_trains(new_site: Callable[..., Site]) -> None:
    """What is registered is promoted by those who may; neither can do the other's part."""
    site = new_site(roles={"train": ["ada"], "promote": ["bob"]})
    run = site.record(None)
    with pytest.raises(PromotionRefused, match=r"bob may not do this: promotion\.roles\.train"):
        promote(site.settings(actor="bob"), run, Terms(clock=site.clock))
    with pytest.raises(PromotionRefused, match=r"ada may not do this: promotion\.roles\.promote"):
        promote(site.settings(), run, Terms(clock=site.clock))
    assert promote(site.settings(actor="bob"), run, Terms(clock=site.clock)).version == 1


def test_who_trains_does_not_judge_a_phase(new_site: Callable[..., Site]) -> None:
    """A result of a shadow is written by those who may promote: others are told that it waits for them."""
    site = new_site("gate", {"shadow": {"rows": 5}}, roles={"promote": ["bob"]})
    run = site.record(None)
    [found] = advance(site.settings(), run, Terms(clock=site.clock))
    assert (found.candidate.state, found.results, "ada may not" in found.stopped) == ("waiting", (), True)
    [found] = advance(site.settings(actor="bob"), run, Terms(clock=site.clock))
    assert found.promoted is not None


def test_of_two_who_promote_the_same_version_both_are_told_that_it_serves(new_site: Callable[..., Site]) -> None:
    """The slower one finds the work done, and writes nothing."""
    site = new_site()
    run = site.record(None)
    register(site.settings(), run, clock=site.clock)

    def meanwhile(_folder: object) -> None:
        if site.serving() is None:
            promote(site.settings("two", "bob"), run, Terms(clock=site.clock))

    assert promote(site.settings(), run, Terms(clock=site.clock, probe=meanwhile)).actor == "bob"
    assert site.changes() == [("promotion", 1)]


def test_a_rollback_that_was_overtaken_is_told(new_site: Callable[..., Site]) -> None:
    """Also one to a version by its number: what it was decided against does not serve any more."""
    site = new_site()
    for champion in (None, 1):
        promote(site.settings(), site.record(champion), Terms(clock=site.clock))
    third = site.record(2)

    def meanwhile(_folder: object) -> None:
        promote(site.settings("two"), third, Terms(clock=site.clock))

    with pytest.raises(ChampionChanged, match="another version serves by now"):
        rollback(site.settings(), reason="bad", to=1, clock=site.clock, probe=meanwhile)
    assert site.serving() == site.alias() == 3


def test_an_approval_by_a_clock_that_is_behind_counts_once(new_site: Callable[..., Site]) -> None:
    """Saying it twice writes it once, though the ledger's last entry is later than the machine's time."""
    site = new_site("gate", {"approval": {"count": 2}})
    register(site.settings(), site.record(None), clock=site.clock)
    site.time = site.time.replace(year=2025)
    bob = site.settings("two", "bob")
    found = [give_opinion(bob, 1, "approval", reason="r", clock=site.clock) for _ in range(2)]
    assert [(each.why, wrote) for each, wrote in found] == [("1 more approval", True), ("1 more approval", False)]
