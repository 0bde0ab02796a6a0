"""Keys of params.yaml that differ, and how their values are written."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.change.params import as_yaml, flatten, param_changes
from ratchet.core.change.records import ParamChange

LEAF = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=12))
VALUE = st.recursive(LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner))


def test_a_changed_a_new_and_a_lost_key_are_told_apart() -> None:
    """Old and new value and the line are given; a lost key has no line and comes last, the others in file order."""
    base = {"gate": {"alpha": 0.1, "margin": 0.0}, "split": {"holdout": 1}}
    head = {"split": {"holdout": 1, "folds": 3}, "gate": {"alpha": 0.05}}
    assert param_changes(base, head, {"split.folds": 3, "gate.alpha": 5, "gate.margin": 9}) == (
        ParamChange(key="split.folds", old=None, new="3", line=3),
        ParamChange(key="gate.alpha", old="0.1", new="0.05", line=5),
        ParamChange(key="gate.margin", old="0.0", new=None, line=None),
    )


def test_lists_and_empty_mappings_are_values() -> None:
    """A list changes as a whole, and a mapping that is emptied leaves its braces."""
    base = {"values": ["EWR", "JFK"], "params": {"depth": 3}}
    assert param_changes(base, {"values": ["EWR", 1], "params": {}}, {}) == (
        ParamChange(key="values", old="[EWR, JFK]", new="[EWR, 1]", line=None),
        ParamChange(key="params", old=None, new="{}", line=None),
        ParamChange(key="params.depth", old="3", new=None, line=None),
    )


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (True, "true"),
        (None, "null"),
        (0.1, "0.1"),
        (1e-05, "1.0e-05"),
        ("log_loss", "log_loss"),
        ("America/New_York", "America/New_York"),
        ("no", '"no"'),
        ("12", '"12"'),
        ("", '""'),
        ({"max": 0.25}, "{max: 0.25}"),
    ],
)
def test_values_are_written_as_in_yaml(value: object, written: str) -> None:
    """Texts have quotes only where YAML would read something else."""
    assert as_yaml(value) == written


@given(VALUE)
def test_what_is_written_reads_back_equal(value: object) -> None:
    """YAML reads what is written as the value it was."""
    assert yaml.safe_load(as_yaml(value)) == value


@given(st.dictionaries(st.text("abc", min_size=1), VALUE))
def test_a_tree_does_not_differ_from_itself(tree: dict[str, object]) -> None:
    """Nothing is reported where nothing changed, whatever the tree holds."""
    assert param_changes(tree, tree, {}) == ()


def test_no_file_is_an_empty_tree() -> None:
    """Against nothing, every key is new; two empty trees do not differ."""
    assert list(flatten({})) == []
    assert param_changes({}, {"a": {"b": 1}}, {"a.b": 2}) == (ParamChange(key="a.b", old=None, new="1", line=2),)
