"""GitHub's API on this machine, for the jobs of one run: the same steps then work on the forge as on GitHub.

`with serving(home, ticket, token) as url:` answers on 127.0.0.1, at a port of its own, for as long as the block goes
on. It knows the operations that the project uses, in GitHub's paths, shapes and refusals; the state is the forge's own
files. Whatever a run starts through it has the run's ticket as its cause.
"""

from __future__ import annotations

import hmac
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from ratchet.forge.api import artifacts, deployments, operations
from ratchet.forge.api.request import Answer, Asked, Refused
from ratchet.forge.api.shapes import Place
from ratchet.forge.events import OWNER, name_of
from ratchet.forge.home import Home
from ratchet.forge.tickets import Ticket

LARGEST_BODY = 1 << 20
"""Bytes of a request's body."""

METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")
DOCUMENTATION = "https://docs.github.com/rest"
REPOSITORY = r"/repos/(?P<repository>[^/]+/[^/]+)"
NUMBER, SHA, NAME = r"([1-9]\d{0,17})", r"([0-9a-f]{40})", r"([^/]+)"

Operation = Callable[..., Answer]

ROUTES: tuple[tuple[str, str, Operation], ...] = (
    ("GET", "/user", operations.show_user),
    ("GET", f"{REPOSITORY}/issues/{NUMBER}/comments", operations.list_comments),
    ("POST", f"{REPOSITORY}/issues/{NUMBER}/comments", operations.create_comment),
    ("PATCH", f"{REPOSITORY}/issues/comments/{NUMBER}", operations.update_comment),
    ("DELETE", f"{REPOSITORY}/issues/comments/{NUMBER}", operations.delete_comment),
    ("POST", f"{REPOSITORY}/statuses/{SHA}", operations.create_status),
    ("GET", f"{REPOSITORY}/pulls/{NUMBER}", operations.show_pull),
    ("GET", f"{REPOSITORY}/pulls/{NUMBER}/files", operations.list_files),
    ("GET", f"{REPOSITORY}/pulls", operations.list_pulls),
    ("POST", f"{REPOSITORY}/pulls", operations.create_pull),
    ("GET", f"{REPOSITORY}/commits/{SHA}/statuses", operations.list_statuses),
    ("GET", f"{REPOSITORY}/commits/{SHA}/pulls", operations.list_pulls_of_commit),
    ("POST", f"{REPOSITORY}/actions/workflows/{NAME}/dispatches", operations.start_workflow),
    ("POST", f"{REPOSITORY}/dispatches", operations.send_event),
    ("GET", f"{REPOSITORY}/actions/runs/{NUMBER}/artifacts", artifacts.list_artifacts),
    ("GET", f"{REPOSITORY}/actions/runs/{NUMBER}/approvals", deployments.list_approvals),
    ("GET", f"{REPOSITORY}/deployments", deployments.list_deployments),
    ("POST", f"{REPOSITORY}/deployments", deployments.create_deployment),
    ("GET", f"{REPOSITORY}/deployments/{NUMBER}/statuses", deployments.list_deployment_statuses),
    ("POST", f"{REPOSITORY}/deployments/{NUMBER}/statuses", deployments.create_deployment_status),
)

DOWNLOAD = re.compile(rf"{REPOSITORY}/actions/artifacts/{NUMBER}/zip")
FILE = re.compile(rf"/files/{NUMBER}")


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request as it arrived."""

    method: str
    target: str
    headers: Mapping[str, str]
    content: bytes

    @property
    def path(self) -> str:
        """The path, with its escapes."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """The query's pairs; of several with one name the last counts."""
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))


