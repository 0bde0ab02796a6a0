"""Validation: a typed batch against its schema and against the batches before it, without files."""
