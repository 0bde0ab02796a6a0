"""The language of the gate's own conditions: `gain.log_loss[origin = "EWR"] > -0.02 at 0.05`.

| module | has |
|---|---|
| `tree` | the records that a condition is made of, and what it names (`mentioned`) |
| `parse`, `build` | the grammar, and from a text to a tree, or to a `fault` at a character |
| `check` | names, types and units, before anything is measured; `ranges` and `costs` are the two kinds of comparison |
| `mask` | the rows of a slice |
| `judge` | what the measurements show: true, false or neither (`shown`) |
| `words` | a tree as its one text, and numbers in sentences |

Nothing in it evaluates code. docs/conditions.md is the page for those who write conditions.
"""
