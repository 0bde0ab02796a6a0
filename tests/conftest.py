"""What holds for every test."""

from __future__ import annotations

import os

# As the stages do: another number of threads adds in another order, and the model is another one.
os.environ["OMP_NUM_THREADS"] = "1"
