"""`tunewise serve` with a certificate made as the documentation says, and whom a worker does not trust."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from tunewise.cli import main
from tunewise.errors import SettingError, StorageUnreachable
from tunewise.storage import open_log
from tunewise.storage.http_run import check_certificate
from tunewise.storage.sqlite import SqliteLog
from tunewise.testing.logs import CREATED

PAGE = Path(__file__).resolve().parents[2] / "docs" / "serve.md"

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates")


def make_certificates(folder, host="localhost"):
    """What the page's commands make in a folder: an authority, and a certificate for a host."""
    (commands,) = re.findall(r"```bash\n(host=.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    commands = re.sub(r"^host=.*", f"host={host}", commands)
    folder.mkdir()
    subprocess.run(["bash", "-ec", commands], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with certificates of two authorities."""
    folder = tmp_path_factory.mktemp("tls")
    for name in ("ours", "theirs"):
        make_certificates(folder / name)
    return folder


@pytest.fixture
def port(made, start_command, monkeypatch):
    """Of a server with a study "s" and our certificate; the token is known."""
    SqliteLog(Path("runs.db").absolute()).append("s", [CREATED], at=0)
    files = ("--certificate", str(made / "ours/cert.pem"), "--key", str(made / "ours/key.pem"))
    _, url, token = start_command("runs.db", "--port", "0", *files)
    assert url.startswith("https://")
    monkeypatch.setenv("TUNEWISE_TOKEN", token)
    monkeypatch.setattr("tunewise.storage.http._RETRY_SECONDS", 0.2)
    return int(url.rpartition(":")[2])


def test_a_worker_that_trusts_the_authority_comes_in(made, port, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(made / "ours/ca.pem"))
    assert open_log(f"https://localhost:{port}").studies() == ["s"]


@pytest.mark.parametrize(
    ("authority", "host", "reason"),
    [
        (None, "localhost", "unable to get local issuer certificate"),
        ("theirs", "localhost", "signature failure|unable to get local issuer|self-signed"),
        ("ours", "127.0.0.1", "IP address mismatch"),
    ],
)
def test_a_certificate_that_is_not_trusted_is_refused_with_the_cure(
    authority, host, reason, made, port, monkeypatch
):
    if authority is not None:
        monkeypatch.setenv("SSL_CERT_FILE", str(made / authority / "ca.pem"))
    with pytest.raises(StorageUnreachable, match=rf"does not trust: .*({reason}).*SSL_CERT_FILE") as error:
        open_log(f"https://localhost:{port}".replace("localhost", host))
    assert f"https://{host}:{port}" in str(error.value)


def test_a_server_without_tls_is_named_as_one(serve, tmp_path, monkeypatch):
    monkeypatch.setattr("tunewise.storage.http._RETRY_SECONDS", 0.2)
    plain = serve(SqliteLog(tmp_path / "plain.db"))
    with pytest.raises(StorageUnreachable, match="speaks without TLS; write http://"):
        open_log(plain.url.replace("http://", "https://"))


def encrypted(made, tmp_path):
    key = tmp_path / "encrypted.pem"
    command = ["openssl", "rsa", "-aes256", "-passout", "pass:secret", "-in", str(made / "ours/key.pem")]
    subprocess.run([*command, "-out", str(key)], check=True, capture_output=True)
    return made / "ours/cert.pem", key


WRONG_FILES = {
    "another key": lambda made, _: (made / "ours/cert.pem", made / "theirs/key.pem"),
    "swapped": lambda made, _: (made / "ours/key.pem", made / "ours/cert.pem"),
    "no certificate": lambda _, tmp_path: (PAGE, PAGE),
    "a key with a password": encrypted,
}


@pytest.mark.parametrize("wrong", WRONG_FILES)
def test_files_that_are_no_certificate_and_key_are_refused(wrong, made, tmp_path):
    certificate, key = WRONG_FILES[wrong](made, tmp_path)
    with pytest.raises(SettingError, match="cannot be used for TLS"):
        check_certificate(str(certificate), str(key))


def test_the_command_refuses_them_before_it_listens(made):
    files = ["--certificate", str(made / "ours/cert.pem"), "--key", str(made / "theirs/key.pem")]
    done = CliRunner().invoke(main, ["serve", "runs.db", "--port", "0", *files])
    assert done.exit_code == 3
    assert "cannot be used for TLS" in done.output
    assert "Serving" not in done.output
