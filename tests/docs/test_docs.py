"""The documentation says what is there: links, commands, options, make targets, variables, endpoints, exit codes."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer

from ratchet import errors, settings
from ratchet.cli.app import app
from ratchet.core.decision import Evidence
from ratchet.core.gate import decide
from ratchet.core.gate_params import Bounds, CostLimit, GapLimit, Gate, Guardrail, Reuse, Slices
from ratchet.core.schema import Column, Lookup, Rows
from ratchet.serving.app import create_app
from ratchet.serving.serving_state import ServingState

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
PAGES = [README, *sorted(ROOT.glob("docs/**/*.md")), *sorted(ROOT.glob(".github/*.md")), ROOT / "data" / "README.md"]
WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yaml"))

CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
COMMAND = re.compile(r"(?:^|[`$&] ?|\"|run: )ratchet ((?:[a-z][a-z-]*|--[a-z]+)(?: [^`\n&|>]*)?)", re.MULTILINE)
MAKE = re.compile(r"(?:^|[`$&] ?)make ([a-z-]+)", re.MULTILINE)
MACHINE = re.compile(r"(?<![\w.~…<>*{}])/(?:tmp|work|root|home|Users|var|mnt)/")


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _code(path: Path) -> str:
    """What stands as code on a page."""
    return "\n".join(CODE.findall(_text(path)))


def _everything() -> str:
    return "\n".join(_code(page) for page in PAGES)


def _resolved(typed: str) -> tuple[tuple[str, ...], Any, list[str]]:
    """The words of the command that `typed` calls, the command, and the options given. Raises KeyError if none."""
    command: Any = typer.main.get_command(app)
    words: list[str] = []
    for word in typed.split():
        if word.startswith("-") or not hasattr(command, "commands"):
            break
        command = command.commands[word]
        words.append(word)
    return tuple(words), command, re.findall(r"(?<!\S)--[a-z-]+", typed)


def _leaves(command: Any, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, inner in getattr(command, "commands", {}).items():
        yield from _leaves(inner, (*before, name))
    if not hasattr(command, "commands"):
        yield before


def _first_column(path: Path, heading: str) -> list[str]:
    """The code in the first cells of the table whose head row starts with `heading`."""
    _, _, rest = _text(path).partition(f"| {heading} |")
    rows = rest.partition("\n\n")[0].splitlines()[2:]
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[1])]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_resolve(page: Path) -> None:
    """A link to a file of the repository leads to one."""
    links = [link.partition("#")[0] for link in LINK.findall(_text(page)) if "://" not in link]
    assert [link for link in links if link and not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", [*PAGES, *WORKFLOWS], ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_exist_and_take_their_options(page: Path) -> None:
    """Each `ratchet` command on a page is one, and has the options that are shown with it."""
    for typed in COMMAND.findall(_code(page) if page.suffix == ".md" else _text(page)):
        words, command, options = _resolved(typed)
        known = {name for parameter in command.params for name in parameter.opts} | {"--help"}
        assert (words, sorted(set(options) - known)) == (words, [])


def test_every_command_is_in_the_readme() -> None:
    """Whoever looks for a command finds it in the table of jobs."""
    named = {_resolved(typed)[0] for typed in COMMAND.findall(_code(README))}
    assert set(_leaves(typer.main.get_command(app))) - named == set()


def test_make_targets_are_those_of_the_makefile() -> None:
    """The README names every target, and no page names one that there is not."""
    targets = set(re.findall(r"^([a-z-]+):.*##", _text(ROOT / "Makefile"), re.MULTILINE))
    assert set(MAKE.findall(_code(README))) == targets
    assert set(MAKE.findall(_everything())) - targets == set()


def test_variables_are_those_that_are_read() -> None:
    """docs/teams.md has a row for each variable of the environment that the settings read."""
    read = set(re.findall(r"known\.get\(\"([A-Z_]+)\"", inspect.getsource(settings.load_settings)))
    assert set(_first_column(ROOT / "docs" / "teams.md", "variable")) == read - {"GITHUB_ACTOR"}


def test_endpoints_are_those_of_the_server() -> None:
    """docs/serving.md has a row for each endpoint, with its method."""
    routes: list[Any] = [*create_app(ServingState(), max_rows=1).routes]
    served = {f"{'POST' if 'POST' in route.methods else 'GET'} {route.path}" for route in routes}
    assert set(_first_column(ROOT / "docs" / "serving.md", "endpoint")) == served


def test_schema_keys_are_documented() -> None:
    """docs/your-own-data.md has a row for each key of a column, and of a table."""
    page = ROOT / "docs" / "your-own-data.md"
    assert set(_first_column(page, "key of a column")) == set(Column.model_fields)
    rows = {f"rows.{key}" for key in Rows.model_fields}
    lookups = {f"lookups.<name>.{key}" for key in Lookup.model_fields}
    assert set(_first_column(page, "key of a table")) == rows | lookups


def test_exit_codes_are_documented() -> None:
    """docs/registry.md has a row for each exit code, and the README names each."""
    kinds = [each for each in vars(errors).values() if inspect.isclass(each) and hasattr(each, "exit_code")]
    codes = {"0", *(str(kind.exit_code) for kind in kinds)}
    _, _, table = _text(ROOT / "docs" / "registry.md").partition("| code |")
    assert set(re.findall(r"^\| (\d) \|", table, re.MULTILINE)) == codes
    line = next(line for line in _text(README).splitlines() if "Exit codes" in line)
    assert set(re.findall(r"(?:: |· )(\d) ", line)) == codes


def test_conditions_of_the_gate_are_documented() -> None:
    """docs/gate.md has a row for each condition that a decision holds, in their order."""
    evidence = Evidence(
        task="binary",
        metric="log_loss",
        reference="baseline",
        champion=None,
        challenger_is_champion=False,
        comparison=None,
        metrics=(),
        holdout=("b",),
        contaminated=(),
    )
    everything = Gate(
        metric="log_loss",
        floors={"brier": Bounds(max=1.0)},
        guardrails={"brier": Guardrail(max_drop=0.1)},
        slices=Slices(by=("origin",)),
        fairness={"sex": {"loss_gap": GapLimit(max=0.1)}},
        costs={"model_mb": CostLimit(max=1.0)},
        conditions={"mine": "gain.brier > 0"},
        reuse=Reuse(policy="ledger"),
    )
    words = {":brier": ":<metric>", ":sex:loss_gap": ":<column>:<gap>", ":model_mb": ":<name>", ":mine": ":<name>"}
    names = [condition.name for condition in decide(evidence, everything).conditions]
    for example, word in words.items():
        names = [name.replace(example, word) for name in names]
    assert _first_column(ROOT / "docs" / "gate.md", "condition") == names


def test_decision_records_are_listed_in_order() -> None:
    """docs/decisions/README.md lists every record with the title it has, and records are numbered without a gap."""
    folder = ROOT / "docs" / "decisions"
    records: Mapping[str, str] = {path.name: _text(path) for path in sorted(folder.glob("0*.md"))}
    listed = re.findall(r"^(\d+)\. \[(.+)\]\((.+)\)$", _text(folder / "README.md"), re.MULTILINE)
    assert [(int(number), name) for number, _, name in listed] == [*enumerate(records, start=1)]
    assert [records[name].splitlines()[0] for _, _, name in listed] == [f"# {n}. {title}" for n, title, _ in listed]
    assert all(name.startswith(f"{int(number):04d}-") for number, _, name in listed)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_know_no_machine(page: Path) -> None:
    """No path of somebody's own machine is on a page."""
    assert MACHINE.findall(_text(page)) == []
