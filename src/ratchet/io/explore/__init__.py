"""The pages of `ratchet data explore`."""
