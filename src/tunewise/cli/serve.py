"""``tunewise serve``"""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path

import click

from tunewise.cli.help import epilog
from tunewise.errors import SettingError

_FEWEST_CHARACTERS = 16
"""Of a token."""


@click.command(
    "serve",
    epilog=epilog(
        "tunewise serve runs.db",
        "tunewise serve postgresql://user@db/runs --host 0.0.0.0 --certificate cert.pem --key key.pem",
        codes="0 done (stopped); 3 the storage cannot be used or the port is taken; 4 wrong usage.",
    ),
)
@click.argument("storage", envvar="TUNEWISE_STORAGE")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="The address to listen on; 0.0.0.0 is all."
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8732, show_default=True, help="0: any free one."
)
@click.option(
    "--token-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Read the token from here, or write a new one. Default: the variable TUNEWISE_TOKEN, else a file of this user.",
)
@click.option(
    "--no-token", is_flag=True, help="Let everybody on this machine in. Only on a loopback address."
)
@click.option(
    "--certificate", type=click.Path(exists=True, dir_okay=False), help="TLS certificate chain (PEM)."
)
@click.option(
    "--key", type=click.Path(exists=True, dir_okay=False), help="Private key of the certificate (PEM)."
)
def command(
    *,
    storage: str,
    host: str,
    port: int,
    token_file: Path | None,
    no_token: bool,
    certificate: str | None,
    key: str | None,
) -> None:
    """Serve STORAGE over HTTP to workers on other machines.

    They use it as storage="http://HOST:PORT", with the token in the variable TUNEWISE_TOKEN. Requests are encrypted only with
    --certificate, or behind a proxy that does it; without, use it inside a network that you trust.
    """
    from tunewise.storage import open_log
    from tunewise.storage.http_run import check_certificate, listen, serve, token_of

    if bool(certificate) != bool(key):
        raise click.UsageError("Give --certificate and --key together.")
    if certificate and key:
        check_certificate(certificate, key)
    if no_token and not _is_loopback(host):
        raise SettingError(
            f"Without a token everybody who reaches {host} could delete your studies; leave out --no-token."
        )
    log = open_log(storage)
    token = None if no_token else os.environ.get("TUNEWISE_TOKEN") or token_of(log.url, token_file)
    if token is not None and len(token) < _FEWEST_CHARACTERS:
        raise SettingError(
            f"The token has {len(token)} characters and could be guessed; use {_FEWEST_CHARACTERS} or more, or leave it out."
        )
    sock = listen(host, port)
    scheme = "https" if certificate else "http"
    click.echo(f"Serving {log.url} at {scheme}://{_shown(host)}:{sock.getsockname()[1]}")
    if token is not None:
        click.echo(f"Workers need: export TUNEWISE_TOKEN={token}")
    if not certificate and not _is_loopback(host):
        click.echo("Requests are not encrypted; see --certificate.", err=True)
    serve(log, sock, token, certificate, key)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
