"""The user's room: where the flights come from (`source`), what is known of them (`schema.yaml`) and the features.

Replace it with your own: a package with `source.py`, `features.py` and `schema.yaml`, named by `project.room`.
"""
