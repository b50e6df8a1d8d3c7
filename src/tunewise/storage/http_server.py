"""`tunewise serve`: the methods of a log over HTTP, for workers that can reach neither its disk nor its database.

One ASGI application around any `Log`. Every request needs the token; bodies are JSON, limited in size and held to their types
(`tunewise.storage.wire`); nothing that comes over the wire is ever unpickled or evaluated. Requests may be sent again: an append
carries the name of its operation. What is described in `openapi` is all there is.
"""

from __future__ import annotations

import gzip
import hmac
import json
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from tunewise.errors import (
    Conflict,
    MissingExtra,
    SettingError,
    StorageError,
    StorageUnreachable,
    StudyNotFound,
    TunewiseError,
)
from tunewise.events import Unreadable, encode
from tunewise.storage.http_api import API, openapi
from tunewise.storage.log import MOST_BYTES, PAGE, Log, is_storable
from tunewise.storage.wire import from_json

_MOST_BODY = MOST_BYTES + 2**16
_PAGE_BYTES = 8 * 2**20
_TAIL = 50_000
_GZIP_FROM = 64 * 2**10

Handler = Callable[[dict[str, Any]], Any]


class Tail:
    """The last batches of a study as text, so that a thousand readers do not make a thousand queries and encodings."""

    def __init__(self, log: Log, study: str) -> None:
        self._log = log
        self._study = study
        self._lock = threading.Lock()
        self._first = 0
        self._bodies: list[str] = []

    @property
    def end(self) -> int:
        """The position after the last batch that it knows."""
        return self._first + len(self._bodies)

    def read(self, start: int) -> tuple[list[str], bool]:
        """(The next bodies from a position on, "null" for a damaged one; whether there may be more)."""
        with self._lock:
            if self._first <= start <= self.end:
                news, more = self._page(self.end)
                self._bodies += news
                found = self._bodies[start - self._first :]
                spare = len(self._bodies) - _TAIL
                if spare > _TAIL:
                    del self._bodies[:spare]
                    self._first += spare
                return found, more
        page, more = self._page(start)
        with self._lock:
            if page and start > self.end:
                self._first, self._bodies = start, page
        return page, more

    def add(self, text: str, end: int) -> bool:
        """Take in a batch that was just appended before position ``end``, so that nobody has to read it.

        False where another one is known there: the study was deleted and made again behind our back.
        """
        with self._lock:
            place = end - 1 - self._first
            if place == len(self._bodies):
                self._bodies.append(text)
            return not 0 <= place < len(self._bodies) or self._bodies[place] == text

    def _page(self, start: int) -> tuple[list[str], bool]:
        batches = self._log.read(self._study, start)
        texts = ["null" if batch and type(batch[0]) is Unreadable else encode(batch) for batch in batches]
        return texts, len(batches) >= PAGE


