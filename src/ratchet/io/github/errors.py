"""One call to GitHub's API, and the ways in which it can fail, in words that a person can act on.

No text holds the token.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from ratchet.errors import ServiceFailed
from ratchet.settings import Secret

UNSAID_SECONDS = 60.0
"""How long GitHub asks to wait where it limits and does not say for how long."""

MESSAGE_LENGTH = 300
"""How much of GitHub's own words an error repeats."""

NEXT_STEPS = {
    401: "give the step a valid token: env GITHUB_TOKEN: ${{ github.token }}",
    403: 'give the job permissions: "{permission}"; the token of a pull request from a fork never has it',
    404: 'check that it exists in the repository, and that the job has permissions: "{permission}"',
    429: "run the step again after the limit has ended",
}


class GitHubFailed(ServiceFailed):
    """A call did not succeed. `status` is that of the answer, 0 where there was none."""

    def __init__(self, message: str, *, status: int = 0, next_step: str = "") -> None:
        super().__init__(message, next_step=next_step or "try again later")
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request. `what` completes "GitHub did not …", `permission` is what a workflow's token needs for it.

    A call that is not `repeatable` is repeated only if it certainly did not arrive.
    """

    method: str
    path: str
    what: str
    permission: str
    query: Mapping[str, str | int] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    repeatable: bool = True


def limited_for(response: httpx.Response, now: float) -> float | None:
    """Seconds until the rate limit that an answer speaks of ends; None: it speaks of none. `now` is in Unix seconds."""
    headers = response.headers
    if response.status_code not in (403, 429):
        return None
    if headers.get("retry-after", "").isdecimal():
        return float(headers["retry-after"])
    if headers.get("x-ratelimit-remaining") == "0" and headers.get("x-ratelimit-reset", "").isdecimal():
        return max(0.0, float(headers["x-ratelimit-reset"]) - now) + 1
    return UNSAID_SECONDS if response.status_code == 429 or "rate limit" in _words(response).lower() else None


def refused(call: Call, response: httpx.Response, token: Secret, *, limited: float | None) -> GitHubFailed:
    """GitHub said no; `limited` are the seconds until its rate limit ends, if that was why."""
    status = response.status_code
    step = NEXT_STEPS.get(429 if limited is not None else status, "")
    until = f"; the rate limit ends in {limited:.0f} s" if limited is not None else ""
    return GitHubFailed(
        f"GitHub did not {call.what}: {call.method} {call.path} was answered with {status}: "
        f"{_masked(_words(response), token)}{until}",
        status=status,
        next_step=step.replace("{permission}", call.permission),
    )


def unreachable(call: Call, host: str, error: httpx.TransportError, token: Secret) -> GitHubFailed:
    """Nobody answered, or not to the end."""
    return GitHubFailed(
        f"GitHub did not {call.what}: {host} does not answer {call.method} {call.path}"
        f" ({type(error).__name__}: {_masked(str(error), token)})",
        next_step="check the network and GITHUB_API_URL, then run the step again",
    )


def misunderstood(call: Call, why: str) -> GitHubFailed:
    """What answered is not GitHub's API."""
    return GitHubFailed(
        f"GitHub did not {call.what}: its answer to {call.method} {call.path} {why}",
        next_step="check GITHUB_API_URL: something else answers there",
    )


def _masked(text: str, token: Secret) -> str:
    return text.replace(token.value, str(token)) if token.value else text


def _words(response: httpx.Response) -> str:
    """GitHub's own message, on one line and not longer than MESSAGE_LENGTH."""
    try:
        body = response.json()
        said = str(body["message"])
        details = [str(each.get("message") or each) if isinstance(each, dict) else str(each) for each in _errors(body)]
    except (ValueError, KeyError, TypeError):
        said, details = response.reason_phrase or "no message", []
    return " ".join(": ".join([said, *details]).split())[:MESSAGE_LENGTH]


def _errors(body: Mapping[str, Any]) -> list[Any]:
    found = body.get("errors")
    return found if isinstance(found, list) else []
