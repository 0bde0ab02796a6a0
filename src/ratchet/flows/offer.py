"""Open a pull request for each new batch of the source, by itself: `data/<batch>`, from the base, that batch alone.

Each step leaves something that the next run finds: the batch on the DVC remote, then its branch, then the request,
then the run that trains it, which the status `ratchet/gate` on its newest commit stands for. What is missing of these
is done by the next run, and nothing twice. A batch counts as asked for as long as its branch is there.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice

from ratchet.core import gate_status
from ratchet.core.schema import ROWS
from ratchet.core.validation.records import ValidationReport
from ratchet.errors import BatchRefused, DataRefused, ServiceFailed, UsageError
from ratchet.flows.data import track
from ratchet.flows.pull import Ask, Project, batches, described, open_project, take_batch, take_standing
from ratchet.io import data_branches, dvc, files, offer_page, refused
from ratchet.io.batches import RawBatches, pointer
from ratchet.io.data_branches import Remote, Waiting, Words
from ratchet.io.git import git, token_environment
from ratchet.io.github.client import GitHub, GitHubFailed, Pull, PullDraft, Status, connect
from ratchet.io.progress import say
from ratchet.io.releases import taken_path
from ratchet.io.room import model_in_folder
from ratchet.io.sources.batch import Batch
from ratchet.io.sources.records import record_path
from ratchet.io.visiting import changed_lookups, laid_over, put_back
from ratchet.settings import Settings

WORKFLOW = "pull-request.yaml"
"""What trains a pull request. One that is opened with a workflow's own token starts it only if it is asked to."""

ASKED = replace(gate_status.PENDING, description="asked for: the batch came in by itself, and is trained next")
CHANGED = (
    "if it is about a batch that waits on a branch: close its pull request and delete the branch, and it is asked for "
    "anew; the branch was left as it is"
)
NOT_PERMITTED = (
    "let them: Settings, Actions, General, Allow GitHub Actions to create and approve pull requests; "
    'and give the job permissions: "pull-requests: write"'
)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What to ask for: requests into the branch `base` of the git remote `remote`, for at most `limit` new batches.

    A refused batch does not count: it would keep those behind it away for as long as it is there.
    """

    base: str = "main"
    remote: str = "origin"
    limit: int | None = None
    now: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True)
class Offered:
    """The batches that a request was opened for in this run, and why others were refused."""

    opened: list[str] = field(default_factory=list)
    refused: list[DataRefused] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class _Desk:
    """What all steps of one run need; `tip` is the base's commit."""

    settings: Settings
    wish: Wish
    github: GitHub
    remote: Remote
    tip: str
    done: Offered = field(default_factory=Offered)

    @property
    def owner(self) -> str:
        return self.github.repository.partition("/")[0]


def offer(settings: Settings, wish: Wish) -> list[str]:
    """Open what is missing; returns the batches whose request was opened.

    Raises DataRefused once all is done if a batch was refused, with the reports in the run's summary; ServiceFailed if
    the source, git, DVC or GitHub do not answer, and UsageError in a checkout with changes of its own in `data/`.
    """
    root = settings.root
    if git(["status", "--porcelain", "--", "data/raw", "data/lookups"], cwd=root):
        raise UsageError(
            "data/ has changes that are not committed: they would come into the requests",
            next_step="commit or remove them first",
        )
    access = token_environment(settings.git_token)
    with closing(connect(settings.github)) as github:
        remote = Remote(root=root, name=wish.remote, access=access, model=model_in_folder(root))
        tip = git(["rev-parse", "HEAD"], cwd=root)
        desk = _Desk(settings=settings, wish=wish, github=github, remote=remote, tip=tip)
        try:
            found = _waiting(desk)
            for each in found:
                _settle(desk, each)
            with laid_over(RawBatches(root), found):
                _offer_new(desk)
        finally:
            _summarise(settings, desk.done)
    _require_none(desk.done.refused)
    return desk.done.opened


def _waiting(desk: _Desk) -> list[Waiting]:
    """The batches that a branch holds already: a data branch, or that of any other open request."""
    asked = desk.github.pulls(base=desk.wish.base)
    own = [each.head_branch for each in asked if each.head_repository == desk.github.repository]
    return data_branches.waiting(desk.remote, desk.tip, own)


def _settle(desk: _Desk, each: Waiting) -> None:
    """Do what an earlier run could not do for a batch whose branch is there, or say why nothing is to be done."""
    if not each.own:
        say(f"{each.batch}: on the branch {each.branch}, which has an open pull request")
        return
    root, found = desk.settings.root, desk.github.pulls(head=f"{desk.owner}:{each.branch}", state="all")
    known = [pull for pull in found if data_branches.holds(root, each, pull.head_sha)]
    is_open = next((pull for pull in known if pull.state == "open"), None)
    if is_open is not None:
        say(f"{each.batch}: pull request {is_open.number} is open")
        context = gate_status.context_of(desk.remote.model)
        if not any(one.context == context for one in desk.github.statuses(is_open.head_sha)):
            _train(desk, is_open)
    elif known:
        how = "merged, and the base does not have it any more" if known[0].merged else "closed without merging"
        say(f"{each.batch}: pull request {known[0].number} was {how}; to be asked again, delete {each.branch}")
    elif words := data_branches.words_of(root, each, offer_page.title_of(each.batch, desk.remote.model)):
        _open(desk, each.batch, words)
    else:
        say(f"{each.batch}: somebody made the branch {each.branch}; it is theirs to open a pull request of it")


