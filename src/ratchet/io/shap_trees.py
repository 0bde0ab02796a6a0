"""Predictions of trees taken apart by shap, an extra: the only code that imports it.

The Shapley values of a tree ensemble, in which what is not known takes each branch as often as training rows did
(Lundberg and others, Nature Machine Intelligence 2, 2020).
"""

from __future__ import annotations

import warnings
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratchet.core.analysis.parts import Parts, mirrored
from ratchet.errors import ServiceFailed, UsageError

EXTRA = "pip install 'ratchet[shap]'"


def tree_parts(estimator: Any, columns: NDArray[np.float64]) -> Parts:
    """What each column adds, for each row and class.

    Raises UsageError if shap is not installed, ServiceFailed if it does not know the estimator.
    """
    shap = _shap()
    try:
        explainer = shap.TreeExplainer(estimator)
        found = np.asarray(explainer.shap_values(columns, check_additivity=False), dtype=np.float64)
    except (ValueError, TypeError, AttributeError, KeyError, NotImplementedError, AssertionError) as error:
        raise ServiceFailed(
            f"shap cannot read this {type(estimator).__name__}: {error}",
            next_step="install the locked versions; ratchet analyse needs no shap",
        ) from error
    amounts = found[:, :, None] if found.ndim == 2 else found
    base = np.atleast_1d(np.asarray(explainer.expected_value, dtype=np.float64))
    return mirrored(estimator, Parts(base=base, amounts=amounts))


def _shap() -> ModuleType:
    try:
        with warnings.catch_warnings():
            # On import it calls what its own libraries are about to give up.
            warnings.simplefilter("ignore")
            import shap  # type: ignore[import-untyped]  # it says no types
    except ImportError as error:
        raise UsageError("taking trees apart needs shap, which is not installed", next_step=EXTRA) from error
    found: ModuleType = shap
    return found
