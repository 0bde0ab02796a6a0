"""The tests of the gate are themselves tested: each small change of its code makes one of its cases fail.

All cases of this folder (CASES of each test file) say what a decision must be. Here each check is taken out of the gate
in turn, and each comparison, connective, number, branch and yield of `ratchet/core/gate` is changed in memory: a mutant
that no case kills is a rule that nobody tests. Those that change nothing that could be seen are in EQUIVALENT, with
the reason; one that is there and dies, or is there no more, fails as well.

Why a mutator of our own: mutmut copies the project and starts pytest itself, and leaves alone what stands outside of
functions; Cosmic Ray writes each mutant over the source, which other tests are reading, and starts a process for each.
Here are hundreds of mutants and as many cases of a pure function: without files and processes they take seconds.
"""

from __future__ import annotations

import ast
import copy
import importlib
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec, spec_from_file_location, spec_from_loader
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING

import pytest

import ratchet.core.gate

if TYPE_CHECKING:
    from tests.core.gate.conftest import Bench, Case

HERE = Path(__file__).parent
PACKAGE = "ratchet.core.gate"
SOURCE = Path(next(iter(ratchet.core.gate.__path__)))
TREES = {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(SOURCE.glob("*.py"))}

EQUIVALENT: Mapping[str, tuple[str, ...]] = {
    "what is None has a problem or lacks nothing already; the type checker does not know that": (
        "advice: lacking is None or comparison is None -> lacking is None",
        "charged: level is None or _problem(evidence, policy) -> _problem(evidence, policy)",
        "costs: cost is None or not tests -> not tests",
        "fairness: gap is None or found is None or problem -> problem",
        "floors: estimate is None or problem -> problem",
        "gain: comparison is None or problem -> problem",
        "guardrails: gain is None or problem -> problem",
        "slices: check is None or problem -> problem",
        "slices: each.p_worse or 0.0 -> each.p_worse",
        "slices: each.gain.value or 0.0 -> each.gain.value",
    ),
    "there are two bounds or none": tuple(
        f"{file}: low is None or high is None -> {other}"
        for file, ends in {"gain": ("",), "shown": ("", " #2")}.items()
        for end in ends
        for other in (f"low is None and high is None{end}", f"low is None{end}", f"high is None{end}")
    ),
    "what is undefined has no standard error, and without one there are no bounds": (
        "shown: if estimate.value is None:\n    return (None, None) -> if False:\n    return (None, None)",
    ),
    "a policy asks for 2 clusters at least": ("advice: 0 -> 1 #3",),
    "a slice that is shown to be worse has a gain below 0": ("slices: 0.0 -> 1.0 #2",),
    "Holm's test gives an answer for each p value": (
        "slices: zip(check.gains, holm(p_values, alpha), strict=True) -> zip(check.gains, holm(p_values, alpha))",
        "slices: True -> False",
    ),
    "a policy is the same in JSON": tuple(
        f"{file}: {change}"
        for file in ("charged", "decide")
        for change in ("policy.model_dump(mode='json') -> policy.model_dump()", "'json' -> 'jsonx'")
    ),
    "it is the default as well": (
        "own: Enough(clusters=policy.min_clusters, independent_rows=MIN_INDEPENDENT_ROWS) "
        "-> Enough(clusters=policy.min_clusters)",
    ),
}
"""By the reason why nobody can see the change: what is changed, and to what."""

