"""Cut from GitHub's OpenAPI document the operations that the project uses, and whatever they refer to.

    npm pack @octokit/openapi@23.0.2 && tar xf octokit-openapi-23.0.2.tgz package/generated/api.github.com.json
    python tests/github/cut_openapi.py package/generated/api.github.com.json tests/github/openapi.json

Descriptions and examples are left out; every schema, parameter and answer stays as it is. The licence of the document
is beside it, in openapi.LICENSE.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

OPERATIONS = (
    "actions/create-workflow-dispatch",
    "actions/download-artifact",
    "actions/get-reviews-for-run",
    "actions/list-workflow-run-artifacts",
    "issues/create-comment",
    "issues/delete-comment",
    "issues/list-comments",
    "issues/update-comment",
    "pulls/create",
    "pulls/get",
    "pulls/list",
    "pulls/list-files",
    "repos/create-commit-status",
    "repos/create-deployment",
    "repos/create-deployment-status",
    "repos/create-dispatch-event",
    "repos/list-commit-statuses-for-ref",
    "repos/list-deployment-statuses",
    "repos/list-deployments",
    "repos/list-pull-requests-associated-with-commit",
    "users/get-authenticated",
)

PROSE = ("description", "example", "examples", "externalDocs", "summary", "tags")
NAMED = ("properties", "paths", "schemas", "responses", "parameters", "headers")
"""Keys whose value maps names to things: a property may well be called "description"."""


def cut(document: dict[str, Any]) -> dict[str, Any]:
    """The document with OPERATIONS alone. Raises KeyError if it does not have one of them."""
    found = {operation["operationId"]: (path, verb, operation) for path, verb, operation in _operations(document)}
    paths: dict[str, Any] = {}
    for name in OPERATIONS:
        path, verb, operation = found[name]
        paths.setdefault(path, {})[verb] = _plain(operation)
    info = {key: document["info"][key] for key in ("title", "version", "license")}
    source = f"cut from @octokit/openapi {info['version']} (MIT, Copyright (c) 2020 Octokit contributors)"
    kept = {"openapi": document["openapi"], "info": {**info, "description": source}, "paths": paths}
    return kept | {"components": _components(document, paths)}


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, verbs in document["paths"].items():
        for verb, operation in verbs.items():
            if isinstance(operation, dict) and "operationId" in operation:
                yield path, verb, operation


def _components(document: dict[str, Any], paths: dict[str, Any]) -> dict[str, Any]:
    """Everything that the paths refer to, and what that refers to."""
    kept: dict[str, Any] = {}
    waiting = list(_references(paths))
    while waiting:
        kind, name = waiting.pop().removeprefix("#/components/").split("/")
        if name not in kept.setdefault(kind, {}):
            kept[kind][name] = _plain(document["components"][kind][name])
            waiting += _references(kept[kind][name])
    return kept


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)


def _plain(value: Any, *, names: bool = False) -> Any:
    """Without prose and extensions; `names`: the keys of this mapping are names, and all of them stay."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    kept = {key: each for key, each in value.items() if names or not (key in PROSE or key.startswith("x-"))}
    return {key: _plain(each, names=not names and key in NAMED) for key, each in kept.items()}


if __name__ == "__main__":
    whole = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    Path(sys.argv[2]).write_text(json.dumps(cut(whole), indent=1, sort_keys=True) + "\n", encoding="utf-8")
