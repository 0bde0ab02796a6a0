"""The result of a rebuild as the terminal, and as a workflow's page, shows it."""

from __future__ import annotations

from ratchet.core.rebuilt import Rebuilt

MARKS = {"same": "equal", "close": "equal but for rounding", "other": "DIFFERENT", "unknown": "not compared"}


def rebuilt_text(found: Rebuilt) -> str:
    """The verdict, a line for each check, and the causes."""
    wide = max(len(each.name) for each in found.checks)
    mark = max(len(MARKS[each.same]) for each in found.checks)
    lines = [f"version {found.version} of {found.model} from commit {found.commit[:9]}: {found.verdict}"]
    lines += [f"  {each.name:<{wide}}  {MARKS[each.same]:<{mark}}  {each.words}" for each in found.checks]
    if found.causes:
        lines.append("not as it was, and it made no difference:" if found.verdict == "equal" else "not as it was:")
        lines += [f"  {each.kind}: {each.words}" for each in found.causes]
    return "\n".join(lines)


def rebuilt_markdown(found: Rebuilt) -> str:
    """The same for a workflow's page."""
    from ratchet.io.markdown import inline

    rows = [f"| {each.name} | {MARKS[each.same]} | {inline(each.words)} |" for each in found.checks]
    causes = [f"- **{each.kind}**: {inline(each.words)}" for each in found.causes]
    return "\n".join(
        [
            f"# Version {found.version} of {inline(found.model)}, made again: {found.verdict}",
            "",
            "| compared | result | |",
            "|---|---|---|",
            *rows,
            "",
            *(["Not as it was:", "", *causes, ""] if causes else []),
        ]
    )
