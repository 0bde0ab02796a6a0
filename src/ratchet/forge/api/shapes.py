"""GitHub's JSON for what the forge knows: users, the repository, pull requests, comments, statuses, artifacts, files.

Every field that GitHub promises is there. What a forge has no notion of (stars, milestones) is empty, and addresses
below the API's own lead nowhere unless `ratchet.forge.api.server` serves them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ratchet.forge.conversation import BOT, Comment, Status
from ratchet.forge.home import Home
from ratchet.forge.pulls.pull_record import MERGED, OPEN, Pull

Json = dict[str, Any]

EPOCH = "1970-01-01T00:00:00Z"
"""The time of what has none here."""

BOT_NUMBER = 41898282
"""The bot's number on GitHub."""

USER_LINKS = (
    "events", "followers", "following", "gists", "organizations", "received_events", "repos", "starred",
    "subscriptions",
)  # fmt: skip

REPOSITORY_LINKS = (
    "archive", "assignees", "blobs", "branches", "collaborators", "comments", "commits", "compare", "contents",
    "contributors", "deployments", "downloads", "events", "forks", "git_commits", "git_refs", "git_tags", "hooks",
    "issue_comment", "issue_events", "issues", "keys", "labels", "languages", "merges", "milestones", "notifications",
    "pulls", "releases", "stargazers", "statuses", "subscribers", "subscription", "tags", "teams", "trees",
)  # fmt: skip

