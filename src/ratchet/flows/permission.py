"""Who may do what: `promotion.roles`, held against whoever acts."""

from __future__ import annotations

from ratchet.core.params import Params
from ratchet.errors import PromotionRefused
from ratchet.settings import Settings


def require_role(settings: Settings, params: Params, action: str) -> None:
    """Raises PromotionRefused unless whoever acts may do `action`, a field of promotion.roles.

    The name is what the environment says (RATCHET_ACTOR, or GitHub's); who may push to the ledger's branch is what
    the git server says, and the last word.
    """
    people = params.promotion.may(action)
    if people and settings.actor not in people:
        raise PromotionRefused(
            f"{settings.actor} may not do this: promotion.roles.{action} names {', '.join(people)}",
            next_step="ask one of them, or change params.yaml by a pull request",
        )
