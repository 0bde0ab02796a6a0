"""`evaluate.costs` in `params.yaml`: what is understood, and what is refused with the place and the value."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from ratchet.core.cost_params import cells
from ratchet.core.manifest import digest_of
from ratchet.core.names import check_names
from ratchet.core.params import Gate, Params, parse_params
from ratchet.errors import UsageError

TREE = yaml.safe_load((Path(__file__).resolve().parents[2] / "params.yaml").read_text(encoding="utf-8"))


def parsed(costs: str, *, task: str = "binary", **gate: Any) -> Params:
    """The repository's own parameters with these costs, as YAML."""
    tree = copy.deepcopy(TREE)
    tree["project"]["task"] = task
    tree["evaluate"] = {"threshold": 0.5, "costs": yaml.safe_load(costs)}
    tree["gate"] |= gate
    return parse_params(tree)


def test_classes_by_name_are_those_of_yaml() -> None:
    """`false`, `true` and numbers are names of classes, and a right answer that is not said costs nothing."""
    by = parsed("cost_x: {matrix: {false: {true: 1}, true: {false: 5}}}").evaluate.costs["cost_x"]
    assert by.matrix is not None
    assert cells(by.matrix) == {"false": {"false": 0, "true": 1}, "true": {"true": 0, "false": 5}}
    costs = "cost_x: {matrix: {1: {2: 1}, 2: {1: 5, 2: 1}}}"
    numbers = parsed(costs, task="multiclass").evaluate.costs["cost_x"].matrix
    assert numbers == {"1": {"2": 1}, "2": {"1": 5, "2": 1}}


@pytest.mark.parametrize(
    ("costs", "message"),
    [
        ("cost_x: {matrix: [[0, 1], [5, 0, 3]]}", "cost_x: row 1 of matrix has 3 numbers, and there are 2 rows"),
        ("cost_x: {matrix: [[0]]}", "cost_x: matrix has 1 rows"),
        ("cost_x: {matrix: [[0, .nan], [5, 0]]}", r"cost_x.matrix.rows.0.1: .*finite number, not nan"),
        ("cost_x: {matrix: {false: {true: .inf}, true: {false: 5}}}", r"false.true: .*finite number, not inf"),
        ("cost_x: {matrix: [[0, a], [5, 0]]}", r"cost_x.matrix.rows.0.1: .*valid number, not 'a'"),
        ("cost_x: {matrix: {false: {tru: 1}, true: {false: 5}}}", "matrix.false prices 'tru', which has no row"),
        ("cost_x: {matrix: {false: {}, true: {false: 5}}}", "matrix.false does not say what 'true' costs there"),
        ("cost_x: {matrix: [[0, -1], [-5, 10]]}", r"where 0 is true, the right answer \(0\) costs more than .* 1 \(-1"),
        ("cost_x: {matrix: [[0, 1], [5, 6]]}", r"where 1 is true, the right answer \(6\) costs more than .* 0 \(5"),
        ("profit_x: {matrix: [[0, 1], [5, 0]]}", r"where 0 is true, the right answer \(0\) earns less than .* 1 \(1"),
        ("cost_x: {matrix: [[1, 1], [2, 2]]}", "whatever is said comes to the same"),
        (
            "cost_x: {matrix: {a: {b: 1}, b: {a: 1}}}",
            "cost_x prices a, b, and the classes of binary are false and true",
        ),
        ("cost_x: {matrix: [[0, 1, 1], [1, 0, 1], [1, 1, 0]]}", "cost_x prices 0, 1, 2, and the classes of binary"),
        ("cost_x: {}", "cost_x: say either matrix or function"),
        ('cost_x: {function: "c:f", matrix: [[0, 1], [1, 0]]}', "cost_x: say either matrix or function"),
        ('cost_x: {function: "c:f", threshold: 0.5}', "cost_x: threshold goes with matrix"),
        ("cost_x: {function: c.f}", "'c.f' is not module:function"),
        ('delay: {function: "c:f"}', "'delay' must begin with cost_"),
        ('cost_5: {function: "c:f"}', "'cost_5' must begin with cost_"),
        ('cost_x: {functoin: "c:f"}', "cost_x.functoin: unknown key, did you mean function"),
    ],
)
def test_costs_that_make_no_sense_are_refused(costs: str, message: str) -> None:
    """Shapes, numbers, signs and names, each with its place and value, and before anything runs."""
    with pytest.raises(UsageError, match=message):
        parsed(costs)


@pytest.mark.parametrize(
    ("task", "costs", "message"),
    [
        ("regression", "cost_x: {matrix: [[0, 1], [5, 0]]}", "has a matrix, and a regression has no classes"),
        ("multiclass", "cost_x: {matrix: [[0, 1], [5, 0]], threshold: 0.3}", "has a threshold, which is for yes or no"),
    ],
)
def test_costs_of_another_task_are_refused(task: str, costs: str, message: str) -> None:
    """A regression has no classes, and of three classes none is above a threshold."""
    with pytest.raises(UsageError, match=rf"evaluate\.costs\.cost_x {message}"):
        parsed(costs, task=task)


def test_what_decisions_cost_is_part_of_the_policy() -> None:
    """Another price is another policy, with another digest; it reads back equal, and nobody writes it twice."""
    one, other = (parsed(f"cost_x: {{matrix: [[0, 1], [{miss}, 0]]}}").gate for miss in (5, 6))
    assert digest_of(one.model_dump(mode="json")) != digest_of(other.model_dump(mode="json"))
    assert Gate.model_validate_json(one.model_dump_json()) == one
    with pytest.raises(UsageError, match=r"gate\.priced is not for you to write"):
        parsed("cost_x: {matrix: [[0, 1], [5, 0]]}", priced={"cost_x": {"matrix": [[0, 1], [6, 0]]}})


def test_a_policy_without_prices_is_what_it_was() -> None:
    """Its record has no key more: digests of earlier decisions stand."""
    assert "priced" not in parse_params(TREE).gate.model_dump(mode="json")


@pytest.mark.parametrize(
    "gate",
    [
        {"metric": "cost_dleay"},
        {"floors": {"cost_dleay": {"max": 1.0}}},
        {"guardrails": {"cost_dleay": {"max_drop": 1.0}}},
    ],
)
def test_a_cost_that_nobody_declared_is_refused(gate: dict[str, Any]) -> None:
    """Its name alone is well formed, so that the nearest declared one is named."""
    with pytest.raises(UsageError, match="'cost_dleay' is declared nowhere, did you mean cost_delay"):
        check_names(parsed("cost_delay: {matrix: [[0, 1], [5, 0]]}", **gate))
    check_names(parsed("cost_delay: {matrix: [[0, 1], [5, 0]]}", metric="cost_delay"))
