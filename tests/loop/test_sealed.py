"""The policy `ledger`, end to end: looks at sealed rows are paid for, answered once, and say one bit."""

from __future__ import annotations

import json
import re
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ratchet.core import gate_status
from ratchet.core.alpha_ledger import Charge, Entry, answered
from ratchet.core.alpha_level import charge, level
from ratchet.core.annotations import annotations_of
from ratchet.core.decision import Decision, Look
from ratchet.core.gate_params import Reuse
from ratchet.io.alpha_branch import AlphaBranch

if TYPE_CHECKING:
    from tests.loop.conftest import Kept, Sandbox

pytestmark = pytest.mark.slow
BRANCH = "ratchet/ledger"
TIME = "2026-01-01T00:00:00+00:00"
BUDGET = Reuse(policy="ledger")
FRESH = 0.1
REFUSING = "#!/bin/sh\necho protected branch >&2\nexit 1\n"


@pytest.fixture(scope="session")
def _sealed(_pulled: Kept) -> Kept:
    sandbox, pulled = _pulled
    sandbox.restore(pulled)
    sandbox.set_params(split={"holdout": 1, "open": 0.3}, gate={"reuse": {"policy": "ledger"}}, report={"seeds": 0})
    sandbox.commit("Seal the newest part")
    (sandbox.base / "said.txt").write_text(sandbox.ok("run"), encoding="utf-8")
    sandbox.commit("Reproduce")
    return sandbox, sandbox.keep(pulled.with_name("sealed"))


@pytest.fixture
def sealed(_sealed: Kept) -> Sandbox:
    """The regression project whose newest part is sealed, after its first run, which says promote."""
    sandbox, place = _sealed
    sandbox.restore(place)
    return sandbox


def alpha(sandbox: Sandbox) -> AlphaBranch:
    return AlphaBranch(sandbox.root, "origin", BRANCH)


def look(sandbox: Sandbox) -> Look:
    return Look.model_validate_json((sandbox.root / "data" / "level.json").read_bytes())


def decision(sandbox: Sandbox) -> Decision:
    return Decision.model_validate_json((sandbox.root / "data" / "decision.json").read_bytes())


def ask_for_another(sandbox: Sandbox, *, answer: bool, reuse: Reuse = BUDGET) -> None:
    """Somebody else's challenger is charged for a look at the same rows; without an answer, its run was killed."""
    question = look(sandbox).question.model_copy(update={"challenger": "e" * 64})

    def pay(entries: tuple[Entry, ...]) -> Charge:
        spent = level(entries, question, fresh_alpha=FRESH, reuse=reuse)
        return charge(question, spent, reuse=reuse, actor="eve", time=TIME)

    alpha(sandbox).append(pay)
    if answer:
        alpha(sandbox).append(lambda entries: answered(entries, question, "not", actor="eve", time=TIME))


def test_the_first_look_is_fresh_and_asking_again_costs_nothing(sealed: Sandbox) -> None:
    """It has the gate's own level; a run that lost its files finds the same level and decision, and writes no line."""
    results = ("data/level.json", "data/decision.json", "dvc.lock")
    before, head, paid = sealed.digests(*results), alpha(sealed).head(), alpha(sealed).read()
    assert [(line.alpha, line.fresh, line.run, line.answer) for line in paid] == [
        (FRESH, True, 1, None),
        (FRESH, True, 1, "promote"),
    ]
    said = sealed.ok("run")
    assert said.startswith("Nothing changed.")
    (sealed.root / "data" / "level.json").unlink()
    sealed.ok("run")
    assert (sealed.digests(*results), alpha(sealed).head()) == (before, head)


def test_a_run_that_was_killed_before_its_answer_is_closed_by_the_next(sealed: Sandbox) -> None:
    """Until then another challenger has the smaller of the levels that the two answers allow; closing it is free."""
    origin = ["git", "--git-dir", str(sealed.origin), "update-ref", f"refs/heads/{BRANCH}", f"refs/heads/{BRANCH}~1"]
    assert sealed.run(origin).code == 0
    before = alpha(sealed).read()
    other = look(sealed).question.model_copy(update={"challenger": "e" * 64})
    open_level = level(before, other, fresh_alpha=FRESH, reuse=BUDGET)
    either = [
        level([*before, answered(before, look(sealed).question, each, actor="a", time=TIME)], other,
              fresh_alpha=FRESH, reuse=BUDGET).alpha
        for each in ("promote", "not")
    ]  # fmt: skip
    assert (open_level.unknown, open_level.alpha) == (1, min(either))
    assert sealed.ok("run").startswith("Nothing changed.")
    after = alpha(sealed).read()
    assert [(line.alpha, line.run, line.answer) for line in after] == [(FRESH, 1, None), (FRESH, 1, "promote")]