class Api:
    """The requests, without HTTP: each method takes the parsed body and returns the answer's text."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._tails: dict[str, Tail] = {}

    def studies(self, _body: dict[str, Any]) -> str:
        """All names."""
        return json.dumps({"studies": self._log.studies()})

    def read(self, body: dict[str, Any]) -> str:
        """Batches from a position on, one page of them at most."""
        study, start = _text(body, "study"), _count(body, "start")
        tail = self._tails.get(study)
        if tail is None:
            tail = Tail(self._log, study)
        try:
            bodies, more = tail.read(start)
        except StudyNotFound:
            self._tails.pop(study, None)
            raise
        self._tails[study] = tail
        page, size = 0, 0
        while page < len(bodies) and (size < _PAGE_BYTES or page == 0):
            size += len(bodies[page])
            page += 1
        more = more or page < len(bodies)
        return f'{{"batches":[{",".join(bodies[:page])}],"more":{json.dumps(more)}}}'

    def append(self, body: dict[str, Any]) -> str:
        """One batch."""
        study, events = _text(body, "study"), from_json(body.get("events"))
        at = None if body.get("at") is None else _count(body, "at")
        op = None if body.get("op") is None else _text(body, "op")
        if op is not None and not 0 < len(op) <= 100:
            raise SettingError("op must have 1..100 characters.")
        if at == 0 and not study:
            raise SettingError("A study needs a name.")
        end = self._log.append(study, events, at, durable=bool(body.get("durable", True)), op=op)
        tail = self._tails.get(study)
        if tail is not None and not tail.add(encode(events), end):
            self._tails.pop(study, None)
        return json.dumps({"end": end})

    def beat(self, body: dict[str, Any]) -> str:
        """A stamp, and, where they are wanted, all stamps."""
        study, worker = _text(body, "study"), _text(body, "worker")
        stamp = None if body.get("stamp") is None else _text(body, "stamp")
        if len(worker) > 200 or len(stamp or "") > 1000:
            raise SettingError("A worker's name has at most 200 characters, a stamp 1,000.")
        look = body.get("look")
        if look is not None and not isinstance(look, bool):
            raise SettingError(f"look is {str(look)[:60]!r}; it must be true or false.")
        return json.dumps({"stamps": self._log.beat(study, worker, stamp, look is not False)})

    def delete(self, body: dict[str, Any]) -> str:
        """Remove a study."""
        study = _text(body, "study")
        self._log.delete(study)
        self._tails.pop(study, None)
        return "{}"


def make_app(log: Log, token: str | None) -> Any:
    """The ASGI application that serves a log. ``token=None`` lets everybody in: for loopback only.

    Raises:
        MissingExtra: starlette is not installed.
    """
    try:
        from starlette.applications import Starlette
        from starlette.concurrency import run_in_threadpool
        from starlette.requests import ClientDisconnect
        from starlette.responses import Response
        from starlette.routing import Route
    except ImportError:
        raise MissingExtra("starlette", "serve", "Serving a storage") from None

    api = Api(log)
    wanted = None if token is None else f"Bearer {token}".encode()

    def answer(
        text: str, status: int = 200, headers: dict[str, str] | None = None, zipped: bool = False
    ) -> Any:
        data = text.encode("utf-8", errors="surrogatepass")
        extra = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **(headers or {})}
        if zipped and len(data) >= _GZIP_FROM:
            data, extra["Content-Encoding"] = gzip.compress(data, 1), "gzip"
        return Response(data, status, extra, "application/json")

    def refusal(status: int, kind: str, message: str, **headers: str) -> Any:
        return answer(json.dumps({"error": kind, "message": message}), status, headers)

    def endpoint(handle: Handler, has_body: bool) -> Callable[[Any], Awaitable[Any]]:
        async def respond(request: Any) -> Any:
            given = request.headers.get("authorization", "").encode("latin-1", errors="replace")
            if wanted is not None and not hmac.compare_digest(given, wanted):
                return refusal(
                    401, "Token", "The token is missing or wrong.", **{"WWW-Authenticate": "Bearer"}
                )
            try:
                body = await _body_of(request) if has_body else {}
                text = await run_in_threadpool(handle, body)
            except ClientDisconnect:
                # nobody reads the answer; who still lives sends again what was cut off
                return refusal(400, "Cut", "The request ended in the middle.")
            except _TooLarge:
                return refusal(413, "TooLarge", f"A request may have {_MOST_BODY} bytes.", Connection="close")
            except TunewiseError as error:
                status, extra = _status(error)
                return refusal(status, type(error).__name__, str(error), **extra)
            return answer(text, zipped="gzip" in request.headers.get("accept-encoding", ""))

        return respond

    async def describe(_request: Any) -> Any:
        return answer(json.dumps(openapi()))

    async def health(_request: Any) -> Any:
        return answer(json.dumps({"api": API}))

    return Starlette(
        routes=[
            Route("/health", health, methods=["GET"]),
            Route("/openapi.json", describe, methods=["GET"]),
            Route(f"/{API}/studies", endpoint(api.studies, has_body=False), methods=["GET"]),
            Route(f"/{API}/read", endpoint(api.read, has_body=True), methods=["POST"]),
            Route(f"/{API}/append", endpoint(api.append, has_body=True), methods=["POST"]),
            Route(f"/{API}/beat", endpoint(api.beat, has_body=True), methods=["POST"]),
            Route(f"/{API}/delete", endpoint(api.delete, has_body=True), methods=["POST"]),
        ]
    )


class _TooLarge(Exception):
    """A request is larger than it may be."""


async def _body_of(request: Any) -> dict[str, Any]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise SettingError("The Content-Type must be application/json.")
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > _MOST_BODY:
            raise _TooLarge
    try:
        body = json.loads(data.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise SettingError(f"The body is no JSON: {error}.") from None
    if not isinstance(body, dict):
        raise SettingError("The body must be a JSON object.")
    return body


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _text(body: dict[str, Any], name: str) -> str:
    value: Any = body.get(name)
    if not isinstance(value, str) or not is_storable(value):
        raise SettingError(f"{name} is {str(value)[:60]!r}; it must be text, without NUL and surrogates.")
    return value


def _count(body: dict[str, Any], name: str) -> int:
    value: Any = body.get(name)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value < 2**53 or value != int(value):  # in JSON, 1.0 is a whole number
        raise SettingError(f"{name} is {str(value)[:60]!r}; it must be a whole number >= 0.")
    return int(value)


def _status(error: TunewiseError) -> tuple[int, dict[str, str]]:
    """The status of an error, and more headers for it."""
    if isinstance(error, StudyNotFound):
        return 404, {}
    if isinstance(error, Conflict):
        return 409, {}
    if isinstance(error, StorageUnreachable):
        return 503, {"Retry-After": "1"}
    if isinstance(error, StorageError):
        return 500, {}
    return 422, {}
