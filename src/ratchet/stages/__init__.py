"""The stages of `dvc.yaml`, one file each: read, call the core, write. They meet only in files."""