ORDERS: Mapping[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
ARITHMETIC: Mapping[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
}
CALLS = {"min": "max", "max": "min", "all": "any", "any": "all", "sorted": "list"}
NAME = re.compile("[a-z_]+")
"""A text that is a name, and no sentence."""
SHOWN = ("passed", "kept", "broken", "harm")
"""What a condition is made of: said to be so, and said not to be so, whatever was found."""


@dataclass(frozen=True)
class Mutant:
    """One file of the gate with one change."""

    file: str
    change: str
    tree: ast.Module


def mutants(file: str) -> Iterator[Mutant]:
    """Every change of a file, one at a time."""
    tree, seen = TREES[file], dict[str, int]()
    ignored = set(_ignored(tree))
    for place, node in enumerate(ast.walk(tree)):
        if node in ignored:
            continue
        for other in _alternatives(node):
            words = f"{ast.unparse(node)} -> {ast.unparse(other)}"
            seen[words] = seen.get(words, 0) + 1
            yield Mutant(file, words + f" #{seen[words]}" * (seen[words] > 1), _replaced(tree, place, other))


def _ignored(tree: ast.Module) -> Iterator[ast.AST]:
    """Annotations, imports and decorators: nothing is decided there."""
    for node in ast.walk(tree):
        parts = [getattr(node, name, None) for name in ("annotation", "returns")]
        parts += getattr(node, "decorator_list", [])
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            parts.append(node)
        for part in parts:
            yield from ast.walk(part) if part is not None else ()


def _alternatives(node: ast.AST) -> Iterator[ast.AST]:
    yield from _of_operators(node)
    yield from _of_values(node)
    yield from _of_branches(node)


def _of_operators(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare():
            for place, order in enumerate(node.ops):
                for other in ORDERS[type(order)]:
                    yield ast.Compare(node.left, [*node.ops[:place], other(), *node.ops[place + 1 :]], node.comparators)
        case ast.BoolOp(op, values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
            yield from values
        case ast.UnaryOp(ast.Not() | ast.USub(), operand):
            yield operand
        case ast.BinOp(left, op, right) if type(op) in ARITHMETIC:
            yield ast.BinOp(left, ARITHMETIC[type(op)](), right)


def _of_values(node: ast.AST) -> Iterator[ast.AST]:
    """Numbers, names, functions, and arguments that are left out."""
    match node:
        case ast.Constant(bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(int() | float() as value):
            yield ast.Constant(value + 1)
        case ast.Constant(str() as value) if NAME.fullmatch(value):
            yield ast.Constant(f"{value}x")
        case ast.Call(ast.Name(name), arguments, keywords) if name in CALLS:
            yield ast.Call(ast.Name(CALLS[name], ast.Load()), arguments, [] if name == "sorted" else keywords)
        case ast.Call(function, arguments, keywords):
            for place in range(len(keywords)):
                yield ast.Call(function, arguments, [*keywords[:place], *keywords[place + 1 :]])
        case ast.keyword(str() as name, value) if name in SHOWN and not isinstance(value, ast.Constant):
            yield from (ast.keyword(name, ast.Constant(shown)) for shown in (True, False))


def _of_branches(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.IfExp(_, body, otherwise):
            yield body
            yield otherwise
        case ast.If(_, body, otherwise):
            yield from (ast.If(ast.Constant(taken), body, otherwise) for taken in (True, False))
        case ast.comprehension(target, source, tests, asynchronous) if tests:
            yield ast.comprehension(target, source, [], asynchronous)
        case ast.Expr(ast.Yield() | ast.YieldFrom()):
            yield ast.Expr(ast.YieldFrom(ast.Tuple([], ast.Load())))


def _replaced(tree: ast.Module, place: int, other: ast.AST) -> ast.Module:
    """A copy of the tree with another node at a place of `ast.walk`."""
    copied = copy.deepcopy(tree)
    old = list(ast.walk(copied))[place]
    for parent in ast.walk(copied):
        for name, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, name, copy.deepcopy(other))
            elif isinstance(value, list) and old in value:
                value[value.index(old)] = copy.deepcopy(other)
    return ast.fix_missing_locations(copied)


class _Sources(MetaPathFinder, InspectLoader):
    """Imports the gate out of memory, one of its files changed."""

    def __init__(self, codes: Mapping[str, CodeType]) -> None:
        self.codes = codes

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
        """The gate's own modules, and no others."""
        return spec_from_loader(name, self, is_package=name == PACKAGE) if name in self.codes else None

    def get_source(self, name: str) -> None:
        """There is only code."""

    def get_code(self, name: str) -> CodeType:
        """What is executed as the module."""
        return self.codes[name]


def module_name(file: str) -> str:
    """The module that a file of the gate is."""
    return PACKAGE if file == "__init__" else f"{PACKAGE}.{file}"


CODES = {module_name(file): compile(tree, f"{file}.py", "exec") for file, tree in TREES.items()}


def imported(mutant: Mutant) -> ModuleType:
    """The gate with the mutant in place of its file; what others have imported stays as it is."""
    code = compile(mutant.tree, f"{mutant.file}.py (changed)", "exec")
    kept = _taken_out()
    finder = _Sources({**CODES, module_name(mutant.file): code})
    sys.meta_path.insert(0, finder)
    try:
        changed = importlib.import_module(PACKAGE)
        for name in CODES:
            importlib.import_module(name)
    finally:
        sys.meta_path.remove(finder)
        _taken_out()
        sys.modules.update(kept)
        ratchet.core.gate = kept[PACKAGE]
    return changed


def _taken_out() -> dict[str, ModuleType]:
    """The gate's modules, which are to be imported anew."""
    return {name: sys.modules.pop(name) for name in [*sys.modules] if f"{name}.".startswith(f"{PACKAGE}.")}


def killed(cases: list[Case], mutant: Mutant) -> bool:
    """Whether a case fails; it is asked first the next time, as it is about the same file."""
    try:
        changed = imported(mutant)
    except Exception:
        return True
    for place, case in enumerate(cases):
        if not passes(case, changed):
            cases.insert(0, cases.pop(place))
            return True
    return False


def passes(case: Case, gate: ModuleType) -> bool:
    """Whether the gate decides as the case says; however it fails, it fails."""
    try:
        case.check(gate)
    except Exception:
        return False
    return True


def siblings() -> Iterator[ModuleType]:
    """The other test files of this folder."""
    for path in sorted(HERE.glob("test_*.py")):
        if path != Path(__file__):
            spec = spec_from_file_location(f"cases_of_{path.stem}", path)
            assert spec is not None
            assert spec.loader is not None
            module = module_from_spec(spec)
            sys.modules[spec.name] = module
            spec.loader.exec_module(module)
            yield module


@pytest.fixture(scope="module")
def cases(bench: Bench) -> list[Case]:
    """All cases of this folder, each of which the gate passes as it is."""
    made = [make(bench) for module in siblings() for make in getattr(module, "CASES", {}).values()]
    unchanged = imported(Mutant("decide", "nothing", TREES["decide"]))
    for case in made:
        case.check(unchanged)
    return made


@pytest.mark.slow
@pytest.mark.parametrize("file", [file for file in TREES if file != "__init__"])
def test_every_change_of_the_gate_is_noticed(file: str, cases: list[Case]) -> None:
    """Each mutant of a file makes a case fail, but for those that are known to change nothing."""
    asked = [*cases]
    survivors = {f"{file}: {mutant.change}" for mutant in mutants(file) if not killed(asked, mutant)}
    known = {change for changes in EQUIVALENT.values() for change in changes if change.startswith(f"{file}: ")}
    assert known == survivors


@pytest.mark.parametrize("check", ratchet.core.gate.CHECKS, ids=lambda check: check.__name__)
def test_every_check_is_missed(check: object, cases: list[Case], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any one of its checks the gate fails a case."""
    others = tuple(each for each in ratchet.core.gate.CHECKS if each is not check)
    monkeypatch.setattr(sys.modules[f"{PACKAGE}.decide"], "CHECKS", others)
    assert any(not passes(case, ratchet.core.gate) for case in cases)
