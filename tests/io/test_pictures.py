"""Pictures are PNG, and the same points are the same bytes."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ratchet.core.curves import confusion, curves
from ratchet.io.pictures import DPI, draw_confusion, draw_curves, draw_gain_by_cluster, draw_residuals

RANDOM = np.random.default_rng(0)
TARGET = RANDOM.integers(0, 2, 200)
PROBABILITY = np.clip(0.3 + 0.4 * TARGET + 0.2 * RANDOM.normal(size=200), 0.01, 0.99)
SCORES = np.column_stack([1 - PROBABILITY, PROBABILITY])
POINTS = curves("binary", TARGET, SCORES)
LABELS = ["on time", "late & <b>"]

PICTURES: dict[str, Callable[[Path], None]] = {
    "curves": lambda path: draw_curves(path, {"champion": POINTS, "challenger": POINTS}),
    "curves of one model": lambda path: draw_curves(path, {"challenger": POINTS}),
    "confusion": lambda path: draw_confusion(path, confusion(TARGET, TARGET, LABELS)),
    "confusion with an empty class": lambda path: draw_confusion(path, confusion(TARGET * 0, TARGET * 0, LABELS)),
    "residuals": lambda path: draw_residuals(path, PROBABILITY, {"challenger": PROBABILITY / 2}),
    "one gain": lambda path: draw_gain_by_cluster(path, ["2013-07-04"], np.array([0.1]), "baseline"),
    "many gains": lambda path: draw_gain_by_cluster(
        path, [f"day {day}" for day in range(40)], np.linspace(-1, 1, 40), "champion"
    ),
}  # fmt: skip
SIZES = {"residuals": (4.2, 3.9), "confusion": (4.2, 3.9), "curves": (3 * 4.2, 3.9), "many gains": (9.0, 3.9)}


def size(data: bytes) -> tuple[int, int]:
    """Width and height from the header of a PNG file."""
    width, height = struct.unpack(">II", data[16:24])
    return width, height


@pytest.mark.parametrize("name", PICTURES)
def test_the_same_points_are_the_same_bytes(tmp_path: Path, name: str) -> None:
    """Drawn twice, under other names, a picture is the same PNG file: nothing of when or where is in it."""
    PICTURES[name](tmp_path / "one.png")
    PICTURES[name](tmp_path / "folder" / "other.png")
    data = (tmp_path / "one.png").read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert (tmp_path / "folder" / "other.png").read_bytes() == data


@pytest.mark.parametrize("name", SIZES)
def test_a_picture_has_the_size_it_is_given(tmp_path: Path, name: str) -> None:
    """Three panels are three times as wide as one."""
    PICTURES[name](tmp_path / "x.png")
    width, height = SIZES[name]
    assert size((tmp_path / "x.png").read_bytes()) == (round(width * DPI), round(height * DPI))


def test_other_points_are_another_picture(tmp_path: Path) -> None:
    """What is drawn is what was given."""
    draw_gain_by_cluster(tmp_path / "one.png", ["a", "b"], np.array([0.1, 0.2]), "champion")
    draw_gain_by_cluster(tmp_path / "other.png", ["a", "b"], np.array([0.1, -0.2]), "champion")
    draw_confusion(tmp_path / "right.png", pd.DataFrame([[2, 0], [0, 2]], index=LABELS, columns=LABELS))
    draw_confusion(tmp_path / "wrong.png", pd.DataFrame([[0, 2], [2, 0]], index=LABELS, columns=LABELS))
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 4


def test_drawing_leaves_nothing_open(tmp_path: Path) -> None:
    """No figure is kept in matplotlib's global state, however many are drawn."""
    import matplotlib.pyplot as plt

    PICTURES["curves"](tmp_path / "x.png")
    assert plt.get_fignums() == []
