"""Calls to GitHub's REST API: who asks, what is repeated, how long is waited, how pages follow one another.

A server error or a lost connection is tried again after PAUSES; a rate limit is waited for if it ends soon. Whatever
remains is a GitHubFailed that says which call it was, what GitHub answered, and what would mend it. No text holds the
token.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from ratchet.errors import DataRefused, UsageError
from ratchet.io import files
from ratchet.io.github.errors import Call, GitHubFailed, limited_for, misunderstood, refused, unreachable
from ratchet.settings import Secret

PAUSES = (0.5, 1.0, 2.0)
"""Seconds before each repeat."""

PATIENCE_SECONDS = 30.0
"""The longest that one rate limit is waited for."""

TIMEOUT_SECONDS = 15.0

VERSION = "2022-11-28"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class Caller:
    """Sends calls to the API at `api_url` with a token.

    Raises UsageError for a token that is none, and an address that would send it in the clear over a network.
    """

    def __init__(
        self,
        api_url: str,
        token: Secret,
        *,
        pause: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._base = _checked(api_url)
        self._token = token
        self._pause = pause
        self._now = now
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {_sendable(token)}",
            "User-Agent": "ratchet",
            "X-GitHub-Api-Version": VERSION,
        }
        self._http = _client(self._base, headers)

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def send(self, call: Call) -> httpx.Response:
        """The answer, of status 2xx. Raises GitHubFailed."""
        return self._send(call, self._url(call.path), call.query)

    def json(self, call: Call) -> Any:
        """The answer's JSON. Raises GitHubFailed."""
        return _json(call, self.send(call))

    def pages(self, call: Call) -> Iterator[Any]:
        """The JSON of each page, a hundred items each, for as long as there is a next one. Raises GitHubFailed."""
        url, query = self._url(call.path), {**call.query, "per_page": 100}
        seen = set()
        while True:
            seen.add(str(url))
            response = self._send(call, url, query)
            yield _json(call, response)
            following = response.links.get("next", {}).get("url")
            if following is None:
                return
            # The link has the query in it already.
            url, query = self._own(call, response.url.join(following)), {}
            if str(url) in seen:
                raise GitHubFailed(f"GitHub did not {call.what}: its pages go round in a circle at {url.path}")

    def download(self, call: Call, into: Path, *, limit: int) -> None:
        """Write the file that the answer points at to `into`, whole or not at all; its host is not told the token.

        Raises GitHubFailed, and DataRefused for more than `limit` bytes.
        """
        answer = self._repeat(call, lambda: self._http.send(self._request(call, self._url(call.path), call.query)))
        if not answer.has_redirect_location:
            raise self._refused(call, answer)
        target = answer.url.join(answer.headers["location"])
        _checked(str(target.copy_with(query=None)))
        with _client(target, {"User-Agent": "ratchet", "Accept-Encoding": "identity"}) as http:
            files.write(into, lambda half: self._repeat(call, lambda: _stream(http, target, half, limit)))

    def _send(self, call: Call, url: httpx.URL, query: Mapping[str, str | int]) -> httpx.Response:
        response = self._repeat(call, lambda: self._http.send(self._request(call, url, query)))
        if not response.is_success:
            raise self._refused(call, response)
        return response

    def _request(self, call: Call, url: httpx.URL, query: Mapping[str, str | int]) -> httpx.Request:
        return self._http.build_request(call.method, url, params=dict(query) or None, json=call.body)

    def _repeat(self, call: Call, once: Callable[[], httpx.Response]) -> httpx.Response:
        """The first answer that is none to wait for, of at most one attempt more than there are pauses."""
        for pause in (*PAUSES, None):
            try:
                response = once()
            except httpx.TransportError as error:
                if pause is None or not (call.repeatable or isinstance(error, NEVER_SENT)):
                    raise unreachable(call, self._base.host, error, self._token) from error
                self._pause(pause)
                continue
            wait = self._wait(call, response, pause)
            if wait is None:
                break
            self._pause(wait)
        if response.is_error:
            raise self._refused(call, response)
        return response

    def _wait(self, call: Call, response: httpx.Response, pause: float | None) -> float | None:
        """Seconds until the call is repeated; None: the answer stands."""
        if pause is None:
            return None
        limited = limited_for(response, self._now())
        if limited is not None:
            return limited if limited <= PATIENCE_SECONDS else None
        return pause if response.is_server_error and call.repeatable else None

    def _refused(self, call: Call, response: httpx.Response) -> GitHubFailed:
        return refused(call, response, self._token, limited=limited_for(response, self._now()))

    def _url(self, path: str) -> httpx.URL:
        return httpx.URL(f"{self._base}{path}")

    def _own(self, call: Call, url: httpx.URL) -> httpx.URL:
        """`url`, if the token may be sent there."""
        if (url.scheme, url.host, url.port) != (self._base.scheme, self._base.host, self._base.port):
            raise GitHubFailed(f"GitHub did not {call.what}: its next page is on another host, {url.host}")
        return url


def _checked(address: str) -> httpx.URL:
    try:
        url = httpx.URL(address.rstrip("/"))
    except httpx.InvalidURL as error:
        raise UsageError(
            f"GITHUB_API_URL is no address: {error}", next_step="such as https://api.github.com"
        ) from error
    if url.scheme != "https" and not (url.scheme == "http" and url.host in LOOPBACK):
        raise UsageError(
            f"{url.scheme or 'no scheme'}://{url.host} would be spoken to without encryption",
            next_step="set GITHUB_API_URL to an https address; plain http is for this machine alone",
        )
    return url


def _sendable(token: Secret) -> str:
    """The token, if it can stand in a header; a library that refuses it later would show it."""
    if not re.fullmatch(r"[!-~]+", token.value):
        raise UsageError(
            "the token for GitHub is empty, or holds spaces or other characters that no token has",
            next_step="set GITHUB_TOKEN to the token alone",
        )
    return token.value


def _client(url: httpx.URL, headers: Mapping[str, str]) -> httpx.Client:
    # A proxy is for the world outside, never for this machine.
    return httpx.Client(headers=headers, timeout=TIMEOUT_SECONDS, trust_env=url.host not in LOOPBACK)


def _stream(http: httpx.Client, url: httpx.URL, into: Path, limit: int) -> httpx.Response:
    with http.stream("GET", url) as response:
        if not response.is_success:
            response.read()
            return response
        with into.open("wb") as file:
            for chunk in response.iter_raw():
                file.write(chunk)
                if file.tell() > limit:
                    raise DataRefused(
                        f"the download is larger than {limit:,} bytes", next_step="nothing of it was kept or read"
                    )
        return response


def _json(call: Call, response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError as error:
        raise misunderstood(call, "is not JSON") from error
