"""What PostgreSQL and MySQL/MariaDB say differently: schema, locks, appending, stamps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tunewise.storage.silence import (
    CONNECT_SECONDS,
    IDLE_SECONDS,
    INTERVAL_SECONDS,
    PROBES,
    SILENT_SECONDS,
)

VERSION = 1
_IDLE_SECONDS = 20
"""How long a worker may hold a study's row without a word: one that was stopped or cut off must not hold up the others."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """One kind of server. Statements are SQL text with :named values.

    Attributes:
        drivername: SQLAlchemy's name for it.
        module: the driver that has to be importable.
        schema: what makes the tables; the last statement says that all is there.
        lock, unlock: what lets one process at a time make them.
        append: statements of one append, in one transaction; the last one gives the position, or no row.
        upsert: writes a stamp.
        sync: what waits until everything committed so far is on disk, where an append alone does not.
        started: says since when the server runs.
        connect: arguments of the driver: nobody waits for a dead server for minutes.
        begin: what is said first on each connection, where the driver's arguments do not say it.
    """

    drivername: str
    module: str
    schema: tuple[str, ...]
    lock: str
    unlock: str
    append: tuple[str, ...]
    upsert: str
    sync: str | None = None
    started: str | None = None
    connect: Mapping[str, Any] = field(default_factory=dict)
    begin: str | None = None


_MARK = (
    "CREATE TABLE tunewise_version (version INTEGER NOT NULL)",
    f"INSERT INTO tunewise_version VALUES ({VERSION})",
)

# The row lock on the study is held for one statement, without waiting for the disk: a commit that is not yet flushed is
# seen by all, in order. A durable append then waits for the flush, which it shares with everybody else who waits.
POSTGRESQL = Dialect(
    drivername="postgresql+psycopg",
    module="psycopg",
    schema=(
        "CREATE TABLE tunewise_studies (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, digest CHAR(64) NOT NULL UNIQUE,"
        " name TEXT NOT NULL, next BIGINT NOT NULL)",
        "CREATE TABLE tunewise_batches (study BIGINT NOT NULL, seq BIGINT NOT NULL, body TEXT NOT NULL, crc BIGINT,"
        " op VARCHAR(100), PRIMARY KEY (study, seq), UNIQUE (study, op))",
        "CREATE TABLE tunewise_stamps (study BIGINT NOT NULL, worker VARCHAR(200) NOT NULL, stamp TEXT NOT NULL,"
        " PRIMARY KEY (study, worker))",
        *_MARK,
    ),
    lock="SELECT pg_advisory_lock(1953853029)",
    unlock="SELECT pg_advisory_unlock(1953853029)",
    append=(
        "WITH s AS (UPDATE tunewise_studies SET next = next + 1"
        " WHERE digest = :digest AND (CAST(:at AS BIGINT) IS NULL OR next = :at) RETURNING id, next)"
        " INSERT INTO tunewise_batches (study, seq, body, crc, op) SELECT id, next - 1, :body, :crc, :op FROM s RETURNING seq",
    ),
    upsert="INSERT INTO tunewise_stamps VALUES (:study, :worker, :stamp)"
    " ON CONFLICT (study, worker) DO UPDATE SET stamp = excluded.stamp",
    sync="SELECT set_config('synchronous_commit', 'on', true), pg_logical_emit_message(true, 'tunewise', '')",
    started="SELECT CAST(pg_postmaster_start_time() AS TEXT)",
    connect={
        "connect_timeout": CONNECT_SECONDS,
        "keepalives_idle": IDLE_SECONDS,
        "keepalives_interval": INTERVAL_SECONDS,
        "keepalives_count": PROBES,
        "tcp_user_timeout": 1000 * SILENT_SECONDS,
        "options": "-c statement_timeout=60000 -c synchronous_commit=off"
        f" -c idle_in_transaction_session_timeout={1000 * _IDLE_SECONDS}",
    },
)

# InnoDB lets a row lock go before it waits for the disk by itself.
MYSQL = Dialect(
    drivername="mysql+pymysql",
    module="pymysql",
    schema=(
        "CREATE TABLE IF NOT EXISTS tunewise_studies (id BIGINT AUTO_INCREMENT PRIMARY KEY, digest CHAR(64) NOT NULL UNIQUE,"
        " name LONGTEXT NOT NULL, next BIGINT NOT NULL) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin ENGINE = InnoDB",
        "CREATE TABLE IF NOT EXISTS tunewise_batches (study BIGINT NOT NULL, seq BIGINT NOT NULL,"
        " body LONGTEXT CHARACTER SET ascii NOT NULL, crc BIGINT, op VARCHAR(100), PRIMARY KEY (study, seq),"
        " UNIQUE KEY ops (study, op)) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin ENGINE = InnoDB",
        "CREATE TABLE IF NOT EXISTS tunewise_stamps (study BIGINT NOT NULL, worker VARCHAR(200) NOT NULL,"
        " stamp LONGTEXT NOT NULL, PRIMARY KEY (study, worker)) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin ENGINE = InnoDB",
        *_MARK,
    ),
    lock="SELECT GET_LOCK('tunewise', 60)",
    unlock="SELECT RELEASE_LOCK('tunewise')",
    append=(
        "UPDATE tunewise_studies SET next = next + 1 WHERE digest = :digest AND (:at IS NULL OR next = :at)",
        "INSERT INTO tunewise_batches (study, seq, body, crc, op)"
        " SELECT id, next - 1, :body, :crc, :op FROM tunewise_studies WHERE digest = :digest",
        "SELECT next - 1 FROM tunewise_studies WHERE digest = :digest",
    ),
    upsert="INSERT INTO tunewise_stamps VALUES (:study, :worker, :stamp) ON DUPLICATE KEY UPDATE stamp = VALUES(stamp)",
    connect={
        "connect_timeout": CONNECT_SECONDS,
        "read_timeout": 60,
        "write_timeout": 60,
        "init_command": "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    },
    # MariaDB reads the comment, and ends only who is idle within a transaction; MySQL can but end who is idle
    begin=f"SET SESSION wait_timeout = /*M!100301 @@wait_timeout, idle_transaction_timeout = */ {_IDLE_SECONDS}",
)

DIALECTS = {"postgresql": POSTGRESQL, "postgres": POSTGRESQL, "mysql": MYSQL, "mariadb": MYSQL}
