"""What `ratchet advance` did, in words."""

from __future__ import annotations

from ratchet.flows.advance import Advanced


def advanced_text(done: Advanced) -> str:
    """What was judged, whether it serves, and what it waits for."""
    found = done.candidate
    name = f"version {found.version} of {found.entry.model}"
    lines = [f"{name}: {each.phase} {each.outcome}: {each.reason}" for each in done.results]
    if done.promoted:
        return "\n".join([*lines, f"{name} serves (ledger entry {done.promoted.sequence})"])
    progress = f" ({done.progress})" if done.progress else ""
    lines.append(f"{name} is {found.state}: {found.why}{progress}")
    return "\n".join([*lines, *([f"not promoted: {done.stopped}"] if done.stopped else [])])
