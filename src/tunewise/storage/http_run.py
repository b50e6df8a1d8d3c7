"""Running the server: its socket, its token, uvicorn around it."""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
import ssl
from pathlib import Path

from tunewise.errors import MissingExtra, SettingError, StorageUnreachable
from tunewise.storage.delivery import outbox_folder
from tunewise.storage.http_server import make_app
from tunewise.storage.log import Log


def token_of(url: str, file: Path | None) -> str:
    """The token of a storage, from a file that only this user can read; made at the first time, 256 random bits.

    Raises:
        SettingError: the file holds no token, or can be read by others.
    """
    if file is None:
        name = hashlib.sha256(url.encode(errors="replace")).hexdigest()[:32]
        file = outbox_folder().with_name("tokens") / name
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        token = file.read_text(encoding="ascii", errors="replace").strip()
        if len(token) < 16 or not token.isprintable() or " " in token:
            raise SettingError(
                f"{file} holds no token; put one of at least 16 characters there, or remove it."
            ) from None
        if os.name == "posix" and file.stat().st_mode & 0o077:
            raise SettingError(f"Others can read the token in {file}; say chmod 600 {file}.") from None
        return token
    token = secrets.token_urlsafe(32)
    with os.fdopen(descriptor, "w", encoding="ascii") as out:
        out.write(token + "\n")
    return token


def check_certificate(certificate: str, key: str) -> None:
    """Raises SettingError where the two files (PEM) are not a certificate chain and its key."""
    try:
        # an empty password, so that nobody is asked for one in a terminal that is not there
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except OSError as error:
        raise SettingError(
            f"{certificate} and {key} cannot be used for TLS ({error.strerror}); give a certificate chain and its private key, "
            "both as PEM, the key without a password."
        ) from error


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises StorageUnreachable where the address cannot be had."""
    try:
        kind, _, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        sock = socket.socket(kind, socket.SOCK_STREAM, protocol or socket.IPPROTO_TCP)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(4096)
    except OSError as error:
        raise StorageUnreachable(
            f"Cannot listen on {host}:{port}: {error.strerror or error}. Choose another --port."
        ) from error
    return sock


def serve(
    log: Log, sock: socket.socket, token: str | None, certificate: str | None = None, key: str | None = None
) -> None:
    """Serve a log until SIGINT or SIGTERM. Raises MissingExtra where uvicorn is not installed."""
    app = make_app(log, token)
    try:
        import uvicorn
    except ImportError:
        raise MissingExtra("uvicorn", "serve", "Serving a storage") from None
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, ssl_certfile=certificate, ssl_keyfile=key, timeout_keep_alive=75,
        server_header=False, lifespan="off",
    )  # fmt: skip
    uvicorn.Server(config).run(sockets=[sock])
