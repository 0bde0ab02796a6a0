"""The section `features`: which combinations of keys are refused, and how that is said."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ratchet.core.feature_params import Features, Outliers, Rare

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"action": "clip", "rule": "tukey", "low": 1.0}, "rule tukey takes fences"),
    ({"action": "clip", "rule": "bounds"}, "rule bounds needs low, high or both"),
    ({"rule": "tukey"}, "without an action nothing is done"),
    ({"low": 0.1}, "without an action nothing is done"),
    ({"action": "clip", "low": 2.0}, "rule quantiles needs shares"),
    ({"action": "clip", "low": 0.9, "high": 0.1}, "rule quantiles needs shares"),
    ({"action": "clip", "high": 1.5}, "rule quantiles needs shares"),
    ({"action": "clip", "rule": "bounds", "low": 3.0, "high": 3.0}, "low must be below high"),
    ({"action": "clip", "rule": "tukey", "fences": 0.0}, "greater than 0"),
]


@pytest.mark.parametrize(("keys", "said"), REFUSED, ids=lambda value: value if isinstance(value, str) else "")
def test_bounds_that_do_not_fit_their_rule_are_refused(keys: dict[str, Any], said: str) -> None:
    """Each rule takes its own keys, in their range; the message says which."""
    with pytest.raises(ValidationError, match=said):
        Outliers.model_validate(keys)


def test_one_bound_is_enough() -> None:
    """A quantile that is not given is the usual one; a side without a fixed bound has none."""
    assert Outliers(action="clip", low=0.05).quantiles == (0.05, 0.999)
    assert Outliers(action="clip", rule="bounds", high=3.0).low is None


def test_a_count_and_a_share_at_once_are_refused() -> None:
    """Nobody could say which of them counts."""
    with pytest.raises(ValidationError, match="give min_count or min_share, not both"):
        Rare(min_count=3, min_share=0.1)


def test_an_older_record_means_the_defaults() -> None:
    """A model of before these keys were there has the recipe that today's defaults say: a refit stays a refit."""
    assert Features.model_validate({"categorical": "ordinal", "numeric": "passthrough"}) == Features()
