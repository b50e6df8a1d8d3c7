"""Facts in Redis streams: one stream a study, whose entry N is the batch at position N - 1.

An append is one script on the server, so position, operation and batch are one atomic step. Redis keeps what its settings say:
for results that survive a power cut, run it with ``appendonly yes`` (with Redis 7.2 or later a durable append waits for the
disk; before, ``appendfsync always`` does).
"""

from __future__ import annotations

import uuid
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from tunewise.errors import MissingExtra, StorageError, StorageUnreachable, StudyNotFound
from tunewise.events import Event
from tunewise.storage.frame import from_places, to_body
from tunewise.storage.log import PAGE, taken
from tunewise.storage.retry import attempts
from tunewise.storage.silence import CONNECT_SECONDS, OPTIONS
from tunewise.storage.version import check_version

T = TypeVar("T")

VERSION = 1
_RETRY_SECONDS = 3.0
_NOTICE_SILENCE = {"socket_keepalive": True, "socket_keepalive_options": OPTIONS}
_PREFIX = "{tunewise}"
_APPEND = """
local id = redis.call('HGET', KEYS[1], ARGV[1])
if ARGV[2] == '0' and not id then
  id = redis.call('INCR', KEYS[2])
  redis.call('HSET', KEYS[1], ARGV[1], id)
end
if not id then return {'missing', 0} end
local log, ops = '{tunewise}:' .. id .. ':log', '{tunewise}:' .. id .. ':ops'
local done = redis.call('HGET', ops, ARGV[5])
if done then return {'done', tonumber(done)} end
local top = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
local last = top and tonumber(string.match(top[1], '^%d+')) or 0
if ARGV[2] ~= '' and tonumber(ARGV[2]) ~= last then return {'taken', last} end
local entry = {(last + 1) .. '-0', 'body', ARGV[3], 'crc', ARGV[4], 'op', ARGV[5]}
local added = redis.pcall('XADD', log, unpack(entry))
if type(added) == 'table' and added.err then -- somebody has removed entries at the end, whose places it still keeps
  redis.call('XSETID', log, last .. '-0')
  redis.call('XADD', log, unpack(entry))
end
redis.call('HSET', ops, ARGV[5], last + 1)
return {'done', last + 1}
"""
_DELETE = """
local id = redis.call('HGET', KEYS[1], ARGV[1])
if not id then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1])
for _, part in ipairs({'log', 'ops', 'stamps'}) do redis.call('DEL', '{tunewise}:' .. id .. ':' .. part) end
return 1
"""


