"""The API's side of environments: who approved a run, and what was deployed."""

from __future__ import annotations

import re

from ratchet.forge import approvals, deployments, source
from ratchet.forge.api import shapes
from ratchet.forge.api.request import Answer, Asked, Refused, mapping, page_of, text
from ratchet.forge.api.shapes import Json, Place
from ratchet.forge.conversation import BOT
from ratchet.forge.deployments import Deployment, DeploymentStatus

STATES = ("error", "failure", "inactive", "in_progress", "queued", "pending", "success")
COMMIT = re.compile(r"[0-9a-f]{40}")
MOST_PROPERTIES = 50
LONGEST_DESCRIPTION = 140


def list_approvals(asked: Asked, run: str) -> Answer:
    """The reviews of a run: here one at most, of all its protected environments."""
    given = approvals.given(asked.place.home, int(run))
    if given is None:
        raise Refused(404, "Not Found")
    return Answer(json=[_review(asked.place, one) for one in given])


def create_deployment(asked: Asked) -> Answer:
    """A deployment of a commit or a branch; no check of a status, and nothing is merged."""
    ref = text(asked.body, "ref")
    sha = source.resolve(asked.place.home, ref if COMMIT.fullmatch(ref) else f"refs/heads/{ref}")
    if sha is None:
        raise Refused(422, f"No ref found for: {ref}", "ref")
    made = Deployment(
        id=0,
        sha=sha,
        ref=ref,
        task=text(asked.body, "task", optional=True) or "deploy",
        environment=text(asked.body, "environment", optional=True) or "production",
        description=text(asked.body, "description", optional=True),
        payload=mapping(asked.body, "payload", MOST_PROPERTIES),
        created_at="",
    )
    return Answer(status=201, json=_deployment(asked.place, deployments.add(asked.place.home, made)))


def list_deployments(asked: Asked) -> Answer:
    """Deployments, the newest first: of one `sha`, `ref`, `task` or `environment`."""
    wanted = {name: asked.query[name] for name in ("sha", "ref", "task", "environment") if asked.query.get(name)}
    found = [
        _deployment(asked.place, one)
        for one in reversed(deployments.deployments(asked.place.home))
        if all(getattr(one, name) == value for name, value in wanted.items())
    ]
    return page_of(asked, found)


def create_deployment_status(asked: Asked, number: str) -> Answer:
    """Say how a deployment stands."""
    state = text(asked.body, "state")
    description = text(asked.body, "description", optional=True)
    if state not in STATES:
        raise Refused(422, f"state is not one of {', '.join(STATES)}", "state")
    if len(description) > LONGEST_DESCRIPTION:
        raise Refused(422, f"description is too long (maximum is {LONGEST_DESCRIPTION} characters)", "description")
    log = text(asked.body, "log_url", optional=True)
    given = DeploymentStatus(id=0, state=state, description=description, log_url=log, created_at="")
    made = deployments.add_status(asked.place.home, int(number), given)
    if made is None:
        raise Refused(404, "Not Found")
    return Answer(status=201, json=_status(asked.place, int(number), made))


def list_deployment_statuses(asked: Asked, number: str) -> Answer:
    """How a deployment stood, the newest first."""
    found = next((one for one in deployments.deployments(asked.place.home) if one.id == int(number)), None)
    if found is None:
        raise Refused(404, "Not Found")
    return page_of(asked, [_status(asked.place, found.id, one) for one in reversed(found.statuses)])


def _review(place: Place, given: approvals.Given) -> Json:
    """An `environment-approvals`."""
    names = given.environments
    return {
        "environments": [
            {"id": shapes.number_of(name), "node_id": f"environment-{name}", "name": name} for name in names
        ],
        "state": "approved" if given.approved else "rejected",
        "user": shapes.user(place, given.by),
        "comment": given.comment,
    }


def _deployment(place: Place, one: Deployment) -> Json:
    """A `deployment`."""
    own = f"{place.root}/deployments/{one.id}"
    return {
        "id": one.id,
        "node_id": f"deployment-{one.id}",
        "sha": one.sha,
        "ref": one.ref,
        "task": one.task,
        "environment": one.environment,
        "original_environment": one.environment,
        "creator": shapes.user(place, BOT),
        "payload": dict(one.payload),
        "description": one.description or None,
        "url": own,
        "statuses_url": f"{own}/statuses",
        "repository_url": place.root,
        "created_at": one.created_at,
        "updated_at": one.statuses[-1].created_at if one.statuses else one.created_at,
    }


def _status(place: Place, number: int, one: DeploymentStatus) -> Json:
    """A `deployment-status`."""
    deployment = f"{place.root}/deployments/{number}"
    return {
        "id": one.id,
        "node_id": f"deployment-status-{number}-{one.id}",
        "state": one.state,
        "creator": shapes.user(place, BOT),
        "description": one.description,
        "deployment_url": deployment,
        "repository_url": place.root,
        "url": f"{deployment}/statuses/{one.id}",
        **dict.fromkeys(("target_url", "log_url"), one.log_url),
        **dict.fromkeys(("created_at", "updated_at"), one.created_at),
    }
