"""A repository on a forge whose API is watched: every request and every answer is held against GitHub's own document.

There is one implementation of the state, the forge's; `Watched` adds what GitHub can do wrong, and the checks.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS30Validator, oas30_format_checker
from referencing import Registry
from referencing.jsonschema import DRAFT4

from ratchet.core.decision import Decision, Evidence
from ratchet.core.findings import Comparison, Estimate, MetricRow
from ratchet.core.gate import decide
from ratchet.core.leakage.records import LeakageCheck, Shared
from ratchet.core.metrics import Metric, metrics_for
from ratchet.core.params import Gate
from ratchet.forge import conversation
from ratchet.forge.api.request import Answer
from ratchet.forge.api.server import Api, Request, served
from ratchet.forge.home import Home, create
from ratchet.forge.pulls import pull_record
from ratchet.forge.pulls.pull_record import Pull
from ratchet.forge.tickets import NOTHING, PULL_REQUEST, Ticket
from ratchet.io.files import write_json, write_text
from ratchet.io.git import git
from ratchet.io.github.calls import Caller
from ratchet.io.github.client import GitHub
from ratchet.settings import Secret, Settings, load_settings

DOCUMENT = json.loads((Path(__file__).parent / "openapi.json").read_text(encoding="utf-8"))
TOKEN = "forge-token-0123456789"  # noqa: S105  # lets nobody in but here
NUMBER = 1
PARAMS = """\
project: {name: diabetes, room: diabetes, task: binary, target: ill}
split: {holdout: 1, folds: 2}
features: {categorical: onehot, numeric: scaled}
evaluate: {threshold: 0.5}
model: {estimator: logistic_regression}
gate:
  metric: log_loss
  alpha: 0.10
  margin: 0.0
  min_clusters: 7
  floors:
    roc_auc: {min: 0.6}
"""
WORKFLOW = """\
name: Promote
on: {workflow_dispatch: {inputs: {run-id: {type: string, required: true}}}}
jobs: {promote: {runs-on: ubuntu-latest, steps: [{run: "true"}]}}
"""

Tamper = Callable[[Request], Answer | None]


class Contract:
    """GitHub's document, asked whether a request and its answer keep to it."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.broken: list[str] = []

    @property
    def known(self) -> set[str]:
        """Every operation in the document."""
        return {each["operationId"] for verbs in DOCUMENT["paths"].values() for each in verbs.values()}

    def check(self, request: Request, answer: Answer) -> None:
        """Note what breaks the document."""
        for template, verbs in DOCUMENT["paths"].items():
            pattern = re.sub(r"\\{\w+\\}", "([^/]+)", re.escape(template))
            operation = verbs.get(request.method.lower())
            if operation and re.fullmatch(pattern, request.path):
                self.seen.add(operation["operationId"])
                problems = [*_request_problems(operation, request), *_answer_problems(operation, answer)]
                self.broken += [f"{request.method} {request.target} -> {answer.status}: {each}" for each in problems]
                return
        if not request.path.startswith("/files/"):
            self.broken.append(f"GitHub has no {request.method} {request.path}")


def _request_problems(operation: Mapping[str, Any], request: Request) -> Iterator[str]:
    headers = {name.lower(): value for name, value in request.headers.items()}
    expected = {"accept": "application/vnd.github+json", "x-github-api-version": "2022-11-28", "user-agent": "ratchet"}
    yield from (f"header {name} is {headers.get(name)}" for name in expected if headers.get(name) != expected[name])
    parameters = {each["name"]: each for each in map(_followed, operation.get("parameters", ()))}
    for name, value in request.query.items():
        known = parameters.get(name)
        if known is None or known["in"] != "query":
            yield f"query {name} is not known"
        else:
            number = known["schema"]["type"] == "integer"
            yield from _problems(json.dumps(known["schema"]), int(value) if number else value)
    yield from _body_problems(operation, request, headers)


def _body_problems(operation: Mapping[str, Any], request: Request, headers: Mapping[str, str]) -> Iterator[str]:
    wanted = operation.get("requestBody")
    if not wanted:
        yield from ["there is a body"] if request.content else []
        return
    schema, body = wanted["content"]["application/json"]["schema"], json.loads(request.content)
    yield from _problems(json.dumps(schema), body)
    yield from (f"body has an unknown {name}" for name in set(body) - set(schema["properties"]))
    if headers.get("content-type") != "application/json":
        yield f"content type is {headers.get('content-type')}"


def _answer_problems(operation: Mapping[str, Any], answer: Answer) -> Iterator[str]:
    declared = operation["responses"].get(str(answer.status))
    if declared is None:
        # Refusals that GitHub gives and does not declare for each operation still have its one shape.
        declared = DOCUMENT["components"]["responses"]["not_found"] if answer.status >= 400 else None
    if declared is None:
        yield "this status is not known"
        return
    content = _followed(declared).get("content", {}).get("application/json")
    if content is None:
        yield from ["an answer without content has some"] if answer.json is not None else []
    else:
        yield from _problems(json.dumps(content["schema"]), answer.json)


