"""Request bodies: their type, their size, and the JSON in them, before anything looks at what they mean."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from ratchet.serving.fields import clipped, shown
from ratchet.serving.refusal import RequestRefused

if TYPE_CHECKING:
    from starlette.requests import Request

JSON = "application/json"
BYTES_PER_ROW = 4096
SMALLEST_LIMIT = 1 << 20
NEXT = "send a JSON object; null stands for a missing value, and GET /model shows an example"


def limit_for(max_rows: int) -> int:
    """How many bytes a body may have: room for `max_rows` generous rows, and for whatever one small request needs."""
    return max(SMALLEST_LIMIT, BYTES_PER_ROW * max_rows)


async def read_json(request: Request, limit: int) -> bytes:
    """The body's bytes. Raises RequestRefused: 415 if it is not called JSON in UTF-8, 413 above `limit` bytes."""
    _check_type(request.headers.get("content-type", ""))
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise _too_long(limit)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise _too_long(limit)
    return bytes(body)


def decode(body: bytes) -> object:
    """The value of a JSON text. Raises RequestRefused."""
    return _decoded(msgspec.json.decode, body)


def decode_with_nan(body: bytes) -> object:
    """Like `decode`, but the bare word NaN, which MLflow's clients write for a missing value, is read as null.

    Infinities stay refused. Raises RequestRefused.
    """
    if b"NaN" not in body:
        return decode(body)
    return _decoded(partial(json.loads, parse_constant=_constant, parse_float=_finite), body)


def object_with(value: object, names: Sequence[str], *, what: str = "the body", next_step: str) -> dict[str, object]:
    """The value as an object that has exactly these names. Raises RequestRefused."""
    if isinstance(value, dict) and value.keys() == set(names):
        return value
    found = f"an object with {', '.join(sorted(value)) or 'nothing'}" if isinstance(value, dict) else shown(value)
    raise RequestRefused(
        f"{what} must be an object with {' and '.join(names)}, and nothing else, not {clipped(found)}",
        next_step=next_step,
    )


def row_list(name: str, value: object, *, next_step: str) -> list[object]:
    """The rows of a table as a list of whatever they are. Raises RequestRefused."""
    if isinstance(value, list):
        return value
    raise RequestRefused(f"{name} must be a list of objects, not {shown(value)}", next_step=next_step)


def check_rows(count: int, max_rows: int, *, what: str = "the request") -> None:
    """Raises RequestRefused if a request, or `what` of it, has no row, or more than one request may have."""
    if count == 0:
        raise RequestRefused(f"{what} has no rows", next_step="send at least one row")
    if count > max_rows:
        raise RequestRefused(
            f"{what} has {count:,} rows; one request may have {max_rows:,}",
            next_step="send them in several requests, or raise serve.max_rows in params.yaml",
            status=413,
        )


def _decoded(read: Callable[[bytes], object], body: bytes) -> object:
    try:
        return read(body)
    except (ValueError, RecursionError) as error:
        raise RequestRefused(f"the body is not JSON: {error}", next_step=NEXT) from error


def _check_type(header: str) -> None:
    kind, *rest = (part.strip().lower() for part in header.split(";"))
    if kind != JSON or any(part.replace('"', "") not in ("", "charset=utf-8") for part in rest):
        raise RequestRefused(
            f"the body's content type is {header[:80]!r}, not {JSON} in UTF-8",
            next_step=f"send JSON with the header 'content-type: {JSON}'",
            status=415,
        )


def _too_long(limit: int) -> RequestRefused:
    return RequestRefused(
        f"the body is longer than {limit:,} bytes", next_step="send the rows in several requests", status=413
    )


def _constant(word: str) -> None:
    if word != "NaN":
        _finite(word)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is not a finite number")
    return value
