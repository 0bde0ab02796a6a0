"""Ratchet: a model only moves forward.

Data or code is pushed; the pipeline retrains; a gate that knows how sure it is compares the challenger with the
champion; a registry promotes it with a record; a server serves it.
"""

__version__ = "0.1.0"
