"""What the gate's conditions ask of the rows that judge, measured: slices, gaps between groups, parts, worst regions.

`rows` is what all of it is measured on, `asked` says what a policy asks for, and `parts` finds the numbers again.
"""