class Api:
    """Answers the requests of one run; `url` is set once it is served."""

    def __init__(self, home: Home, ticket: Ticket, token: str) -> None:
        self.url = ""
        self._home = home
        self._ticket = ticket
        self._token = token
        self._repository = f"{OWNER}/{name_of(home)}"

    def answer(self, request: Request) -> Answer:
        """What goes back; a refusal has GitHub's shape."""
        try:
            return self._file(request) or self._answer(request)
        except Refused as no:
            return refusal(no)

    def _answer(self, request: Request) -> Answer:
        self._check_token(request)
        if found := DOWNLOAD.fullmatch(request.path):
            self._check_repository(found["repository"])
            return self._redirect(int(found[2]))
        for method, pattern, operation in ROUTES:
            found = re.fullmatch(pattern, request.path)
            if found and method == request.method:
                self._check_repository(found.groupdict().get("repository"))
                # The first group is the repository's, where there is one.
                names = found.groups()[1:]
                return operation(self._asked(request), *(unquote(name) for name in names))
        raise Refused(404, "Not Found")

    def _asked(self, request: Request) -> Asked:
        place = Place(self._home, self.url, self._repository)
        return Asked(place=place, ticket=self._ticket, path=request.path, query=request.query, body=_body(request))

    def _check_token(self, request: Request) -> None:
        said = {name.lower(): value for name, value in request.headers.items()}.get("authorization", "")
        kind, _, token = said.partition(" ")
        if kind.lower() not in ("bearer", "token") or not hmac.compare_digest(token.encode(), self._token.encode()):
            raise Refused(401, "Bad credentials" if said else "Requires authentication")

    def _check_repository(self, name: str | None) -> None:
        if name not in (None, self._repository):
            raise Refused(404, "Not Found")

    def _redirect(self, number: int) -> Answer:
        """To where the artifact itself is: an address that is its own key, as GitHub's storage has it."""
        if artifacts.find(self._home, number) is None:
            raise Refused(404, "Not Found")
        return Answer(status=302, headers={"Location": f"{self.url}/files/{number}?key={self._key(number)}"})

    def _file(self, request: Request) -> Answer | None:
        """The artifact at its own address; None for any other address."""
        found = FILE.fullmatch(request.path)
        if request.method != "GET" or not found:
            return None
        number = int(found[1])
        folder = artifacts.find(self._home, number)
        if folder is None or not hmac.compare_digest(request.query.get("key", ""), self._key(number)):
            raise Refused(404, "Not Found")
        return Answer(content=artifacts.packed(folder), headers={"Content-Type": "application/zip"})

    def _key(self, number: int) -> str:
        return hmac.new(self._token.encode(), str(number).encode(), "sha256").hexdigest()


def refusal(no: Refused) -> Answer:
    """GitHub's JSON for a refusal."""
    body: dict[str, Any] = {"message": no.message, "documentation_url": DOCUMENTATION, "status": str(no.status)}
    if no.fields:
        body["errors"] = [{"resource": "Request", "field": name, "code": "invalid"} for name in no.fields]
    return Answer(status=no.status, json=body)


@contextmanager
def serving(home: Home, ticket: Ticket, token: str) -> Iterator[str]:
    """Serve the API of `home` to the jobs of `ticket`, who show `token`; its address."""
    with served(Api(home, ticket, token)) as url:
        yield url


@contextmanager
def served(api: Api) -> Iterator[str]:
    """Serve `api` until the block ends; its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(api)) as server:
        # A job that holds a connection open must not hold the worker.
        server.daemon_threads, server.block_on_close = True, False
        api.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield api.url
        finally:
            server.shutdown()
            thread.join()


def _body(request: Request) -> Mapping[str, Any]:
    """The JSON of a request's body; without one, nothing."""
    if not request.content:
        return {}
    try:
        body = json.loads(request.content)
    except ValueError as error:
        raise Refused(400, "Problems parsing JSON") from error
    if not isinstance(body, dict):
        raise Refused(400, "Body should be a JSON object")
    return body


def _handler(api: Api) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Hands each request to the API."""

        protocol_version = "HTTP/1.1"
        # Head and body leave together: otherwise each answer waits 40 ms for the other side's acknowledgement.
        wbufsize = 1 << 16

        def handle_one(self) -> None:
            """Read a request, answer it."""
            length = self.headers.get("Content-Length", "0")
            if not length.isdecimal() or int(length) > LARGEST_BODY:
                self.close_connection = True
                self._send(refusal(Refused(413, "Payload too large")))
                return
            content = self.rfile.read(int(length))
            headers = dict(self.headers.items())
            self._send(api.answer(Request(method=self.command, target=self.path, headers=headers, content=content)))

        def _send(self, answer: Answer) -> None:
            content = answer.content if answer.json is None else json.dumps(answer.json).encode()
            self.send_response(answer.status)
            if answer.json is not None:
                self.send_header("Content-Type", "application/json; charset=utf-8")
            if answer.status != 204:
                self.send_header("Content-Length", str(len(content)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the run's own log says what matters."""

    for method in METHODS:
        setattr(Handler, f"do_{method}", Handler.handle_one)
    return Handler
