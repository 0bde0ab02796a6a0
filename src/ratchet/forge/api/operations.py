"""What the forge's API does, one function for each operation of GitHub's that the project uses.

Each takes what was asked, and the numbers and names in the path; it returns an Answer or raises Refused.
"""

from __future__ import annotations

import json
from dataclasses import replace

from ratchet.errors import UsageError
from ratchet.forge import conversation, diff, dispatch, source, tickets, workflows
from ratchet.forge.api import shapes
from ratchet.forge.api.request import Answer, Asked, Refused, mapping, page_of, text
from ratchet.forge.conversation import BOT, Status
from ratchet.forge.pulls import pull_record, pulls
from ratchet.forge.pulls.pull_record import Draft, Pull
from ratchet.forge.tickets import Ticket

MAIN = "refs/heads/main"
LONGEST_COMMENT = 65_536
LONGEST_TITLE = 256
LONGEST_DESCRIPTION = 140
LONGEST_EVENT = 100
MOST_PROPERTIES = 10
MOST_INPUTS = 25
STATES = ("error", "failure", "pending", "success")


def show_user(_: Asked) -> Answer:
    """A job's token belongs to no user, and may not ask."""
    raise Refused(403, "Resource not accessible by integration")


def list_comments(asked: Asked, number: str) -> Answer:
    """The comments of a pull request, oldest first."""
    pull = _pull(asked, number)
    found = conversation.comments(asked.place.home, pull.number)
    return page_of(asked, [shapes.comment(asked.place, pull.number, one) for one in found])


def create_comment(asked: Asked, number: str) -> Answer:
    """A new comment, written by the bot."""
    pull = _pull(asked, number)
    made = conversation.add_comment(asked.place.home, pull.number, _comment_body(asked))
    return Answer(status=201, json=shapes.comment(asked.place, pull.number, made))


def update_comment(asked: Asked, comment: str) -> Answer:
    """Another text for a comment."""
    changed = conversation.edit_comment(asked.place.home, int(comment), _comment_body(asked))
    if changed is None:
        raise Refused(404, "Not Found")
    return Answer(json=shapes.comment(asked.place, *changed))


def delete_comment(asked: Asked, comment: str) -> Answer:
    """Remove a comment."""
    if not conversation.delete_comment(asked.place.home, int(comment)):
        raise Refused(404, "Not Found")
    return Answer(status=204)


def create_status(asked: Asked, sha: str) -> Answer:
    """Give a commit a status."""
    commit = source.resolve(asked.place.home, sha)
    if commit is None:
        raise Refused(422, f"No commit found for SHA: {sha}")
    description = text(asked.body, "description", optional=True)
    if len(description) > LONGEST_DESCRIPTION:
        raise Refused(422, f"description is too long (maximum is {LONGEST_DESCRIPTION} characters)", "description")
    state = text(asked.body, "state")
    if state not in STATES:
        raise Refused(422, f"state is not one of {', '.join(STATES)}", "state")
    given = Status(
        context=text(asked.body, "context", optional=True) or "default",
        state=state,
        description=description,
        target_url=text(asked.body, "target_url", optional=True),
        created_at="",
    )
    made = conversation.add_status(asked.place.home, commit, given)
    return Answer(status=201, json=shapes.status(asked.place, commit, made))


def list_statuses(asked: Asked, ref: str) -> Answer:
    """The statuses of a commit, the newest first; each context once, as the forge lists them."""
    commit = source.resolve(asked.place.home, ref)
    if commit is None:
        raise Refused(404, "Not Found")
    found = conversation.statuses(asked.place.home, commit)
    return page_of(asked, [shapes.status(asked.place, commit, one) for one in found])


def create_pull(asked: Asked) -> Answer:
    """A pull request of the bot's. As on GitHub, opening it with a job's token starts no workflow."""
    title, body = text(asked.body, "title"), text(asked.body, "body", optional=True)
    if not title.strip() or len(title) > LONGEST_TITLE or len(body) > LONGEST_COMMENT:
        raise Refused(422, f"Validation Failed: a title of 1 to {LONGEST_TITLE}, a body of {LONGEST_COMMENT}", "title")
    owner = asked.place.repository.partition("/")[0]
    head, base = text(asked.body, "head").removeprefix(f"{owner}:"), text(asked.body, "base")
    try:
        made, _ = pulls.create(asked.place.home, Draft(title=title, body=body, head=head, base=base, author=BOT))
    except UsageError as error:
        raise Refused(422, f"Validation Failed: {error.message}", "head") from error
    return Answer(status=201, json=_whole(asked, made))


