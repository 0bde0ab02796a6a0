"""A second room: another task, no time, no lookups. It shows what the machine asks of a room, and nothing more."""
