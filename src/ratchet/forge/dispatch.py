"""Starting a workflow by hand: GitHub's workflow_dispatch."""

from __future__ import annotations

from collections.abc import Mapping

from ratchet.errors import UsageError
from ratchet.forge import source, tickets, workflows
from ratchet.forge.home import Home
from ratchet.forge.tickets import Ticket


def dispatch(home: Home, workflow: str, inputs: Mapping[str, str], *, actor: str, branch: str = "main") -> Ticket:
    """The ticket that starts `workflow` (a file's name, with or without .yaml) on `branch`; `hook.show` runs it.

    Raises UsageError if there is no such branch or workflow, or it does not take these inputs.
    """
    ref = f"refs/heads/{branch}"
    sha = source.resolve(home, ref)
    if sha is None:
        raise UsageError(f"the forge at {home.root} has no branch {branch}", next_step=f"git push forge {branch}")
    path, text = _find(home, sha, workflow)
    workflows.check_inputs(workflows.parse(path, text), inputs)
    return Ticket(
        name=tickets.new_name(),
        event=tickets.DISPATCH,
        ref=ref,
        before=sha,
        sha=sha,
        actor=actor,
        workflow=path,
        inputs=dict(inputs),
    )


def _find(home: Home, sha: str, workflow: str) -> tuple[str, str]:
    stem = workflow.removesuffix(".yaml").removesuffix(".yml")
    for ending in ("yaml", "yml"):
        path = f"{workflows.FOLDER}/{stem}.{ending}"
        if (text := source.text(home, sha, path)) is not None:
            return path, text
    raise UsageError(f"{sha[:8]} has no workflow {workflow}", next_step=f"its workflows are in {workflows.FOLDER}/")
