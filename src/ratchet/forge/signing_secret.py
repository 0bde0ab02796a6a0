"""The private key that signs versions, as GitHub's secret RATCHET_SIGNING_KEY: for runs that may promote, and no other.

The forge keeps no key. It knows which checkouts it serves, and looks there when such a run begins: for the variable in
`.ratchet/env`, else for a file of `.ratchet/keys/` whose public half the run's commit holds.
"""

from __future__ import annotations

from pathlib import Path

from ratchet.forge import jobs, source, tickets, workflows
from ratchet.forge.home import Home, checkouts
from ratchet.forge.run import Run
from ratchet.forge.workflows import Workflow
from ratchet.io.key_files import VARIABLE, signing_key
from ratchet.io.signature import Keyring, read_keyring
from ratchet.settings import load_settings

ENVIRONMENT = "production"
"""Whose secret it is: a workflow gets it by a job that names this environment."""

EVENTS = (tickets.PUSH, tickets.DISPATCH, tickets.SCHEDULE)
"""What starts a run of a commit that is on main already; a pull request is not among them."""


def signing_secret(home: Home, run: Run, workflow: Workflow, files: Path) -> dict[str, str]:
    """The secret for a run of the commit whose files are in `files`; empty where it must have none, or there is none.

    Raises UsageError for a key that cannot be read, or of which the commit does not hold the public half.
    """
    if not trusted(run, jobs.environments(workflows.below(files), workflow)):
        return {}
    keyring = read_keyring(files)
    if not keyring.required:
        return {}
    found = (_key(checkout, keyring) for checkout in checkouts(home))
    return next(({VARIABLE: key} for key in found if key), {})


def trusted(run: Run, environments: tuple[str, ...]) -> bool:
    """Whether a run is of main, was not started by a pull request, and names the environment that holds the key."""
    return run.ticket.event in EVENTS and run.ticket.ref == source.MAIN and ENVIRONMENT in environments


def _key(checkout: Path, keyring: Keyring) -> str:
    """On one line, as secrets are pasted."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    # Nothing of this process's own environment: whoever pushes is not always whose key it is.
    found = signing_key(load_settings(checkout, {}), keyring)
    if found is None:
        return ""
    text = found[0].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return text.strip().replace("\n", "\\n")