REPOSITORY_COUNTS = (
    "forks", "forks_count", "open_issues", "open_issues_count", "size", "stargazers_count", "watchers",
    "watchers_count",
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    """Where the API is, and whose it is: `url` without a slash at its end, `repository` as owner/name."""

    home: Home
    url: str
    repository: str

    @property
    def root(self) -> str:
        """The repository's address in the API."""
        return f"{self.url}/repos/{self.repository}"

    def page(self, number: int) -> str:
        """A pull request's page for people."""
        return (self.home.root / "pulls" / f"{number}.html").as_uri()


def number_of(text: str) -> int:
    """A number that stands for a name, always the same one."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)


def user(place: Place, login: str) -> Json:
    """A `simple-user`."""
    own = f"{place.url}/users/{login}"
    return {
        "login": login,
        "id": BOT_NUMBER if login == BOT else number_of(login),
        "node_id": f"user-{login}",
        "type": "Bot" if login.endswith("[bot]") else "User",
        "site_admin": False,
        "gravatar_id": "",
        "url": own,
        "html_url": own,
        "avatar_url": f"{own}/avatar",
        **{f"{name}_url": f"{own}/{name}" for name in USER_LINKS},
    }


def repository(place: Place) -> Json:
    """A `repository`."""
    owner, _, name = place.repository.partition("/")
    origin = place.home.origin.as_uri()
    return {
        "id": number_of(place.repository),
        "node_id": f"repository-{name}",
        "name": name,
        "full_name": place.repository,
        "owner": user(place, owner),
        "private": True,
        "fork": False,
        "default_branch": "main",
        "url": place.root,
        **{f"{link}_url": f"{place.root}/{link}" for link in REPOSITORY_LINKS},
        **dict.fromkeys(("html_url", "clone_url", "git_url", "ssh_url", "svn_url"), origin),
        **dict.fromkeys(("description", "homepage", "language", "license", "mirror_url"), None),
        **dict.fromkeys(("has_downloads", "has_issues", "has_projects", "has_wiki", "has_pages"), False),
        **dict.fromkeys(("archived", "disabled"), False),
        **dict.fromkeys(REPOSITORY_COUNTS, 0),
        **dict.fromkeys(("created_at", "updated_at", "pushed_at"), EPOCH),
    }


def comment(place: Place, number: int, said: Comment) -> Json:
    """An `issue-comment` of pull request `number`."""
    return {
        "id": said.id,
        "node_id": f"comment-{said.id}",
        "url": f"{place.root}/issues/comments/{said.id}",
        "html_url": f"{place.page(number)}#issuecomment-{said.id}",
        "issue_url": f"{place.root}/issues/{number}",
        "user": user(place, said.user),
        "body": said.body,
        "created_at": said.created_at,
        "updated_at": said.updated_at,
        "author_association": "NONE",
    }


def status(place: Place, sha: str, given: Status) -> Json:
    """A `status`."""
    creator = user(place, BOT)
    return {
        "id": given.id,
        "node_id": f"status-{sha}-{given.id}",
        "url": f"{place.root}/statuses/{sha}",
        "avatar_url": creator["avatar_url"],
        "state": given.state,
        "description": given.description or None,
        "target_url": given.target_url or None,
        "context": given.context,
        "created_at": given.created_at,
        "updated_at": given.created_at,
        "creator": creator,
    }


def pull(place: Place, one: Pull, commits: Mapping[str, str]) -> Json:
    """A `pull-request-simple`. `commits` are those of head, base and merge; without merge the two conflict."""
    own, issue = f"{place.root}/pulls/{one.number}", f"{place.root}/issues/{one.number}"
    links = {
        "self": own,
        "html": place.page(one.number),
        "issue": issue,
        "comments": f"{issue}/comments",
        "review_comments": f"{own}/comments",
        "review_comment": f"{own}/comments{{/number}}",
        "commits": f"{own}/commits",
        "statuses": f"{place.root}/statuses/{commits['head']}",
    }
    return {
        "id": one.number,
        "node_id": f"pull-{one.number}",
        "number": one.number,
        "title": one.title,
        "body": one.body,
        "state": "open" if one.state == OPEN else "closed",
        "locked": False,
        "draft": False,
        "user": user(place, one.author),
        "author_association": "NONE",
        "head": _side(place, one.head, commits["head"]),
        "base": _side(place, one.base, commits["base"]),
        "labels": [_label(place, name) for name in one.labels],
        "merge_commit_sha": one.merged_sha or commits.get("merge"),
        "merged_at": one.closed or one.updated if one.state == MERGED else None,
        "closed_at": None if one.state == OPEN else one.closed or one.updated,
        "created_at": one.created,
        "updated_at": one.updated,
        "url": own,
        "diff_url": f"{own}.diff",
        "patch_url": f"{own}.patch",
        **{f"{name}_url": address for name, address in links.items() if name != "self"},
        "_links": {name: {"href": address} for name, address in links.items()},
        **dict.fromkeys(("assignee", "milestone", "auto_merge"), None),
    }


def whole_pull(simple: Json, files: list[Json], *, commits: int, comments: int) -> Json:
    """A `pull-request`: one of a list, with what only the pull request itself says."""
    mergeable = simple["merge_commit_sha"] is not None
    return {
        **simple,
        "merged": simple["merged_at"] is not None,
        "mergeable": mergeable,
        "mergeable_state": "clean" if mergeable else "dirty",
        "merged_by": None,
        "maintainer_can_modify": False,
        "comments": comments,
        "review_comments": 0,
        "commits": commits,
        "additions": sum(each["additions"] for each in files),
        "deletions": sum(each["deletions"] for each in files),
        "changed_files": len(files),
    }


def file(place: Place, sha: str, entry: Json) -> Json:
    """A `diff-entry` of commit `sha`: addresses beside filename, status, additions, deletions and the blob's hash."""
    name = quote(entry["filename"])
    return {
        **entry,
        "changes": entry["additions"] + entry["deletions"],
        "blob_url": f"{place.root}/blob/{sha}/{name}",
        "raw_url": f"{place.root}/raw/{sha}/{name}",
        "contents_url": f"{place.root}/contents/{name}?ref={sha}",
    }


def artifact(place: Place, number: int, name: str, size: int) -> Json:
    """An `artifact`; they do not expire here."""
    own = f"{place.root}/actions/artifacts/{number}"
    return {
        "id": number,
        "node_id": f"artifact-{number}",
        "name": name,
        "size_in_bytes": size,
        "url": own,
        "archive_download_url": f"{own}/zip",
        "expired": False,
        **dict.fromkeys(("created_at", "expires_at", "updated_at"), None),
    }


def _side(place: Place, branch: str, sha: str) -> Json:
    owner = place.repository.partition("/")[0]
    return {
        "label": f"{owner}:{branch}",
        "ref": branch,
        "sha": sha,
        "repo": repository(place),
        "user": user(place, owner),
    }


def _label(place: Place, name: str) -> Json:
    return {
        "id": number_of(name),
        "node_id": f"label-{name}",
        "url": f"{place.root}/labels/{name}",
        "name": name,
        "description": "",
        "color": "ededed",
        "default": False,
    }
