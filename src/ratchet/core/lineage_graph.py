"""A lineage as a graph: what something was made from points to what was made of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from ratchet.core.lineage import Descent, Lineage, UsedBatch
from ratchet.core.section import Section

NodeKind = Literal["batch", "commit", "run", "decision", "version", "service", "answers"]
SHORT = 9
"""Characters of a digest that people are shown."""
SAYS = {"promote": "let through", "hold": "held back", "reject": "refused"}


class Node(Section):
    """One thing: `name` is unique, `title` and `detail` are what people read."""

    name: str
    kind: NodeKind
    title: str
    detail: str


class Edge(Section):
    """From what it was made from to what was made of it, and how."""

    source: str
    target: str
    how: str


class Graph(Section):
    """The nodes, each once, and the edges between them."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def graph_of(lineage: Lineage) -> Graph:
    """The graph of all descents; what several share (a batch, a commit) is one node."""
    nodes: dict[str, Node] = {}
    edges: dict[tuple[str, str], Edge] = {}
    for descent in lineage.descents:
        for node in _nodes(descent, lineage):
            nodes.setdefault(node.name, node)
        for edge in _edges(descent):
            edges.setdefault((edge.source, edge.target), edge)
    return Graph(nodes=tuple(nodes.values()), edges=tuple(edges.values()))


def reached(graph: Graph, name: str) -> set[str]:
    """Every node that is reached from one, along edges and against them; itself among them."""
    beside: dict[str, set[str]] = {node.name: set() for node in graph.nodes}
    for edge in graph.edges:
        beside[edge.source].add(edge.target)
        beside[edge.target].add(edge.source)
    found, ahead = {name}, [name]
    while ahead:
        new = beside[ahead.pop()] - found
        found |= new
        ahead += new
    return found


def short(digest: str) -> str:
    """As people are shown a digest."""
    return digest[:SHORT]


def until_words(until: str | None) -> str:
    """The end of a time of service.

    >>> until_words(None)
    'now'
    """
    return until or "now"


def batch_name(batch: UsedBatch) -> str:
    """A batch's node: of two with one name and other content, each is one."""
    return f"batch:{batch.name}@{batch.raw[:12]}"


def _nodes(descent: Descent, lineage: Lineage) -> Iterator[Node]:
    for batch in descent.batches:
        detail = "erased" if batch.erased else short(batch.raw or batch.features)
        yield Node(name=batch_name(batch), kind="batch", title=batch.name, detail=detail)
    if descent.commit:
        about = lineage.commits.get(descent.commit)
        subject = about.subject if about else "not in this clone"
        yield Node(name=f"commit:{descent.commit}", kind="commit", title=short(descent.commit), detail=subject)
    run = descent.run_id
    yield Node(name=f"run:{run}", kind="run", title=short(run), detail=f"model {short(descent.model_digest) or '?'}")
    if descent.verdict:
        said = SAYS.get(descent.verdict, descent.verdict)
        yield Node(name=f"decision:{run}", kind="decision", title=said, detail=descent.decided)
    if descent.version is None:
        return
    version = f"version:{descent.version}"
    yield Node(name=version, kind="version", title=f"version {descent.version}", detail=descent.registered[:10])
    for each in descent.services:
        ended = f"to {until_words(each.until)[:16].replace('T', ' ')}"
        name = f"service:{descent.version}@{each.sequence}"
        yield Node(name=name, kind="service", title=each.since[:16].replace("T", " "), detail=ended)
    if descent.answered is not None:
        count = f"{descent.answered.requests:,} predictions"
        rows = f"{descent.answered.rows:,} rows"
        yield Node(name=f"answers:{descent.version}", kind="answers", title=count, detail=rows)


def _edges(descent: Descent) -> Iterator[Edge]:
    run = f"run:{descent.run_id}"
    for batch in descent.batches:
        how = " and ".join(word for word, true in (("trained", batch.trained), ("judged", batch.judged)) if true)
        yield Edge(source=batch_name(batch), target=run, how=how or "was there")
    if descent.commit:
        yield Edge(source=f"commit:{descent.commit}", target=run, how="code and parameters")
    if descent.verdict:
        yield Edge(source=run, target=f"decision:{descent.run_id}", how="judged")
    if descent.version is None:
        return
    version = f"version:{descent.version}"
    yield Edge(source=f"decision:{descent.run_id}" if descent.verdict else run, target=version, how="registered")
    for each in descent.services:
        yield Edge(source=version, target=f"service:{descent.version}@{each.sequence}", how=each.kind)
    if descent.answered is not None:
        yield Edge(source=version, target=f"answers:{descent.version}", how="answered")


def newest(lineage: Lineage, most: int) -> Lineage:
    """The same with its newest descents alone."""
    shown = lineage.descents[-most:]
    earlier = lineage.earlier + len(lineage.descents) - len(shown)
    return lineage.model_copy(update={"descents": shown, "earlier": earlier})
