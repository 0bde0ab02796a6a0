"""The report: what it says, as values; templates only lay it out."""