def test_another_challenger_is_charged_and_without_the_right_to_write_it_is_held(sealed: Sandbox) -> None:
    """`--open` shows numbers and spends nothing; a look that cannot be paid for is no crash, and a later run pays."""
    ask_for_another(sealed, answer=False)
    sealed.set_params(model={"params": {"alpha": 0.5}})
    head = alpha(sealed).head()
    assert "no look was spent" in sealed.ok("run", "--open")
    assert "the gate was not asked about the model that is here" in sealed.ratchet("report").error
    hook = sealed.origin / "hooks" / "pre-receive"
    hook.write_text(REFUSING, encoding="utf-8")
    hook.chmod(0o755)
    said = sealed.ok("run")
    assert "Verdict: not promoted" in said
    assert f"the alpha ledger on the branch {BRANCH} cannot be written from here" in decision(sealed).reason
    assert alpha(sealed).head() == head
    hook.unlink()
    said = sealed.ok("run")
    found = look(sealed).level
    assert found is not None
    # Two looks before it, of which one promoted and one may have: the least of the levels is that of two promotions.
    assert (found.run, found.fresh, found.unknown) == (3, False, 1)
    assert found.alpha == min(BUDGET.alpha / BUDGET.runs / 2 ** (j + 1) / (2 if j == 1 else 1) for j in (1, 2))
    assert f"look 3 at part-04, at level {found.alpha:.4g}" in said
    assert alpha(sealed).read()[-1].answer is not None


def test_rows_whose_budget_is_spent_hold_whoever_comes(sealed: Sandbox) -> None:
    """Nothing is charged, and the decision says why."""
    spent = Reuse(policy="ledger", runs=1)
    ask_for_another(sealed, answer=True, reuse=spent)
    sealed.set_params(model={"params": {"alpha": 0.5}}, gate={"reuse": {"policy": "ledger", "runs": 1}})
    head = alpha(sealed).head()
    said = sealed.ok("run")
    assert "Verdict: not promoted" in said
    assert "all 1 runs of the budget are spent" in said
    assert alpha(sealed).head() == head


def test_a_look_that_is_in_nobodys_ledger_promotes_nothing(sealed: Sandbox) -> None:
    """Charges that were lost, or a level that somebody wrote by hand: `ratchet promote` refuses, with exit code 4."""
    assert sealed.run(["git", "--git-dir", str(sealed.origin), "update-ref", "-d", f"refs/heads/{BRANCH}"]).code == 0
    sealed.ok("record")
    said = sealed.ratchet("promote")
    assert (said.code, "is not in the alpha ledger, or not at its level" in said.error) == (4, True), said


NUMBER = re.compile(r"(?<![\w.+-])[+-]?\d[\d,]*(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w%])")
FEWEST_DIGITS = 4
DRAWN = re.compile(r"<svg.*?</svg>|<script.*?</script>", re.DOTALL)
SECRET = ("metrics", "comparison", "parts", "slices", "gaps")


def floats(value: object) -> Iterator[float]:
    if isinstance(value, float):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from floats(each)
    elif isinstance(value, list):
        for each in value:
            yield from floats(each)


def digits(text: str) -> int:
    return len(re.sub(r"[eE].*|\D", "", text).lstrip("0"))


def told(texts: Iterable[str]) -> dict[int, set[float]]:
    """The numbers of texts by how many significant digits they are written with."""
    found: dict[int, set[float]] = {}
    for text in texts:
        for match in NUMBER.findall(text):
            if (count := min(digits(match), 17)) >= FEWEST_DIGITS:
                found.setdefault(count, set()).add(abs(float(match.replace(",", ""))))
    return found


def secrets_of(root: Path) -> set[float]:
    """What was computed with the sealed labels, but for what the policy or the level says."""
    evidence, full = (
        json.loads((root / "data" / "sealed" / f"{name}.json").read_bytes()) for name in ("evidence", "decision")
    )
    public = {*floats(full["policy"]), *floats(json.loads((root / "data" / "level.json").read_bytes()))}
    judged = [
        {key: value for key, value in each.items() if key != "threshold"}
        for each in full["conditions"]
        if each["name"] not in ("charged", "untouched", "different", "reference")
    ]
    found = {*floats([evidence[key] for key in SECRET]), *floats(judged)} - public
    return {abs(each) for each in found if float(f"{each:.3g}") != each}


def given_away(secrets: set[float], found: Mapping[int, set[float]]) -> set[float]:
    return {each for each in secrets for count, numbers in found.items() if float(f"{each:.{count}g}") in numbers}