def _followed(value: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in value:
        return value
    found: Any = DOCUMENT
    for part in value["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return dict(found)


def _problems(schema: str, value: Any) -> list[str]:
    return [f"{error.json_path}: {error.message[:200]}" for error in _validator(schema).iter_errors(value)]


@cache
def _validator(schema: str) -> Any:
    """Made once for each schema: making one takes far longer than using it."""
    whole = DRAFT4.create_resource(DOCUMENT)
    located = schema.replace('"#/components', '"urn:github#/components')
    registry: Registry[Any] = Registry().with_resource("urn:github", whole)
    return OAS30Validator(json.loads(located), registry=registry, format_checker=oas30_format_checker)


class Watched(Api):
    """The forge's API, watched; `tamper` may answer in its place, or do something first and return None."""

    def __init__(self, home: Home, ticket: Ticket, token: str) -> None:
        super().__init__(home, ticket, token)
        self.contract = Contract()
        self.requests: list[Request] = []
        self.tamper: Tamper = lambda _: None
        self._lock = threading.Lock()

    def answer(self, request: Request) -> Answer:
        """The tampered answer, or else the forge's."""
        tampered = self.tamper(request)
        answer = super().answer(request) if tampered is None else tampered
        with self._lock:
            self.requests.append(request)
            if tampered is None or tampered.headers.get("x-checked") != "no":
                self.contract.check(request, answer)
        return answer

    @property
    def asked(self) -> list[str]:
        """Method and path of each request, without the repository."""
        return [f"{one.method} {re.sub('^/repos/[^/]+/[^/]+', '', one.path)}" for one in self.requests]


@dataclass
class Bench:
    """A forge with one pull request, its watched API, a project, and what a workflow's environment would say."""

    home: Home
    api: Watched
    root: Path
    base: str = ""
    head: str = ""
    pauses: list[float] = field(default_factory=list)
    open: ExitStack = field(default_factory=ExitStack)

    @property
    def repository(self) -> str:
        """owner/name."""
        return f"local/{self.home.root.name}"

    def client(self, token: str = TOKEN) -> GitHub:
        """A client that does not wait, but notes how long it would have."""
        caller = Caller(self.api.url, Secret(token), pause=self.pauses.append, now=lambda: 1000.0)
        self.open.callback(caller.close)
        return GitHub(caller, self.repository)

    def environment(self, **changed: str) -> dict[str, str]:
        """The environment of a workflow's step."""
        said = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": self.api.url,
            "GITHUB_TOKEN": TOKEN,
            "GITHUB_REPOSITORY": self.repository,
            "GITHUB_EVENT_PATH": str(self.root / "event.json"),
            "GITHUB_STEP_SUMMARY": str(self.root / "summary.md"),
            "GITHUB_RUN_ID": "42",
        }
        return {**said, **changed}

    def settings(self, **changed: str) -> Settings:
        """The settings that follow from it."""
        return load_settings(self.root, self.environment(**changed))

    def report(self, decision: Decision, text: str = "# The report\n") -> None:
        """What a run leaves in reports/."""
        (self.root / "reports").mkdir(exist_ok=True)
        (self.root / "reports" / "report.md").write_text(text, encoding="utf-8")
        (self.root / "reports" / "decision.json").write_text(decision.model_dump_json(), encoding="utf-8")

    def tree(self, files: Mapping[str, str], without: str = "") -> str:
        """A tree of the files so far and these."""
        index = {"GIT_INDEX_FILE": str(self.home.root / "index")}
        for name, text in files.items():
            blob = git(["hash-object", "-w", "--stdin"], cwd=self.home.origin, input=text.encode())
            entry = f"100644,{blob},{name}"
            git(["update-index", "--add", "--cacheinfo", entry], cwd=self.home.origin, env=index)
        if without:
            removed = f"0 {NOTHING}\t{without}\n".encode()
            git(["update-index", "--index-info"], cwd=self.home.origin, env=index, input=removed)
        return git(["write-tree"], cwd=self.home.origin, env=index)

    def commit(self, parent: str, message: str, tree: str = "") -> str:
        """A commit by somebody with a name, of one more file unless a tree is given."""
        person = {f"GIT_{role}_{what}": "ada@x" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        parents = ["-p", parent] if parent else []
        made = ["commit-tree", tree or self.tree({f"{message}.txt": message}), *parents, "-m", message]
        return git(made, cwd=self.home.origin, env=person)

    def fill(self) -> None:
        """Commits, and a pull request of a branch with one more commit than the base."""
        files = {".github/workflows/promote.yaml": WORKFLOW, "params.yaml": PARAMS, "src/old.py": "a\nb\n"}
        self.base = self.commit("", "base", self.tree(files))
        git(["update-ref", "refs/heads/main", self.base], cwd=self.home.origin)
        pull_record.folder(self.home).mkdir()
        opened = Pull(
            number=NUMBER, title="More data", body="", head="topic", base="main", author="ada", head_sha=self.base,
            created=pull_record.now(), updated=pull_record.now(), labels=("explain",),
        )  # fmt: skip
        pull_record.save(self.home, opened)
        self.head = self.commit(self.base, "change")
        self.move_head(self.head)

    def move_head(self, sha: str) -> None:
        """The pull request's branch now points at `sha`."""
        git(["update-ref", "refs/heads/topic", sha], cwd=self.home.origin)
        pull = pull_record.read(self.home, NUMBER)
        pull_record.save(self.home, Pull(**{**vars(pull), "head_sha": sha}))
        self.event(sha)

    def chatter(self, *bodies: str, user: str = "ada") -> None:
        """Comments that stand there already, written in one go."""
        known = [asdict(one) for one in conversation.comments(self.home, NUMBER)]
        start = max((one["id"] for one in known), default=0) + 1
        now = {"created_at": pull_record.now(), "updated_at": pull_record.now()}
        made = [{"id": start + place, "body": body, "user": user, **now} for place, body in enumerate(bodies)]
        write_json(self.home.root / "comments" / f"{NUMBER}.json", [*known, *made])
        write_text(self.home.root / "comments" / "last", str(start + len(bodies) - 1))

    def comments(self) -> list[str]:
        """What stands in the pull request."""
        return [one.body for one in conversation.comments(self.home, NUMBER)]

    def gate(self, sha: str) -> tuple[str, str]:
        """State and description of the commit's ratchet/gate."""
        (found,) = conversation.statuses(self.home, sha)
        assert found.context == "ratchet/gate"
        return found.state, found.description

    def event(self, sha: str) -> None:
        """What the workflow is told about the pull request."""
        body = {"number": NUMBER, "pull_request": {"number": NUMBER, "head": {"sha": sha}}}
        (self.root / "event.json").write_text(json.dumps(body), encoding="utf-8")


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A bench to copy; nobody's git configuration is in it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        folder = tmp_path_factory.mktemp("template")
        made = _bench(folder)
        create(made.home, python=Path(sys.executable))
        made.root.mkdir()
        (made.root / "params.yaml").write_text(PARAMS, encoding="utf-8")
        made.fill()
    return made


@pytest.fixture
def bench(template: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """Served; afterwards nothing may have broken GitHub's document."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in ("GITHUB_ACTIONS", "GITHUB_TOKEN", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    shutil.copytree(template.home.root.parent, tmp_path, dirs_exist_ok=True)
    made = _bench(tmp_path)
    made.base, made.head = template.base, template.head
    with served(made.api), made.open:
        yield made
    assert made.api.contract.broken == []


def _bench(folder: Path) -> Bench:
    home = Home(folder / "forge")
    ticket = Ticket(name="cause", event=PULL_REQUEST, ref="refs/pull/1/merge", before="", sha="", actor="ada")
    return Bench(home, Watched(home, ticket, TOKEN), folder / "project")


def _row(metric: Metric, value: float) -> MetricRow:
    estimate = Estimate(
        value=value, low=value, high=value, standard_error=0.0, rows=1000, clusters=14, assumed_independent=False
    )
    models = {"challenger": estimate, "champion": estimate}
    return MetricRow(name=metric.name, meaning=metric.meaning, direction=metric.direction, models=models, gain=estimate)


def evidence(**changed: Any) -> Evidence:
    """A challenger that is better than the champion beyond doubt."""
    compared = {
        "gain": 0.05, "low": 0.04, "high": 0.06, "standard_error": 0.005, "p_better": 0.001, "p_worse": 0.999,
        "sign_flip": None, "rows": 1000, "clusters": 14, "assumed_independent": False, "design_effect": 1.0,
        "sd": 0.1, "lag1": None, "alpha": 0.1, "margin": 0.0,
    }  # fmt: skip
    metrics = {"roc_auc": 0.8, "log_loss": 0.4, "brier": 0.1, "accuracy": 0.8}
    known = {
        "task": "binary",
        "metric": "log_loss",
        "reference": "champion",
        "champion": 3,
        "challenger_is_champion": False,
        "comparison": Comparison(**{**compared, **changed.pop("comparison", {})}),
        "metrics": tuple(_row(each, metrics.get(each.name, 0.5)) for each in metrics_for("binary")),
        "holdout": ("2013-07",),
        "contaminated": (),
        "leakage": LeakageCheck(
            rows=1000, training_rows=9000, exact=Shared(rows=0, expected=0.0), near=Shared(rows=0, expected=0.0),
            keys=Shared(rows=0, expected=0.0), disorder=None, telling=(),
        ),
    }  # fmt: skip
    return Evidence(**{**known, **changed})


@pytest.fixture
def decided() -> Callable[..., Decision]:
    """Makes decisions from what is changed in good evidence."""

    def make(**changed: Any) -> Decision:
        policy = {"metric": "log_loss", "alpha": 0.1, "min_clusters": 7, "floors": {"roc_auc": {"min": 0.6}}}
        policy |= changed.pop("policy", {})
        return decide(evidence(**changed), Gate.model_validate(policy))

    return make
