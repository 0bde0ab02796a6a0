"""YAML text as values: of any version of a file, wherever the text came from."""

from __future__ import annotations

import yaml

from ratchet.errors import UsageError

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The parser in C where PyYAML was built with it: `dvc.lock` takes the other one a sixth of a second."""


def parse_yaml(text: str, *, source: str) -> object:
    """The value that the text holds; None if it is empty. Raises UsageError that names `source` and the place."""
    try:
        return yaml.load(text, Loader=LOADER)  # noqa: S506 - a safe loader, either of them
    except yaml.YAMLError as error:
        raise UsageError(f"{source} is not valid YAML: {error}", next_step="mend the line that is named") from error
