"""Facts on a `tunewise serve`: the methods of a log as HTTP requests, with nothing but the standard library.

A request whose answer was lost is sent again; an append carries the name of its operation, so it is written once.
"""

from __future__ import annotations

import gzip
import http.client
import json
import os
import socket
import ssl
import uuid
from collections import deque
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from tunewise.errors import Conflict, SettingError, StorageError, StorageUnreachable, StudyNotFound
from tunewise.events import Event, decode_rows, parse
from tunewise.storage.fork import renew_after_fork
from tunewise.storage.frame import from_bodies, to_body
from tunewise.storage.http_api import API
from tunewise.storage.log import PAGE
from tunewise.storage.retry import attempts
from tunewise.storage.silence import CONNECT_SECONDS, notice_silence

_RETRY_SECONDS = 3.0
_TIMEOUT_SECONDS = 30.0
_HEADERS = {"Content-Type": "application/json", "Accept-Encoding": "gzip", "Connection": "keep-alive"}
_inherited: list[http.client.HTTPConnection] = []  # of a parent process


class HttpLog:
    """A `Log` behind a server ("http://host:port", "https://..."). Connections are kept open, one a thread at most.

    The token comes from the URL ("http://TOKEN@host:8732") or from the variable TUNEWISE_TOKEN.

    Raises:
        StorageError: the URL is wrong, or the server refuses the token.
        StorageUnreachable: the server does not answer.
    """

    def __init__(self, url: str, *, create: bool = True, durable: bool = True) -> None:
        self._idle: deque[http.client.HTTPConnection] = deque()
        parts = urlsplit(url)
        try:
            self._address = parts.hostname or "", parts.port
        except ValueError:
            self._address = "", None
        if not self._address[0]:
            raise StorageError(f"{parts.scheme}://... names no host; write {parts.scheme}://host:8732.")
        self._is_safe = parts.scheme == "https"
        token = unquote(parts.password or parts.username or "") or os.environ.get("TUNEWISE_TOKEN", "")
        self._headers = {**_HEADERS, **({"Authorization": f"Bearer {token}"} if token else {})}
        self._prefix = f"{parts.path.rstrip('/')}/{API}"
        host = f"[{parts.hostname}]" if ":" in self._address[0] else self._address[0]
        port = f":{self._address[1]}" if self._address[1] else ""
        self.url = f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}"
        self._durable = durable
        renew_after_fork(self)
        self.studies()

    def renew(self) -> None:
        """No connections, in the child of a fork; the parent's stay open."""
        _inherited.extend(self._idle)
        self._idle = deque()

    def __del__(self) -> None:
        self.close()

    def read(self, study: str, start: int, most: int = PAGE) -> list[list[Event]]:
        """The batches from position ``start`` on, ``most`` of them; one request for up to 8 MiB."""
        batches: list[list[Event]] = []
        more = True
        while more and len(batches) < most:
            answer = self._ask("read", {"study": study, "start": start + len(batches)})
            batches += from_bodies(answer["batches"], start + len(batches), decode_rows)
            more = answer["more"]
        return batches[:most]

    def append(
        self,
        study: str,
        events: Sequence[Event],
        at: int | None = None,
        *,
        durable: bool = False,
        op: str | None = None,
    ) -> int:
        """Append one batch in one request. It is on disk even without ``durable``: workers survive a crash of the server."""
        body, _ = to_body(events)
        about = {"study": study, "at": at, "durable": self._durable, "op": op or uuid.uuid4().hex}
        answer = self._ask("append", about, events=body)
        return int(answer["end"])

    def beat(self, study: str, worker: str, stamp: str | None, look: bool = True) -> dict[str, str]:
        """Write or erase a stamp; with ``look``, all stamps."""
        about = {"study": study, "worker": worker, "stamp": stamp, "look": look}
        stamps: dict[str, str] = self._ask("beat", about)["stamps"]
        return stamps

    def studies(self) -> list[str]:
        """The names of all studies, in the order of creation."""
        names: list[str] = self._ask("studies", None)["studies"]
        return names

    def delete(self, study: str) -> None:
        """Remove a study and its facts."""
        self._ask("delete", {"study": study})

    def close(self) -> None:
        """Close the connections that are not in use."""
        while self._idle:
            self._idle.pop().close()

    # --- inside ----------------------------------------------------------------------------------------------------

    def _ask(self, what: str, about: dict[str, Any] | None, events: str | None = None) -> Any:
        """Send a request until it is answered, for a few seconds, and raise the error that the answer holds."""
        text = None if about is None else json.dumps(about)
        if text is not None and events is not None:
            text = f'{text[:-1]},"events":{events}}}'
        status, answer = self._answer(what, text)
        if status == 200:
            return answer
        message = str(answer.get("message", ""))
        study = str((about or {}).get("study"))
        if status == 404 and answer.get("error") == "StudyNotFound":
            raise StudyNotFound(
                f"There is no study {study!r} in {self.url}; `tunewise studies` lists those that are there."
            )
        if status == 409:
            raise Conflict(message)
        if status == 401:
            raise StorageError(
                f"{self.url} refuses the token. Set TUNEWISE_TOKEN to the one that `tunewise serve` prints."
            )
        if status in (413, 422):
            raise SettingError(f"{self.url} refuses the request: {message}")
        raise StorageError(
            f"{self.url} answers with status {status}: {message or 'is it a tunewise server?'}"
        )

    def _answer(self, what: str, text: str | None) -> tuple[int, Any]:
        for is_last in attempts(_RETRY_SECONDS):
            try:
                status, data = self._send(what, text)
                if status not in (502, 503, 504):
                    return status, _parsed(data)
                problem = str(_parsed(data).get("message") or f"status {status}")
            except ssl.SSLCertVerificationError as error:  # asking again would not change it
                raise StorageUnreachable(
                    f"{self.url} shows a certificate that this machine does not trust: {error.verify_message}. If it is one of "
                    "yours, set SSL_CERT_FILE to the file of its authority. Nothing was sent."
                ) from None
            except (OSError, http.client.HTTPException) as error:
                problem = _said(error)
            if is_last:
                raise StorageUnreachable(
                    f"{self.url} does not answer: {problem}. Check that `tunewise serve` runs there; nothing that was saved "
                    "is lost."
                )
        raise AssertionError("the last attempt returns or raises")

    def _send(self, what: str, text: str | None) -> tuple[int, bytes]:
        """One request on a connection that is free, or a new one."""
        connection = self._idle.pop() if self._idle else self._connect()
        try:
            data = None if text is None else text.encode("utf-8")
            connection.request(
                "GET" if data is None else "POST", f"{self._prefix}/{what}", data, self._headers
            )
            response = connection.getresponse()
            body = response.read()
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        if response.getheader("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        return response.status, body

    def _connect(self) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self._is_safe else http.client.HTTPConnection
        connection = kind(*self._address)
        sock = socket.create_connection((connection.host, connection.port), CONNECT_SECONDS)
        try:
            sock.settimeout(_TIMEOUT_SECONDS)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            notice_silence(sock)
            if self._is_safe:
                sock = ssl.create_default_context().wrap_socket(sock, server_hostname=connection.host)
        except BaseException:
            sock.close()
            raise
        connection.sock = sock
        return connection


def _said(error: Exception) -> str:
    if isinstance(error, ssl.SSLError) and error.reason == "WRONG_VERSION_NUMBER":
        return "it speaks without TLS; write http://, or give it a certificate"
    return str(error) or type(error).__name__


def _parsed(data: bytes) -> Any:
    try:
        answer = parse(data.decode())
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}
