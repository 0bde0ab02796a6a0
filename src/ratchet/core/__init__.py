"""The pure core: no files, network, environment, clock or global random state. Values in, values out."""
