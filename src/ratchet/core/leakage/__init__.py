"""What the training rows and the rows that judge must not share, and features that know the answer.

`twins` finds rows and keys on both sides of the split, `order` finds time that runs backwards, `reproduction` finds
features that reproduce the target. `evaluate` measures (`records`), and `condition` decides for the gate.
"""
