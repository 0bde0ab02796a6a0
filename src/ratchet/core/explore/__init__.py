"""The numbers that `ratchet data explore` shows: of one batch, and over batches."""
