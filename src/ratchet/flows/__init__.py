"""Use cases over several outside things; each is what one command does."""
