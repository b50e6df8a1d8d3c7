"""nginx with a certificate before `tunewise serve`, by the lines of the documentation."""

import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

import tunewise as tw
from tunewise.errors import SettingError, StorageError, StorageUnreachable
from tunewise.events import Noted
from tunewise.storage import http, open_log
from tunewise.storage.log import MOST_BYTES
from tunewise.testing import LOG_CHECKS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "serve.md"
NGINX = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")

pytestmark = [
    pytest.mark.skipif(NGINX is None, reason="needs nginx (tools/install_servers.sh installs it)"),
    pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates"),
    pytest.mark.usefixtures("quiet"),
]
CONFIG = """
daemon off; pid {folder}/pid; error_log {folder}/errors; worker_processes 1; {user}
events {{ }}
http {{
    access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    server {{
        listen 127.0.0.1:{port} ssl; ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
{location}
    }}
}}
"""


@pytest.fixture(autouse=True)
def quiet(tmp_path, monkeypatch):
    tw.logging.set_verbosity(60)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TUNEWISE_STATE", str(tmp_path / "state"))


@pytest.fixture
def behind(start_command, tmp_path, monkeypatch):
    """The URL of a storage behind nginx, and the process behind it."""
    (certificates,) = re.findall(r"```bash\n(host=.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (location,) = re.findall(r"```nginx\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    folder = tmp_path / "nginx"
    folder.mkdir()
    certificates = re.sub(r"^host=.*", "host=localhost", certificates)
    subprocess.run(["bash", "-ec", certificates], cwd=folder, check=True, capture_output=True)
    server, url, token = start_command("runs.db", "--port", "0")
    location = location.replace("http://127.0.0.1:8732", url)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    user = "user root;" if Path("/proc/self").stat().st_uid == 0 else ""
    settings = CONFIG.format(folder=folder, port=port, location=location, user=user)
    (folder / "nginx.conf").write_text(settings)
    nginx = subprocess.Popen([NGINX, "-e", folder / "errors", "-c", folder / "nginx.conf"])
    monkeypatch.setenv("TUNEWISE_TOKEN", token)
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "ca.pem"))
    deadline = time.monotonic() + 10
    while nginx.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            time.sleep(0.02)
    assert nginx.poll() is None, (folder / "errors").read_text()
    yield f"https://localhost:{port}/tuning", server
    nginx.terminate()
    nginx.wait(10)


def test_the_contract_of_a_log_is_kept(behind):
    log = open_log(behind[0])
    for check in LOG_CHECKS:
        check(lambda: open_log(behind[0]))
        for study in log.studies():
            log.delete(study)


def test_a_study_and_who_is_refused(behind, monkeypatch):
    url, server = behind
    study = tw.create_study("s", url, sampler="random", seed=1)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), 5, n_jobs=2)
    study.detach()
    assert [row.state.name for row in tw.load_study("s", url).trials] == ["COMPLETE"] * 5
    log = open_log(url)
    with monkeypatch.context() as other, pytest.raises(StorageError, match="refuses the token"):
        other.setenv("TUNEWISE_TOKEN", "another-token-of-length")
        open_log(url)
    with pytest.raises(SettingError, match="too large"):
        log.append("s", [Noted(0, {"a": "x" * MOST_BYTES})])
    server.kill()
    server.wait()
    monkeypatch.setattr(http, "_RETRY_SECONDS", 0.2)
    with pytest.raises(StorageUnreachable, match="502"):
        log.read("s", 0)
