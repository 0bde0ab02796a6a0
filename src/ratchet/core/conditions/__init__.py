"""The language of the gate's own conditions: `gain.log_loss[origin = "EWR"] > -0.02 at 0.05`.

`parse` reads a text into a tree (`tree`), `check` holds it against a task and the columns, `mentioned` says what has to
be measured for it, `mask` finds the rows of a slice, `judge` says what the measurements show, and `risk` how often that
is wrong. Nothing in it evaluates code. docs/conditions.md is the page for those who write conditions.
"""
