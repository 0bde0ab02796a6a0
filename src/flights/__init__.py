"""The user's room: what is known of the flights (`schema.yaml`), and the features. `params.yaml` says whence they come.

Replace it with your own: a package with `features.py` and `schema.yaml`, named by `project.room`.
"""
