"""The pictures of docs/gate-evidence.md: false promotions, inflation, power, budget."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.gate.budget import ALPHA, Budget, ledger_level
from benchmarks.gate.record import OURS, Finding
from benchmarks.gate.rules import DELONG, EASE, MLFLOW, NAIVE, ROW, histories

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {OURS: "#0072b2", NAIVE: "#d55e00", MLFLOW: "#e69f00", ROW: "#cc79a7", DELONG: "#56b4e9", EASE: "#999999"}
"""Told apart by people who see colours differently (Okabe and Ito)."""
RUNS = 200


def draw(findings: Mapping[str, Finding], folder: Path) -> dict[str, str]:
    """Write each picture into the folder; returns file names with their captions."""
    made = {
        "false-promotions.png": (
            _false,
            "Two models, neither better: the share of trials with a promotion; dashed: .05",
        ),
        "inflation.png": (
            _inflation,
            "200 steps of a search that keeps what is promoted: the gain that the rows showed, and the true one",
        ),
        "power.png": (_power, "The share of trials in which a real gain is found, by the number of rows"),
        "budget.png": (_budget, "The level that a run on the same rows is granted, and the rows that it then takes"),
    }
    for name, (picture, _) in made.items():
        figure = picture(findings)
        figure.savefig(folder / name, dpi=100, metadata={"Software": None})
    return {name: caption for name, (_, caption) in made.items()}


def _figure(columns: int) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3), layout="constrained")
    axes = [figure.add_subplot(1, columns, column + 1) for column in range(columns)]
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _legend(axis: Axes) -> None:
    axis.legend(frameon=False, fontsize=7, loc="upper left", bbox_to_anchor=(1, 1))


def _false(findings: Mapping[str, Finding]) -> Figure:
    settings = {
        "independent rows\n(2,000)": findings["independent-rows"].lines[0].values,
        "7 real days": _both(findings, "7 days"),
        "28 real days": _both(findings, "28 days, "),
    }
    figure, (axis,) = _figure(1)
    width = 0.8 / len(COLOURS)
    for place, (rule, colour) in enumerate(COLOURS.items()):
        bars = [at + (place - 2.5) * width for at in range(len(settings))]
        axis.bar(bars, [values.get(rule, 0.0) for values in settings.values()], width, color=colour, label=rule)
    axis.axhline(ALPHA, color="black", linewidth=0.8, linestyle="--")
    axis.set_xticks(range(len(settings)), list(settings))
    axis.set_ylabel("promoted although no better")
    _legend(axis)
    return figure


def _both(findings: Mapping[str, Finding], words: str) -> dict[str, float]:
    """The rules of one length of window: those of the log loss, and DeLong's of the area."""
    lines = [line for line in findings["whole-days"].lines if words in line.setting and "centred" not in line.setting]
    return {**lines[1].values, **lines[0].values}


def _inflation(findings: Mapping[str, Finding]) -> Figure:
    curves: Mapping[str, Any] = findings["climb"].curves
    figure, axes = _figure(len(curves))
    for axis, (pool, rules) in zip(axes, curves.items(), strict=True):
        for rule in (NAIVE, ROW, MLFLOW, OURS):
            axis.plot(rules["runs"], rules[rule]["shown"], color=COLOURS[rule], label=f"{rule}: shown")
            axis.plot(rules["runs"], rules[rule]["true"], color=COLOURS[rule], linestyle=":", label=f"{rule}: true")
        axis.axhline(0, color="black", linewidth=0.5)
        axis.set_title(pool, fontsize=9)
        axis.set_xlabel("run")
    axes[0].set_ylabel("gain in log loss since the start")
    _legend(axes[-1])
    return figure


def _power(findings: Mapping[str, Finding]) -> Figure:
    curves: Mapping[str, Any] = findings["power"].curves
    figure, axes = _figure(len(curves))
    for axis, (pool, told) in zip(axes, curves.items(), strict=True):
        for rule in told["found"]:
            line = "-" if rule in COLOURS else "--" if "run 1 " in rule else ":"
            colour = COLOURS.get(rule, COLOURS[OURS])
            axis.plot(
                told["rows"],
                told["found"][rule],
                label=rule,
                color=colour,
                linestyle=line,
                linewidth=3 if rule == OURS else 1.5,
            )
        axis.set_xscale("log")
        axis.set_title(f"{pool}: a gain of {told['gain']:.4f}", fontsize=9)
        axis.set_xlabel("independent rows")
    axes[0].set_ylabel("found")
    _legend(axes[-1])
    return figure


def _budget(_: Mapping[str, Finding]) -> Figure:
    figure, axes = _figure(2)
    runs = list(range(1, RUNS + 1))
    levels = {
        f"ours, {promoted} promoted": [
            ledger_level(Budget(run=run, promotions=promoted, runs=RUNS)) if run > promoted else float("nan")
            for run in runs
        ]
        for promoted in range(3)
    }
    levels["Bonferroni"] = [ALPHA / RUNS] * RUNS
    for name, values in levels.items():
        for axis, shown in zip(axes, (values, [_times(level) for level in values]), strict=True):
            axis.plot(runs, shown, label=name)
    full = -_tail(histories(RUNS) - math.log(ALPHA))
    axes[1].axhline(_ratio(full), color=COLOURS[EASE], label="t test at .05 / 2^200")
    axes[0].set_yscale("log")
    axes[1].set_yscale("log")
    axes[1].set_yticks([3, 5, 10, 20, 50], ["3", "5", "10", "20", "50"])
    axes[1].minorticks_off()
    axes[0].set_ylabel("level of the run")
    axes[1].set_ylabel("rows, times those of one test at .05")
    for axis in axes:
        axis.set_xlabel("run")
    _legend(axes[1])
    return figure


def _times(level: float) -> float:
    """Rows for a power of .8 at this level, over those at .05."""
    from scipy.special import ndtri

    return _ratio(float(ndtri(level)))


def _ratio(quantile: float) -> float:
    from scipy.special import ndtri

    return float(((quantile + ndtri(0.2)) / (ndtri(ALPHA) + ndtri(0.2))) ** 2)


def _tail(surprise: float) -> float:
    """The normal quantile whose upper tail is exp(-surprise)."""
    from scipy.special import ndtri_exp

    return -float(ndtri_exp(-surprise))