def everything_public(sandbox: Sandbox) -> dict[str, str]:
    """All that people, git and MLflow are shown, by where it stands; pictures are drawn from `data/evaluation`.

    A profile tells of a batch's columns, its label among them, and of no model.
    """
    kinds = (".md", ".html", ".json", ".txt", ".csv", ".yaml", ".lock", ".log", "")
    found = {
        str(path): path.read_text(encoding="utf-8", errors="replace")
        for folder in ("project/reports", "project/data/evaluation", "mlflow", "project/mlruns", "project/.ratchet")
        for path in (sandbox.base / folder).rglob("*")
        if path.is_file() and path.suffix in kinds and not {"model", "profiles"} & {*path.parts}
    }
    with sqlite3.connect(sandbox.base / "mlflow" / "mlflow.db") as store:
        found["mlflow.db"] = "\n".join(line for line in store.iterdump() if line.startswith("INSERT"))
    found["git"] = sandbox.git("log", "--patch", "--all", "--", ".", ":!src", ":!data/raw", ":!requirements")
    found["origin"] = sandbox.run(["git", "--git-dir", str(sandbox.origin), "log", "--patch", BRANCH]).out
    return {name: DRAWN.sub("", text) for name, text in found.items()}


EVIDENCE = """
import sys
from pathlib import Path
from ratchet.flows.record import fingerprint_of
from ratchet.flows.version_evidence import write_version_evidence
from ratchet.io.mlflow import tracking
from ratchet.io.room import read_params
from ratchet.settings import load_settings

root = Path.cwd()
settings, params = load_settings(root), read_params(root)
with tracking(settings.mlflow_uri, params.project.name) as store:
    run = store.find_run(fingerprint_of(root))
into = root / "reports" / sys.argv[1]
into.mkdir(parents=True)
write_version_evidence(settings, params, run, into)
"""


def write_evidence(sandbox: Sandbox, name: str) -> None:
    """The card, lineage and manifest of what is here, under `reports/`, also of a model that is never registered."""
    assert sandbox.run([sys.executable, "-c", EVIDENCE, name]).code == 0
    card = (sandbox.root / "reports" / name / "model-card.md").read_text(encoding="utf-8")
    assert "sealed" in card
    assert "open rows that no model was trained on" in card


def annotated(made: Decision) -> str:
    return "\n".join([gate_status.of_decision(made).description, *annotations_of(made, {})])


def test_nothing_computed_with_sealed_labels_is_told_anywhere(sealed: Sandbox) -> None:
    """Run, record, report, status, promotion, once promoted and once not: of the numbers none comes out."""
    said = [(sealed.base / "said.txt").read_text(encoding="utf-8")]
    hidden = secrets_of(sealed.root)

    def do(*arguments: str) -> None:
        done = sealed.ratchet(*arguments)
        assert done.code == 0, done
        said.append(done.out + done.error)

    do("record")
    do("promote")
    write_evidence(sealed, "promoted")
    said.append(annotated(decision(sealed)))
    sealed.set_params(model={"params": {"alpha": 30.0}})
    do("run", "--open")
    do("run")
    sealed.commit("Another challenger")
    do("record")
    write_evidence(sealed, "not-promoted")
    do("report", "--base", "main~1")
    said.append(annotated(decision(sealed)))
    refused = sealed.ratchet("promote")
    assert refused.code == 4
    said.append(refused.error)
    hidden |= secrets_of(sealed.root)
    assert len(hidden) > 30
    public = {**everything_public(sealed), "said": "\n".join(said)}
    leaks = {where: given_away(hidden, told([text])) for where, text in public.items()}
    assert {where: found for where, found in leaks.items() if found} == {}
    # The test would see them: they stand in the files that are kept back.
    kept = (sealed.root / "data" / "sealed" / "evidence.json").read_text(encoding="utf-8")
    assert len(given_away(hidden, told([kept]))) > 20
    assert sealed.git("ls-files", "data/sealed") == ""
    _is_told_in_words(sealed)


def _is_told_in_words(sealed: Sandbox) -> None:
    """The report names the bit, the budget and the rows that it shows; the ledger's entry has the open metrics."""
    report = (sealed.root / "reports" / "report.md").read_text(encoding="utf-8")
    assert "diabetes-progression: not promoted" in report
    assert "**Budget:** look 2 at part-04, at level 0.000625; 19 more are in the budget" in report
    assert "open rows that no model was trained on" in report
    assert "not promoted" in (sealed.root / "reports" / "report.html").read_text(encoding="utf-8")
    assert gate_status.of_decision(decision(sealed)).description.startswith("not promoted: look 2 at part-04")
    evaluation: dict[str, Any] = json.loads((sealed.root / "data" / "evaluation" / "evaluation.json").read_bytes())
    champion = {row["name"]: row["models"]["champion"]["value"] for row in evaluation["metrics"]}
    assert sealed.ledger()[0]["metrics"] == champion