class RedisLog:
    """A `Log` in a Redis server ("redis://", "rediss://" with TLS, "unix://").

    Raises:
        MissingExtra: the package redis is not installed.
        StorageError: the keys come from a newer tunewise.
        StorageUnreachable: the server does not answer, or refuses the password.
    """

    def __init__(self, url: str, *, create: bool = True, durable: bool = True) -> None:
        try:
            import redis
        except ImportError:
            raise MissingExtra("redis", "redis", "A Redis server as storage") from None
        self._errors = redis.exceptions
        self.url = _without_password(url)
        self._durable = durable
        try:
            self._redis: Any = redis.Redis.from_url(
                url, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=30, health_check_interval=30, retry=None,
                **({} if url.startswith("unix:") else _NOTICE_SILENCE),
            )  # fmt: skip
        except ValueError as error:
            raise StorageError(f"The URL of the Redis server cannot be read: {error}.") from None
        weakref.finalize(self, self._redis.close)
        self._append_script = self._redis.register_script(_APPEND)
        self._delete_script = self._redis.register_script(_DELETE)
        self._ids: dict[str, bytes] = {}
        self.generation = 0
        self._run_id = ""
        self._run(lambda: self._check_version(create))

    def read(self, study: str, start: int, most: int = PAGE) -> list[list[Event]]:
        """The batches from position ``start`` on, ``most`` of them, in one round trip. O(new events)."""
        entries = self._run(lambda: self._entries(study, start, most))
        rows = [
            (int(entry.split(b"-")[0]) - 1, _text(fields.get(b"body")), _number(fields.get(b"crc")))
            for entry, fields in entries
        ]
        return from_places(rows, start, most)

    def append(
        self,
        study: str,
        events: Sequence[Event],
        at: int | None = None,
        *,
        durable: bool = False,
        op: str | None = None,
    ) -> int:
        """Append one batch, in two round trips; as durable as the server's settings make it. O(1)."""
        body, crc = to_body(events)
        name = study.encode(errors="surrogatepass")
        place = "" if at is None else str(at)
        arguments = [name, place, body, crc, op or uuid.uuid4().hex]

        def write() -> tuple[bytes, int]:
            answer: tuple[bytes, int] = self._append_script(keys=self._keys(), args=arguments)
            if self._durable and answer[0] == b"done":
                self._sync()
            return answer

        verdict, end = self._run(write)
        if verdict == b"missing":
            raise self._missing(study)
        if verdict == b"taken" or (at == 0 and end != 1):
            raise taken(study, at or 0, end)
        return end

    def beat(self, study: str, worker: str, stamp: str | None, look: bool = True) -> dict[str, str]:
        """Write or erase a stamp; with ``look``, all stamps."""
        name = worker.encode(errors="surrogatepass")

        def write() -> dict[bytes, bytes]:
            key = self._key(self._id(study), "stamps")
            pipe = self._redis.pipeline(transaction=False)
            if stamp is None:
                pipe.hdel(key, name)
            else:
                pipe.hset(key, name, stamp)
            if look:
                pipe.hgetall(key)
            found: dict[bytes, bytes] = (*pipe.execute(), {})[1]
            return found

        found = self._run(write)
        return {name.decode(errors="surrogatepass"): text.decode() for name, text in found.items()}

    def studies(self) -> list[str]:
        """The names of all studies, in the order of creation."""
        ids = self._run(lambda: self._redis.hgetall(self._keys()[0]))
        return [
            name.decode(errors="surrogatepass")
            for name, _ in sorted(ids.items(), key=lambda pair: int(self._checked(pair[1])))
        ]

    def delete(self, study: str) -> None:
        """Remove a study and its facts, in one script."""
        name = study.encode(errors="surrogatepass")
        if not self._run(lambda: self._delete_script(keys=self._keys(), args=[name])):
            raise self._missing(study)
        self._ids.pop(study, None)

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    # --- inside ----------------------------------------------------------------------------------------------------

    def _entries(self, study: str, start: int, most: int) -> list[tuple[bytes, dict[bytes, bytes]]]:
        """The entries of a study's stream from a position on; asks in the same breath whether it is still that study's."""
        key = self._ids.get(study) or self._id(study)
        pipe = self._redis.pipeline(transaction=False)
        pipe.hget(self._keys()[0], study.encode(errors="surrogatepass"))
        pipe.xrange(self._key(key, "log"), f"{start + 1}-0", "+", most)
        now, entries = pipe.execute()
        if now != key:
            self._ids.pop(study, None)
            return self._entries(study, start, most) if now is not None else self._id(study)  # type: ignore[return-value]
        return entries  # type: ignore[no-any-return]

    def _id(self, study: str) -> bytes:
        key: bytes | None = self._redis.hget(self._keys()[0], study.encode(errors="surrogatepass"))
        if key is None:
            raise self._missing(study)
        self._ids[study] = self._checked(key)
        return key

    def _checked(self, key: bytes) -> bytes:
        """The number of a study, as it lies in the map of names."""
        if not key.isdigit():
            raise StorageError(
                f"{self.url} holds keys of another program: a study has the number {key!r}. Choose another database."
            )
        return key

    @staticmethod
    def _keys() -> list[str]:
        return [f"{_PREFIX}:studies", f"{_PREFIX}:count"]

    @staticmethod
    def _key(key: bytes, part: str) -> str:
        return f"{_PREFIX}:{key.decode()}:{part}"

    def _sync(self) -> None:
        """Wait for the disk, where this server can say when that is."""
        with suppress(
            self._errors.ResponseError
        ):  # before 7.2, or without append-only file, its settings decide
            self._redis.execute_command("WAITAOF", 1, 0, 10_000)

    def _look_at_server(self) -> None:
        """After a lost connection: a server that was started again may have lost the last second."""
        run_id = str(self._redis.info("server")["run_id"])
        if run_id != self._run_id:
            self.generation += bool(self._run_id)
            self._run_id = run_id

    def _check_version(self, create: bool) -> None:
        self._look_at_server()
        key = f"{_PREFIX}:version"
        if create:
            self._redis.set(key, VERSION, nx=True)
        found = self._redis.get(key)
        if found is None:
            raise StorageError(f"{self.url} holds no tunewise storage; check the number of the database.")
        check_version(self.url, found, VERSION)

    def _missing(self, study: str) -> StudyNotFound:
        return StudyNotFound(
            f"There is no study {study!r} in {self.url}; `tunewise studies` lists those that are there."
        )

    def _run(self, work: Callable[[], T]) -> T:
        """Do something; again, for a few seconds, where the server or the connection fails."""
        was_lost = False
        for is_last in attempts(_RETRY_SECONDS):
            try:
                if was_lost:
                    self._look_at_server()
                return work()
            except (
                self._errors.ConnectionError,
                self._errors.TimeoutError,
                self._errors.ResponseError,
            ) as error:
                if isinstance(error, self._errors.ResponseError) and "WRONGTYPE" in str(error):
                    raise StorageError(
                        f"{self.url} holds keys of another program: {error}. Choose another database."
                    ) from None
                was_lost = True
                if not is_last:
                    continue
                raise StorageUnreachable(
                    f"{self.url} does not answer: {error}. Check that the server runs and that the password is right; nothing "
                    "that was saved is lost."
                ) from None
        raise AssertionError("the last attempt returns or raises")


def _text(value: bytes | None) -> str:
    return "" if value is None else value.decode(errors="replace")


def _number(value: bytes | None) -> int | None:
    return int(value) if value is not None and value.isdigit() else -1


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    if parts.password is None:
        return url
    host = parts.netloc.rpartition("@")[2]
    user = parts.username or ""
    return urlunsplit(parts._replace(netloc=f"{user}:***@{host}"))
