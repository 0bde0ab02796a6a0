"""Sources of data, one file each: `open_source` gives the one that `params.yaml` declares."""
