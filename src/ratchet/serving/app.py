"""The endpoints. A request is read on the event loop; decoding, checking and scoring happen in a thread.

Each request takes the predictor once and answers from it to the end, so a swap in between changes nothing in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from ratchet.core.schema import ROWS
from ratchet.serving import bodies, mlflow_protocol, notes
from ratchet.serving.fields import clipped
from ratchet.serving.inputs import Columns, Inputs
from ratchet.serving.openapi import document
from ratchet.serving.payloads import FeaturePayload, Payload, RawPayload
from ratchet.serving.prediction_service import PredictionRequest, PredictionResponse, PredictionService
from ratchet.serving.predictor import Predictor, predictions
from ratchet.serving.refusal import RequestRefused
from ratchet.serving.serving_state import ServingState

INVOCATIONS = "/invocations"
MLFLOW_PATHS = (INVOCATIONS,)
"""Paths whose errors are told in MLflow's words."""

NEXT = 'send {"rows": [{field: value, ...}, ...]}; GET /model shows an example that works'
ENDPOINTS = (
    "POST /predict, POST /predict/raw, POST /invocations, GET /model, GET /skew, GET /openapi.json, GET /health, "
    "GET /ping, GET /version"
)
CLIENT = "x-client-id"
"""The header in which callers may say who they are, so that a canary answers the same ones each time."""
PREDICTION = "x-prediction-id"
"""The header that says under which id the answer is in the log."""
CLIENT_GONE = 499
"""Nobody reads it: the caller closed the connection before the body was there (nginx's number for it)."""


def create_app(state: ServingState, *, max_rows: int, service: PredictionService | None = None) -> Starlette:
    """The application that answers from whatever `state` holds; one request may have `max_rows` rows.

    Without a `service` nothing is written down, and nothing is tried.
    """
    api = _Api(state, max_rows, service or PredictionService())
    return Starlette(
        routes=[
            Route("/predict", api.predict, methods=["POST"]),
            Route("/predict/raw", api.predict_raw, methods=["POST"]),
            Route(INVOCATIONS, api.invocations, methods=["POST"]),
            Route("/health", api.health),
            Route("/model", api.model),
            Route("/skew", api.skew),
            Route("/openapi.json", api.openapi),
            Route("/ping", api.ping),
            Route("/version", api.version),
        ],
        exception_handlers={
            RequestRefused: _refused,
            HTTPException: _not_found,
            ClientDisconnect: _client_gone,
            Exception: _crashed,
        },
        lifespan=api.lifespan,
    )


class _Api:
    def __init__(self, state: ServingState, max_rows: int, service: PredictionService) -> None:
        self._state = state
        self._service = service
        self._max_rows = max_rows
        self._max_bytes = bodies.limit_for(max_rows)
        self._threads = ThreadPoolExecutor(max_workers=FeaturePayload.threads, thread_name_prefix="score")
        # Raw rows wait for the room's one process: in threads of their own, so that features never wait for them.
        self._raw_threads = ThreadPoolExecutor(max_workers=RawPayload.threads, thread_name_prefix="raw")

    @asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        yield
        self._threads.shutdown()
        self._raw_threads.shutdown()
        self._service.close(self._state.trial)

    async def predict(self, request: Request) -> Response:
        return await self._answered(request, _Endpoint("predict", self._features, _predicted), self._threads)

    async def predict_raw(self, request: Request) -> Response:
        return await self._answered(request, _Endpoint("predict/raw", self._raw, _predicted), self._raw_threads)

    async def invocations(self, request: Request) -> Response:
        return await self._answered(request, _Endpoint("invocations", self._mlflow, _invoked), self._threads)

    async def health(self, _request: Request) -> Response:
        return _json({**self._state.health(), "log": self._service.health()})

    async def model(self, _request: Request) -> Response:
        return _json(self._state.serving().card)

    async def skew(self, _request: Request) -> Response:
        return _json(self._state.serving().told_skew())

    async def openapi(self, _request: Request) -> Response:
        return _json(document(self._state.serving(), max_rows=self._max_rows))

    async def ping(self, _request: Request) -> Response:
        """MLflow's: 200 or 404, and an empty line."""
        return Response("\n", 200 if self._state.predictor else 404, media_type=bodies.JSON)

    async def version(self, _request: Request) -> Response:
        return Response(mlflow_protocol.version(), media_type=bodies.JSON)

    async def _answered(self, request: Request, endpoint: _Endpoint, threads: ThreadPoolExecutor) -> Response:
        body = await bodies.read_json(request, self._max_bytes)
        predictor, trial = self._state.serving(), self._state.trial
        client = request.headers.get(CLIENT, "")

        def answer() -> Response:
            asked = PredictionRequest(payload=endpoint.read(predictor, body), endpoint=endpoint.name, client=client)
            return _response(endpoint, self._service.answer(asked, predictor, trial))

        return await asyncio.get_running_loop().run_in_executor(threads, answer)

    def _features(self, predictor: Predictor, body: bytes) -> Payload:
        columns = _columns(bodies.decode(body), predictor.inputs, self._max_rows)
        return FeaturePayload(columns, predictor.inputs.kinds)

    def _raw(self, _predictor: Predictor, body: bytes) -> Payload:
        return RawPayload(body, self._max_rows)

    def _mlflow(self, predictor: Predictor, body: bytes) -> Payload:
        columns = mlflow_protocol.columns(bodies.decode_with_nan(body), predictor.inputs, self._max_rows)
        return FeaturePayload(columns, predictor.inputs.kinds)