def show_pull(asked: Asked, number: str) -> Answer:
    """One pull request."""
    return Answer(json=_whole(asked, _pull(asked, number)))


def list_pulls(asked: Asked) -> Answer:
    """Pull requests, the newest first: open ones unless `state` says otherwise, of one `head` (owner:branch)."""
    state, head, base = (asked.query.get(name, "") for name in ("state", "head", "base"))
    if state not in ("", "open", "closed", "all"):
        raise Refused(422, "state is not one of open, closed, all", "state")
    found = [_shown(asked, pull) for pull in reversed(pull_record.every(asked.place.home))]
    chosen = [
        each
        for each in found
        if (state == "all" or each["state"] == (state or "open"))
        and head in ("", each["head"]["label"])
        and base in ("", each["base"]["ref"])
    ]
    return page_of(asked, chosen)


def list_files(asked: Asked, number: str) -> Answer:
    """The files that a pull request touches."""
    return page_of(asked, _files(asked, _pull(asked, number)))


def list_pulls_of_commit(asked: Asked, sha: str) -> Answer:
    """The pull requests that a commit is part of."""
    if source.resolve(asked.place.home, sha) is None:
        raise Refused(422, f"No commit found for SHA: {sha}")
    found = [pull for pull in pull_record.every(asked.place.home) if diff.has_commit(asked.place.home, pull, sha)]
    return page_of(asked, [_shown(asked, pull) for pull in found])


def start_workflow(asked: Asked, workflow: str) -> Answer:
    """Queue a run of a workflow, caused by the run that asks."""
    branch = text(asked.body, "ref").removeprefix("refs/heads/")
    inputs = mapping(asked.body, "inputs", MOST_INPUTS)
    sha = source.resolve(asked.place.home, f"refs/heads/{branch}")
    if sha is None:
        raise Refused(422, f"No ref found for: {branch}", "ref")
    if source.text(asked.place.home, sha, f"{workflows.FOLDER}/{workflow}") is None:
        raise Refused(404, "Not Found")
    words = {name: value if isinstance(value, str) else json.dumps(value) for name, value in inputs.items()}
    try:
        queued = dispatch.dispatch(asked.place.home, workflow, words, actor=BOT, branch=branch)
    except UsageError as error:
        raise Refused(422, error.message, "inputs") from error
    tickets.add(asked.place.home, replace(queued, cause=asked.ticket.name))
    return Answer(status=204)


def send_event(asked: Asked) -> Answer:
    """Queue a repository_dispatch on the default branch, caused by the run that asks."""
    kind, payload = text(asked.body, "event_type"), mapping(asked.body, "client_payload", MOST_PROPERTIES)
    if not kind or len(kind) > LONGEST_EVENT:
        raise Refused(422, f"event_type must have 1 to {LONGEST_EVENT} characters", "event_type")
    sha = source.resolve(asked.place.home, MAIN)
    if sha is None:
        raise Refused(404, "Not Found")
    ticket = Ticket(
        name=tickets.new_name(),
        event=tickets.REPOSITORY_DISPATCH,
        ref=MAIN,
        before=sha,
        sha=sha,
        actor=BOT,
        action=kind,
        body=payload,
        cause=asked.ticket.name,
    )
    tickets.add(asked.place.home, ticket)
    return Answer(status=204)


def _pull(asked: Asked, number: str) -> Pull:
    try:
        return pull_record.read(asked.place.home, int(number))
    except UsageError as error:
        raise Refused(404, "Not Found") from error


def _files(asked: Asked, pull: Pull) -> list[shapes.Json]:
    return [shapes.file(asked.place, pull.head_sha, each) for each in diff.files(asked.place.home, pull)]


def _whole(asked: Asked, pull: Pull) -> shapes.Json:
    said = len(conversation.comments(asked.place.home, pull.number))
    commits = diff.commit_count(asked.place.home, pull)
    return shapes.whole_pull(_shown(asked, pull), _files(asked, pull), commits=commits, comments=said)


def _shown(asked: Asked, pull: Pull) -> shapes.Json:
    merge = source.resolve(asked.place.home, pull.merge_ref)
    commits = {"head": pull.head_sha, "base": diff.base_of(asked.place.home, pull)}
    return shapes.pull(asked.place, pull, commits | ({"merge": merge} if merge else {}))


def _comment_body(asked: Asked) -> str:
    body = text(asked.body, "body")
    if not body.strip():
        raise Refused(422, "Body cannot be blank", "body")
    if len(body) > LONGEST_COMMENT:
        raise Refused(422, f"Body is too long (maximum is {LONGEST_COMMENT} characters)", "body")
    return body
