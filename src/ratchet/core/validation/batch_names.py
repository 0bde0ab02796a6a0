"""Names and numbers of batches that validation, and what reads its results, agree on; nothing heavy is loaded here."""

STANDING = "lookups"
"""The unit that holds the standing lookups; no batch has this name."""
HISTORY = 12
"""How many earlier batches a batch is compared with."""