def _offer_new(desk: _Desk) -> None:
    """Take what is new from the source, and ask for each batch as soon as it is here."""
    project = open_project(desk.settings, desk.wish.now)
    files.sweep(project.raw.folder, deep=False)
    with put_back(project.raw), closing(_taken(desk, project)) as coming:
        for batch, report in islice(coming, desk.wish.limit):
            say(f"new: {described(batch)}")
            track(desk.settings, project.raw)
            changed = changed_lookups(project.raw)
            small = [pointer(project.raw.folder / batch.name), record_path(project.raw, batch.name)]
            small += [path for path in (taken_path(project.raw, batch.name),) if path.is_file()]
            words = _words(desk, project, batch, report, [path.name.split(".")[0] for path in changed])
            with dvc.project(desk.settings.root, desk.settings.dvc_remote) as repo:
                dvc.push_data(repo, [small[0], *changed])
            made = data_branches.commit(desk.settings.root, desk.tip, [*small, *changed], words)
            data_branches.push_new(desk.remote, made, desk.remote.branch_of(batch.name))
            _open(desk, batch.name, words)


def _taken(desk: _Desk, project: Project) -> Generator[tuple[Batch, ValidationReport]]:
    """The batches that come in, one after another; what is refused is noted.

    Where a file is a batch, those after a refused one can come all the same. Where rows are cut by time, or a function
    is asked for what is newer, what comes next is found by what is here: nothing is taken past a refused batch.
    """
    refusals, ask = desk.done.refused, Ask(now=desk.wish.now)
    try:
        take_standing(project)
        for batch in batches(project, ask):
            try:
                report = take_batch(project, batch, ask.now)
            except DataRefused as error:
                refusals.append(error)
                say(f"refused: {batch.name}")
                if not project.params.data.rows.named:
                    say(f"what comes after {batch.name} waits for it: this source is taken in time order")
                    return
                continue
            yield batch, report
    except BatchRefused as error:
        refusals.append(error)
    except DataRefused as error:
        error.next_step += f"; {CHANGED}"
        refusals.append(error)


def _words(desk: _Desk, project: Project, batch: Batch, report: ValidationReport, lookups: list[str]) -> Words:
    path, schema = project.raw.table_files(batch.name)[ROWS], project.schema.rows
    arrived = offer_page.Arrived(
        branch=desk.remote.branch_of(batch.name),
        model=desk.remote.model,
        report=report,
        source=batch.source,
        span=offer_page.span_of(path, schema.time, schema.period.zone if schema.period else None),
        lookups=tuple(lookups),
        page=desk.settings.github.run_page,
    )
    return offer_page.words(arrived)


def _open(desk: _Desk, batch: str, words: Words) -> None:
    """Open the request for a branch that was pushed, and have it trained."""
    draft = PullDraft(title=words.title, body=words.body, head=desk.remote.branch_of(batch), base=desk.wish.base)
    try:
        pull = desk.github.open_pull(draft)
    except GitHubFailed as error:
        if error.status != 403:
            raise
        raise ServiceFailed(error.message, next_step=NOT_PERMITTED) from error
    desk.done.opened.append(batch)
    say(f"{batch}: opened pull request {pull.number}, {pull.page}")
    _train(desk, pull)


def _train(desk: _Desk, pull: Pull) -> None:
    """Ask for the run that trains and reports a request. The status says so: without one the next run asks again."""
    model = {"model": desk.remote.model} if desk.remote.model else {}
    inputs = {"number": str(pull.number), "base": desk.wish.base, **model}
    desk.github.start_workflow(WORKFLOW, ref=pull.head_branch, inputs=inputs)
    page = desk.settings.github.run_page
    context = gate_status.context_of(desk.remote.model)
    status = Status(context=context, state=ASKED.state, description=ASKED.description, target_url=page)
    desk.github.set_status(pull.head_sha, status)
    say(f"asked for {WORKFLOW} on {pull.head_branch}")


def _summarise(settings: Settings, done: Offered) -> None:
    """Say on the run's page what came and what was refused, with the reports."""
    if settings.github.summary is None or not (done.opened or done.refused):
        return
    text = "".join(f"- asked for {batch}\n" for batch in done.opened)
    if done.refused:
        text += "\n" + offer_page.refusals(_page(settings, error) for error in done.refused)
    with settings.github.summary.open("a", encoding="utf-8") as file:
        file.write(text)


def _page(settings: Settings, error: DataRefused) -> str:
    """The kept report of a refused batch; of another refusal its words."""
    if isinstance(error, BatchRefused) and refused.read_kept(settings.root, error.batch):
        return (refused.folder_of(settings.root, error.batch) / "report.md").read_text(encoding="utf-8")
    said = str(error).replace("```", "'''")
    return f"```text\n{said}\n```\n"


def _require_none(refusals: list[DataRefused]) -> None:
    if len(refusals) == 1:
        raise refusals[0]
    if refusals:
        raise DataRefused(
            "\n".join(error.message for error in refusals),
            next_step="mend them at their source, or release what is right as it is; the next run tries them again",
        )
