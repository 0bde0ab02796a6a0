"""What would have to change in `schema.yaml` so that a batch passes, and what must not be changed to that end."""
