"""Where the boxes and lines of a lineage's picture are: columns from left to right, from data to predictions.

What belongs to one run stands in a band of its own; batches and commits, which bands share, are stacked on the left.
Lengths are pixels of the picture.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from ratchet.core.lineage import Lineage
from ratchet.core.lineage_graph import Graph, Node, NodeKind, graph_of, newest

COLUMNS: Final[dict[NodeKind, int]] = {
    "batch": 0, "commit": 0, "run": 1, "decision": 2, "version": 3, "service": 4, "answers": 4,
}  # fmt: skip
TITLES = ("made from", "run", "decision", "version", "served")
WIDTH, HEIGHT, ACROSS, BETWEEN, TOP, MARGIN = 178, 44, 62, 12, 34, 12
DESCENTS_DRAWN = 12
BATCHES_DRAWN = 36
"""More lines than these are a carpet."""
LETTERS = 24
"""That fit into a box."""


@dataclass(frozen=True, kw_only=True)
class Box:
    """A node at its place; `asked` is the one that somebody had in hand."""

    node: Node
    x: float
    y: float
    asked: bool

    @property
    def title(self) -> str:
        """As much as fits."""
        return _cut(self.node.title)

    @property
    def detail(self) -> str:
        """As much as fits."""
        return _cut(self.node.detail)


@dataclass(frozen=True, kw_only=True)
class Curve:
    """An edge, as the path of an SVG."""

    path: str
    how: str


@dataclass(frozen=True, kw_only=True)
class Picture:
    """The boxes, the lines, the titles of the columns with their places, and what was left out."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    curves: tuple[Curve, ...]
    titles: tuple[tuple[float, str], ...]
    left_out: str


def picture_of(lineage: Lineage) -> Picture:
    """The picture of a lineage: of many descents the newest ones, of many batches the newest ones."""
    shown = newest(lineage, DESCENTS_DRAWN)
    graph, batches_left = _thinned(graph_of(shown))
    places = _places(graph, shown)
    boxes = tuple(
        Box(node=node, x=places[node.name][0], y=places[node.name][1], asked=_asked(node, lineage))
        for node in graph.nodes
    )
    return Picture(
        width=_x(len(TITLES) - 1) + WIDTH + MARGIN,
        height=max((box.y for box in boxes), default=0.0) + HEIGHT + MARGIN,
        boxes=boxes,
        curves=tuple(
            Curve(path=_curve(places[edge.source], places[edge.target]), how=edge.how) for edge in graph.edges
        ),
        titles=tuple((_x(place), title) for place, title in enumerate(TITLES)),
        left_out=_left_out(shown.earlier, batches_left),
    )


def _thinned(graph: Graph) -> tuple[Graph, int]:
    """Without the oldest batches, if there are many; and how many those are."""
    names = [node.name for node in sorted(graph.nodes, key=lambda node: node.title) if node.kind == "batch"]
    gone = set(names[: max(len(names) - BATCHES_DRAWN, 0)])
    nodes = tuple(node for node in graph.nodes if node.name not in gone)
    return Graph(nodes=nodes, edges=tuple(edge for edge in graph.edges if edge.source not in gone)), len(gone)


def _places(graph: Graph, lineage: Lineage) -> dict[str, tuple[float, float]]:
    batches = sorted((node for node in graph.nodes if node.kind == "batch"), key=lambda node: node.title)
    # Commits have no order of their own but that of their runs.
    left = [*batches, *(node for node in graph.nodes if node.kind == "commit")]
    places = {node.name: (_x(0), _y(place)) for place, node in enumerate(left)}
    bands = _bands(graph, lineage)
    heights = [max(len(nodes) for nodes in band.values()) for band in bands]
    # Bands that are lower than what they were made from are spread beside it.
    spare = max(len(left) - sum(heights), 0) / max(len(bands), 1)
    top = 0.0
    for band, height in zip(bands, heights, strict=True):
        room = height + spare
        for column, nodes in band.items():
            start = top + (room - len(nodes)) / 2
            places |= {node.name: (_x(column), _y(start + place)) for place, node in enumerate(nodes)}
        top += room
    return places


def _bands(graph: Graph, lineage: Lineage) -> list[dict[int, list[Node]]]:
    """The nodes of each descent by column, but for those that stand on the left."""
    bands = []
    for each in lineage.descents:
        own = {f"run:{each.run_id}", f"decision:{each.run_id}", f"version:{each.version}", f"answers:{each.version}"}
        own |= {f"service:{each.version}@{service.sequence}" for service in each.services}
        band: dict[int, list[Node]] = defaultdict(list)
        for node in graph.nodes:
            if node.name in own:
                band[COLUMNS[node.kind]].append(node)
        bands.append(band)
    return bands


def _asked(node: Node, lineage: Lineage) -> bool:
    wanted = f"{lineage.asked.end}:{lineage.asked.name}"
    return node.name.partition("@")[0] == wanted


def _left_out(descents: int, batches: int) -> str:
    parts = [f"{descents:,} older runs" if descents else "", f"{batches:,} older batches" if batches else ""]
    return " and ".join(filter(None, parts))


def _curve(start: tuple[float, float], end: tuple[float, float]) -> str:
    x, y, to_x, to_y = start[0] + WIDTH, start[1] + HEIGHT / 2, end[0], end[1] + HEIGHT / 2
    bend = (to_x - x) / 2
    return f"M{x:.1f} {y:.1f} C{x + bend:.1f} {y:.1f} {to_x - bend:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"


def _x(column: int) -> float:
    return MARGIN + column * (WIDTH + ACROSS)


def _y(place: float) -> float:
    return TOP + place * (HEIGHT + BETWEEN)


def _cut(text: str) -> str:
    return text if len(text) <= LETTERS else f"{text[: LETTERS - 1]}…"
