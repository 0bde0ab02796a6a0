"""Raw rows: checked by the schema that guards training, made into features by the champion's own room.

The room's code runs in a process of its own (`worker`), which the server talks to through `process`: two champions'
rooms have the same name and cannot be imported side by side, and what a room does to its process is not done to the
server's.
"""
