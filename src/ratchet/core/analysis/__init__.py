"""A model looked at from inside: how it was learned, what it leans on, and what its predictions are made of."""