@dataclass(frozen=True)
class _Endpoint:
    """How an endpoint reads a body, which the champion must take, and how it tells the answer."""

    name: str
    read: Callable[[Predictor, bytes], Payload]
    tell: Callable[[PredictionResponse], Mapping[str, Any]]


def _response(endpoint: _Endpoint, answered: PredictionResponse) -> Response:
    headers = {PREDICTION: answered.prediction_id} if answered.prediction_id else None
    response = _json(endpoint.tell(answered), headers=headers)
    if (afterwards := answered.afterwards) is not None:

        async def begin() -> None:
            afterwards()

        response.background = BackgroundTask(begin)
    return response


def _predicted(answered: PredictionResponse) -> dict[str, Any]:
    answer = predictions(answered.predictor.record, answered.scores)
    return {"model": answered.predictor.names, "predictions": answer, **notes.told(answered.notes)}


def _invoked(answered: PredictionResponse) -> dict[str, Any]:
    """As MLflow's own server does: the rows of `predict_proba`, or the values of `predict`."""
    scores = answered.scores
    return {"predictions": (scores[:, 0] if answered.predictor.record.task == "regression" else scores).tolist()}


def _columns(body: object, inputs: Inputs, max_rows: int) -> Columns:
    rows = bodies.row_list(ROWS, bodies.object_with(body, [ROWS], next_step=NEXT)[ROWS], next_step=NEXT)
    bodies.check_rows(len(rows), max_rows)
    return inputs.from_rows(rows)


def _json(value: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(value), status, headers, media_type=bodies.JSON)


def _told(request: Request, refusal: RequestRefused, headers: Mapping[str, str] | None = None) -> Response:
    told = refusal.body()
    if request.url.path in MLFLOW_PATHS:
        told = mlflow_protocol.error(refusal.status, f"{refusal.message}. Next: {refusal.next_step}")
    return _json(told, refusal.status, headers)


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestRefused):
        raise error
    return _told(request, error)


async def _not_found(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    path = clipped(request.url.path)
    refusal = RequestRefused(
        f"{request.method} {path}: {error.detail.lower()}", next_step=f"there are {ENDPOINTS}", status=error.status_code
    )
    return _told(request, refusal, error.headers)


async def _client_gone(_request: Request, _error: Exception) -> Response:
    return Response(status_code=CLIENT_GONE)


async def _crashed(request: Request, _error: Exception) -> Response:
    refusal = RequestRefused(
        "the server failed on this request; it is a bug, and the request changed nothing",
        next_step="report it with the server's log",
        status=500,
    )
    # uvicorn drops the connection after an exception; said beforehand, no client sends its next request into the void.
    return _told(request, refusal, {"connection": "close"})
