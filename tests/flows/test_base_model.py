"""The model of another commit."""

from __future__ import annotations

import pytest

from ratchet.errors import DataRefused, ServiceFailed
from ratchet.flows.base_model import of_other_libraries
from ratchet.io.code import library_versions


def test_a_model_of_other_libraries_may_fail_in_any_way() -> None:
    """The error says which versions made the model, and what went wrong."""
    made_with = {**library_versions(), "scikit-learn": "0.1"}
    with (
        pytest.raises(ServiceFailed, match=r"made with scikit-learn 0\.1 and does not.*AttributeError: no such part"),
        of_other_libraries(made_with),
    ):
        raise AttributeError("no such part")


def test_with_the_same_libraries_an_error_is_not_explained_away() -> None:
    """A bug stays a bug."""
    with pytest.raises(AttributeError, match="no such part"), of_other_libraries(library_versions()):
        raise AttributeError("no such part")


def test_a_refusal_keeps_its_own_words() -> None:
    """What is refused with a reason needs no other."""
    with pytest.raises(DataRefused, match="too few"), of_other_libraries({"scikit-learn": "0.1"}):
        raise DataRefused("too few")
