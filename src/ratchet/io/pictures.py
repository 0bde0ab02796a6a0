"""Pictures of an evaluation, as PNG: the same points, the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ratchet.core.metrics import Target
from ratchet.io import files

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Curves = Mapping[str, Mapping[str, pd.DataFrame]]

COLOURS = {"challenger": "#0b6e99", "champion": "#d9730d", "baseline": "#9b9a97"}
DIAGONAL: dict[str, Any] = {"color": "#c8c7c3", "linewidth": 1, "linestyle": "--"}
DPI = 110
TITLES = {
    "roc": ("ROC", "false positive rate", "true positive rate"),
    "precision_recall": ("Precision and recall", "recall", "precision"),
    "calibration": ("Calibration", "predicted probability", "observed share"),
}


def draw_curves(path: Path, curves: Curves) -> None:
    """ROC, precision-recall and calibration side by side; `curves` maps each model to its tables of points."""
    figure, axes = _figure(len(TITLES))
    for axis, (name, (title, x_name, y_name)) in zip(axes, TITLES.items(), strict=True):
        for model, tables in curves.items():
            if name in tables:
                x, y = (tables[name].iloc[:, column] for column in (0, 1))
                marker = "o" if name == "calibration" else ""
                axis.plot(x, y, color=COLOURS[model], label=model, linewidth=1.6, marker=marker, markersize=3.5)
        axis.set(title=title, xlabel=x_name, ylabel=y_name)
        if name == "calibration":
            _equal(axis)
        elif name == "roc":
            axis.plot([0, 1], [0, 1], **DIAGONAL)
        axis.legend(frameon=False, fontsize=8)
    _save(figure, path)


def draw_confusion(path: Path, counts: pd.DataFrame) -> None:
    """Rows are actual classes, columns predicted ones; colour is the share of the actual class."""
    figure, (axis,) = _figure(1)
    shares = counts.to_numpy() / counts.to_numpy().sum(axis=1, keepdims=True).clip(min=1)
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(shares.shape):
        text = f"{int(counts.to_numpy()[row, column]):,}\n{shares[row, column]:.0%}"
        axis.text(column, row, text, ha="center", va="center", color="white" if shares[row, column] > 0.6 else "black")
    axis.set(title="Confusion matrix of the challenger", xlabel="predicted", ylabel="actual")
    axis.set_xticks(range(len(counts)), counts.columns)
    axis.set_yticks(range(len(counts)), counts.index)
    _save(figure, path)


def draw_residuals(path: Path, target: Target, values: Mapping[str, NDArray[np.float64]]) -> None:
    """Predicted against actual, one colour per model; for regression."""
    figure, (axis,) = _figure(1)
    low, high = float(target.min()), float(target.max())
    axis.plot([low, high], [low, high], **DIAGONAL)
    for model, predicted in values.items():
        axis.scatter(target, predicted, s=9, alpha=0.6, color=COLOURS[model], label=model, linewidths=0)
    axis.set(title="Predicted and actual", xlabel="actual", ylabel="predicted")
    axis.legend(frameon=False, fontsize=8)
    _save(figure, path)


def draw_gain_by_cluster(path: Path, names: list[str], gains: NDArray[np.float64], reference: str) -> None:
    """The mean gain in each cluster, in order: whether one day or all of them carry the result."""
    figure, (axis,) = _figure(1, width=9.0)
    colours = [COLOURS["challenger"] if gain > 0 else COLOURS["champion"] for gain in gains]
    axis.bar(range(len(gains)), gains, color=colours)
    axis.axhline(0, color="#37352f", linewidth=0.8)
    step = max(1, len(names) // 8)
    axis.set_xticks(range(0, len(names), step), names[::step], fontsize=8)
    axis.set(
        title=f"Gain over the {reference}, by cluster (above 0: the challenger is better)", ylabel="loss saved per row"
    )
    _save(figure, path)


def _figure(panels: int, *, width: float = 4.2) -> tuple[Figure, list[Axes]]:
    """A figure without pyplot: no display, no global state."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * panels, 3.9), layout="constrained")
    return figure, [figure.add_subplot(1, panels, panel + 1) for panel in range(panels)]


def _equal(axis: Axes) -> None:
    high = max(axis.get_xlim()[1], axis.get_ylim()[1])
    axis.plot([0, high], [0, high], **DIAGONAL)


def _save(figure: Figure, path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    files.write(path, lambda half: canvas.print_figure(half, format="png", dpi=DPI, metadata={"Software": None}))
