"""Who may do what on MLflow's server: users, roles, and the names that must have an owner before anybody trains.

| role     | runs and their files | registry: versions, aliases |
|----------|----------------------|-----------------------------|
| reader   | look                 | look                        |
| trainer  | write                | look                        |
| promoter | write                | write                       |

Only the administrator deletes. Whoever makes an experiment or a registered model owns it, so only promoters and the
administrator may, and the administrator makes those of the project before anybody trains.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import httpx

from ratchet.errors import ServiceFailed

GRANTS: Mapping[str, Mapping[str, str]] = {
    "reader": {"experiment": "READ", "registered_model": "READ"},
    "trainer": {"experiment": "EDIT", "registered_model": "READ"},
    "promoter": {"experiment": "EDIT", "registered_model": "EDIT", "workspace": "USE"},
}
"""By role, the permission on every thing of a kind. Making new ones takes the workspace."""
WORKSPACE = "default"
SECONDS = 30.0
ACCOUNTS = "/api/2.0/mlflow"
ROLES = "/api/3.0/mlflow"
EXISTS = "RESOURCE_ALREADY_EXISTS"


class Administrator:
    """MLflow's own API for users and roles, as its administrator."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self._client = httpx.Client(base_url=url, auth=(user, password), timeout=SECONDS)

    def __enter__(self) -> Administrator:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def set_user(self, name: str, password: str, role: str) -> None:
        """Make a user with this password and this one role, or make an older one so."""
        if not self._made(f"{ACCOUNTS}/users/create", username=name, password=password):
            self._call("PATCH", f"{ACCOUNTS}/users/update-password", username=name, password=password)
        given = self._call("GET", f"{ROLES}/users/roles/list", username=name)
        wanted = self._role(role)
        for other in given["roles"]:
            if other["name"] in GRANTS and other["id"] != wanted:
                self._call("DELETE", f"{ROLES}/roles/unassign", username=name, role_id=other["id"])
        if wanted not in [other["id"] for other in given["roles"]]:
            self._call("POST", f"{ROLES}/roles/assign", username=name, role_id=wanted)

    def set_role(self, name: str, grants: Mapping[str, str]) -> None:
        """Make a role that may do exactly this with every experiment and every registered model."""
        self._made(f"{ROLES}/roles/create", workspace=WORKSPACE, name=name)
        role = self._role(name)
        held = self._call("GET", f"{ROLES}/roles/permissions/list", role_id=role)["role_permissions"]
        right = {each["resource_type"] for each in held if _is_granted(each, grants)}
        for each in held:
            if not _is_granted(each, grants):
                self._call("DELETE", f"{ROLES}/roles/permissions/remove", role_permission_id=each["id"])
        for kind in grants.keys() - right:
            what = {"resource_type": kind, "resource_pattern": "*", "permission": grants[kind]}
            self._call("POST", f"{ROLES}/roles/permissions/add", role_id=role, **what)

    def make_model(self, name: str) -> None:
        """Make the experiment and the registered model of a name, where they are missing."""
        self._made(f"{ACCOUNTS}/experiments/create", name=name)
        self._made(f"{ACCOUNTS}/registered-models/create", name=name)

    def _role(self, name: str) -> int:
        roles = self._call("GET", f"{ROLES}/roles/list", workspace=WORKSPACE)["roles"]
        return int(next(role["id"] for role in roles if role["name"] == name))

    def _made(self, path: str, **body: Any) -> bool:
        """Whether it is new; False if it was there."""
        answer = self._client.post(path, json=body)
        if not answer.is_success and EXISTS in answer.text:
            return False
        _require_success(answer)
        return True

    def _call(self, method: str, path: str, **body: Any) -> Any:
        given: dict[str, Any] = {"params": body} if method == "GET" else {"json": body}
        answer = self._client.request(method, path, **given)
        _require_success(answer)
        return answer.json() if answer.content else {}


def set_up(administrator: Administrator, passwords: Mapping[str, str], models: Iterable[str]) -> None:
    """Make the roles, a user of each role's name, and the models; whatever is there already is made right."""
    for role, grants in GRANTS.items():
        administrator.set_role(role, grants)
        administrator.set_user(role, passwords[role], role)
    for name in models:
        administrator.make_model(name)


def _is_granted(held: Mapping[str, Any], grants: Mapping[str, str]) -> bool:
    return bool(held["resource_pattern"] == "*" and grants.get(held["resource_type"]) == held["permission"])


def _require_success(answer: httpx.Response) -> None:
    if answer.is_success:
        return
    raise ServiceFailed(
        f"MLflow refused {answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text[:300]}",
        next_step="if the administrator's password was changed in MLflow, put it into passwords/admin too",
    )
