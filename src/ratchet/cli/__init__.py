"""Commands: parse, call one use case, print, return. Heavy imports are late, so that `--help` is quick."""
