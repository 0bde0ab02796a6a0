"""GitHub's API, or what speaks its language."""
