"""Which rows of a batch go into a sample: those whose keys have the smallest digests.

Not whole clusters: a few hundred rows would be a day or two, and an interval over two days says nothing. By digest
every cluster keeps its share. The draw depends on keys alone, neither on the order of rows nor on a generator's state,
so that two people draw the same rows; and a larger sample holds every row of a smaller one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def drawn(keys: Sequence[Sequence[str]], rows: int) -> NDArray[np.bool_]:
    """(n,) whether each row is drawn; `keys` has the n rows' keys as texts. At most `rows` are, or all there are."""
    marks = [hashlib.sha256(json.dumps(list(key)).encode()).digest() for key in keys]
    chosen = sorted(range(len(marks)), key=marks.__getitem__)[:rows]
    mask = np.zeros(len(marks), dtype=np.bool_)
    mask[chosen] = True
    return mask
