"""Names in the policy that only the code knows are looked at before anything is run."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ratchet.core.conditions.check import check_all
from ratchet.core.names import check_names
from ratchet.core.params import Params, parse_params
from ratchet.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]
CROPS = yaml.safe_load((ROOT / "tests" / "projects" / "crops" / "params.yaml").read_text(encoding="utf-8"))


def asking(**gate: object) -> Params:
    """The project of three classes with other keys of its policy."""
    return parse_params({**CROPS, "gate": {**CROPS["gate"], **gate}})


def test_names_that_are_known_pass() -> None:
    """A policy with floors, guardrails and a condition of its task has nothing to mend."""
    params = asking(floors={"accuracy": {"min": 0.5}})
    check_names(params)
    check_all(params.gate.conditions, params.project.task)


@pytest.mark.parametrize(
    ("gate", "said"),
    [
        ({"floors": {"acuracy": {"min": 0.5}}}, "gate.floors: 'acuracy' is no metric for multiclass, did you mean"),
        ({"guardrails": {"mae": {"max_drop": 1.0}}}, "gate.guardrails: 'mae' is no metric for multiclass"),
    ],
)
def test_an_unknown_metric_is_refused(gate: dict[str, object], said: str) -> None:
    """The message names the key, the name and what is near it."""
    with pytest.raises(UsageError, match=said):
        check_names(asking(**gate))


@pytest.mark.parametrize("text", ["gain.log_loss >> 0", "gain.los_loss > 0", "challenger.log_loss > champion.log_loss"])
def test_a_condition_with_a_mistake_is_refused_at_its_character(text: str) -> None:
    """Whether it cannot be read or makes no sense, a caret stands below the place."""
    with pytest.raises(UsageError, match=r"gate.conditions.hub: [^\n]+\n    [^\n]+\n +\^\n"):
        check_all({"fine": "gain.log_loss > 0", "hub": text}, "multiclass")
