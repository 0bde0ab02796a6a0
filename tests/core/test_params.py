"""params.yaml as typed records: what is refused, how it is said, and what editors are told."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from ratchet.core.params import Params, parse_params
from ratchet.errors import UsageError

ROOT = Path(__file__).parents[2]
SHIPPED = [ROOT / "params.yaml", *sorted((ROOT / "tests" / "projects").glob("*/params.yaml"))]

Tree = dict[str, Any]


def read(path: Path) -> Tree:
    tree: Tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    return tree


@pytest.fixture
def tree() -> Tree:
    """The shipped parameters, free to be spoilt."""
    return copy.deepcopy(read(SHIPPED[0]))


def put(tree: Tree, dotted: str, value: object) -> Tree:
    """The tree with one value set at a place such as `gate.alpha`."""
    *sections, last = dotted.split(".")
    section = tree
    for name in sections:
        section = section[name]
    section[last] = value
    return tree


def problems(tree: object) -> list[str]:
    """The lines of the refusal, one per problem."""
    with pytest.raises(UsageError) as refused:
        parse_params(tree)
    return [line.removeprefix("  - ") for line in refused.value.message.splitlines() if line.startswith("  - ")]


def leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every key of a tree with its value."""
    for key, value in tree.items():
        yield prefix + key, value
        if isinstance(value, Mapping):
            yield from leaves(value, f"{prefix}{key}.")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.parent.name)
def test_shipped_parameters_are_read_as_they_are_written(path: Path) -> None:
    """The parameters that this repository ships parse, and every key keeps the value that the file gives it."""
    tree = read(path)
    parsed = dict(leaves(parse_params(tree).model_dump(mode="json")))
    given = {key: value for key, value in leaves(tree) if not isinstance(value, Mapping)}
    assert {key: parsed[key] for key in given} == given


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("gate.alpah", "gate.alpah: unknown key, did you mean alpha?"),
        ("splitt", "splitt: unknown key, did you mean split?"),
        ("split.cluster.colum", "split.cluster.colum: unknown key, did you mean column?"),
        ("gate.floors.roc_auc.maxi", "gate.floors.roc_auc.maxi: unknown key, did you mean max?"),
        (
            "evaluate.qqqq",
            "evaluate.qqqq: unknown key; known are threshold, costs",
        ),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_known_one(tree: Tree, place: str, line: str) -> None:
    """A misspelt key at any depth is named with its place and with what was probably meant."""
    assert problems(put(tree, place, 1)) == [line]


@pytest.mark.parametrize(
    ("place", "value", "line"),
    [
        ("gate.alpha", 0.6, "gate.alpha: input should be less than or equal to 0.5, not 0.6"),
        ("gate.alpha", 0, "gate.alpha: input should be greater than 0, not 0"),
        ("gate.alpha", True, "gate.alpha: input should be a valid number, not True"),
        ("gate.alpha", "0.1", "gate.alpha: input should be a valid number, not '0.1'"),
        ("gate.margin", -0.1, "gate.margin: input should be greater than or equal to 0, not -0.1"),
        ("gate.margin", math.nan, "gate.margin: input should be a finite number, not nan"),
        ("gate.min_effect", math.inf, "gate.min_effect: input should be a finite number, not inf"),
        ("gate.floors.roc_auc.min", math.nan, "gate.floors.roc_auc.min: input should be a finite number, not nan"),
        ("split.holdout", 0, "split.holdout: input should be greater than or equal to 1, not 0"),
        ("split.holdout", 1.0, "split.holdout: input should be a valid integer, not 1.0"),
        ("serve.port", 70_000, "serve.port: input should be less than or equal to 65535, not 70000"),
        ("project.task", "x", "project.task: input should be 'binary', 'multiclass' or 'regression', not 'x'"),
        ("model.seed", -1, "model.seed: input should be greater than or equal to 0, not -1"),
    ],
)  # fmt: skip
def test_a_value_of_another_type_or_range_is_refused(tree: Tree, place: str, value: object, line: str) -> None:
    """The refusal names the place, the rule and the value."""
    assert problems(put(tree, place, value)) == [line]


def test_all_problems_are_listed_at_once(tree: Tree) -> None:
    """Whoever mends the file sees everything that is wrong with it in one go."""
    put(tree, "gate.alpha", 2)
    put(tree, "gate.powr", 0.8)
    put(tree, "serve.port", "80")
    del tree["project"]["task"]
    assert sorted(line.partition(":")[0] for line in problems(tree)) == [
        "gate.alpha",
        "gate.powr",
        "project.task",
        "serve.port",
    ]


def test_a_missing_key_is_named(tree: Tree) -> None:
    """A required key that is not there is said to be required."""
    del tree["gate"]["metric"]
    assert problems(tree) == ["gate.metric: required, and not there"]


@pytest.mark.parametrize("tree", [None, [], "project", 3], ids=repr)
def test_what_is_no_mapping_is_refused(tree: object) -> None:
    """An empty file or a list is not taken for parameters with every default."""
    with pytest.raises(UsageError, match=f"^params.yaml holds {type(tree).__name__}, not a mapping"):
        parse_params(tree)


def test_a_refusal_names_the_file_and_the_next_step(tree: Tree) -> None:
    """The message begins with the file, and says that nothing was run."""
    with pytest.raises(UsageError) as refused:
        parse_params(put(tree, "gate.alpha", 2), source="other.yaml")
    assert refused.value.message.startswith("other.yaml is refused:")
    assert refused.value.next_step == "mend other.yaml; nothing was run"


def test_a_refit_has_a_margin_of_its_own(tree: Tree) -> None:
    """The champion's recipe on newer data is held to refit_margin, everything else to margin."""
    gate = parse_params(put(put(tree, "gate.margin", 0.25), "gate.refit_margin", 0.5)).gate
    assert (gate.margin_for(refit=False), gate.margin_for(refit=True)) == (0.25, 0.5)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.parent.name)
def test_the_json_schema_is_one_and_accepts_what_is_shipped(path: Path) -> None:
    """Editors get a valid JSON Schema under which the shipped files are right."""
    schema = Params.model_json_schema()
    Draft202012Validator.check_schema(schema)
    assert [error.message for error in Draft202012Validator(schema).iter_errors(read(path))] == []


def test_the_json_schema_refuses_unknown_keys(tree: Tree) -> None:
    """An editor underlines a misspelt key as ratchet refuses it."""
    found = Draft202012Validator(Params.model_json_schema()).iter_errors(put(tree, "gate.alpah", 1))
    assert [list(error.absolute_path) for error in found] == [["gate"]]


def test_the_json_schema_describes_every_key() -> None:
    """No key is without a sentence: of its own, or of the section that it holds."""
    schema = Params.model_json_schema()
    records = {"Params": schema, **schema["$defs"]}
    silent = [
        f"{record}.{name}"
        for record, body in records.items()
        for name, field in body["properties"].items()
        if not (field.get("description") or _pointed_at(field, schema).get("description"))
    ]
    assert silent == []


def _pointed_at(field: Tree, schema: Tree) -> Tree:
    target: Tree = schema["$defs"].get(field.get("$ref", "").rpartition("/")[2], {})
    return target
