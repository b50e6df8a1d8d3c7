"""The server and its client: who may come in, what is refused, and what survives lost answers and restarts."""

import contextlib
import http.client
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import tunewise as tw
from tunewise.errors import MissingExtra, SettingError, StorageError, StorageUnreachable
from tunewise.events import Noted, Reported, StudyNoted, Unreadable, encode
from tunewise.storage import MemoryLog, open_log
from tunewise.storage.http_run import listen, serve, token_of
from tunewise.storage.log import MOST_BYTES
from tunewise.storage.sqlite import SqliteLog
from tunewise.testing.logs import CREATED
from tunewise.testing.strategies import facts

COMMAND = Path(sys.executable).with_name("tunewise")


@pytest.fixture
def inner(tmp_path):
    log = SqliteLog(tmp_path / "served.db")
    log.append("s", [CREATED], at=0)
    return log


@pytest.fixture
def server(serve, inner):
    return serve(inner)


def send(server, path, body=None, method=None, token="a-token-for-tests", **headers):
    """(status, parsed answer) of a plain request."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    if token:
        headers.setdefault("Authorization", f"Bearer {token}")
    if data is not None:
        headers.setdefault("Content-Type", "application/json")
    connection.request(method or ("GET" if data is None else "POST"), path, data, headers)
    response = connection.getresponse()
    text = response.read()
    connection.close()
    return response.status, json.loads(text) if text.startswith(b"{") else text


@pytest.mark.parametrize("token", [None, "", "wrong", "a-token-for-test", "a-token-for-tests ", "ü"])
def test_nobody_comes_in_without_the_token(token, server, inner):
    for path, body in [
        ("/v1/studies", None),
        ("/v1/read", {"study": "s", "start": 0}),
        ("/v1/append", {"study": "s", "events": [["note", 0, {}]]}),
        ("/v1/beat", {"study": "s", "worker": "w", "stamp": "1"}),
        ("/v1/delete", {"study": "s"}),
    ]:
        headers = {} if token is None else {"Authorization": f"Bearer {token}".encode("latin-1")}
        assert send(server, path, body, token=None, **headers)[0] == 401
    assert len(inner.read("s", 0)) == 1
    assert inner.beat("s", "x", None) == {}


def test_the_client_says_that_the_token_is_wrong(server, monkeypatch):
    with pytest.raises(StorageError, match="TUNEWISE_TOKEN"):
        open_log(server.base)
    monkeypatch.setenv("TUNEWISE_TOKEN", "a-token-for-tests")
    assert open_log(server.base).studies() == ["s"]
    assert "token" not in open_log(server.url).url


def test_bodies_have_a_limit(server, inner):
    large = b'{"study": "s", "events": [["note", 0, {"a": "' + b"x" * (MOST_BYTES + 2**17) + b'"}]]}'
    assert send(server, "/v1/append", large)[0] == 413
    deep = b"[" * 100_000
    assert send(server, "/v1/append", deep)[0] == 422
    with pytest.raises(SettingError, match="too large"):
        open_log(server.url).append("s", [Noted(0, {"a": "x" * (MOST_BYTES + 1)})])
    assert len(inner.read("s", 0)) == 1


class Bomb:
    def __reduce__(self):
        return (os.mkdir, ("exploded",))


@pytest.mark.parametrize("kind", ["application/json", "application/octet-stream", "application/x-pickle"])
def test_what_comes_over_the_wire_is_never_unpickled_or_evaluated(kind, server, tmp_path):
    data = pickle.dumps(Bomb())
    code = "__import__('os').mkdir('exploded')"
    for path in ("read", "append", "beat", "delete"):
        assert send(server, f"/v1/{path}", data, **{"Content-Type": kind})[0] == 422
    status, _ = send(server, "/v1/append", {"study": "s", "events": [["note", 0, {"a": code, "$f": code}]]})
    assert status == 200
    assert len(tw.load_study("s", server.url, "random", "never").trials) == 0
    assert not (tmp_path / "exploded").exists()


def test_a_hostile_study_runs_nothing(server, tmp_path):
    code = "__import__('os').mkdir('exploded')"
    head = [
        "study",
        [["value", "minimize"]],
        1,
        0.0,
        None,
        {"name": code, "class": "os.mkdir"},
        {"name": code},
        {code: code},
    ]
    assert send(server, "/v1/append", {"study": "evil", "events": [head], "at": 0})[0] == 200
    with pytest.raises(tw.TunewiseError):
        tw.load_study("evil", server.url)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("read", {}),
        ("read", {"study": "s"}),
        ("read", {"study": 1, "start": 0}),
        ("read", {"study": "s", "start": -1}),
        ("read", {"study": "s", "start": True}),
        ("read", {"study": "s", "start": 1.5}),
        ("read", [1]),
        ("append", {"study": "s"}),
        ("append", {"study": "s", "events": []}),
        ("append", {"study": "s", "events": [["hologram"]]}),
        ("append", {"study": "s", "events": [["note", 0, {}]], "at": "1"}),
        ("append", {"study": "s", "events": [["note", 0, {}]], "op": ""}),
        ("append", {"study": "", "events": [["note", 0, {}]], "at": 0}),
        ("beat", {"study": "s", "worker": None}),
        ("beat", {"study": "s", "worker": "w" * 201, "stamp": "1"}),
        ("delete", {"study": ["s"]}),
    ],
)
def test_wrong_requests_are_refused_with_a_sentence(path, body, server, inner):
    status, answer = send(server, f"/v1/{path}", body)
    assert status == 422
    assert len(answer["message"]) > 15
    assert len(inner.read("s", 0)) == 1
    assert inner.studies() == ["s"]


@pytest.mark.parametrize("kind", ["memory", "sqlite", "directory", "postgresql", "mariadb", "redis"])
def test_no_text_makes_the_server_stumble(kind, opener, serve):
    log = opener(kind)()
    log.append("s", [CREATED], at=0)
    head, server = json.loads(encode([CREATED])), serve(log)
    for odd in (
        "\x00",
        "a\x00b",
        "\ud800",
        "x\udfffy",
        "é" * 300,
        "x" * 5000,
        "🎲",
        "../x",
        "'; --",
        "%s{0}",
    ):
        fact = [["note", 0, {odd: odd}]]
        for path, body in [
            ("read", {"study": odd, "start": 0}),
            ("append", {"study": odd, "events": head, "at": 0}),
            ("append", {"study": odd, "events": fact}),
            ("append", {"study": "s", "events": fact, "op": odd[:100]}),
            ("append", {"study": "s", "events": fact, "op": odd[:100]}),
            ("beat", {"study": odd, "worker": "w", "stamp": "1"}),
            ("beat", {"study": "s", "worker": odd[:200], "stamp": odd[:1000]}),
            ("beat", {"study": "s", "worker": odd[:200]}),
            ("delete", {"study": odd}),
        ]:
            assert send(server, f"/v1/{path}", body)[0] in (200, 404, 422), (path, body)
    assert send(server, "/v1/read", {"study": "s", "start": 2**53 - 1})[0] == 200
    assert log.studies() == ["s"]


def test_a_request_that_is_cut_in_the_middle_says_nothing_in_the_log(server, inner, caplog):
    """A worker that is killed while it sends: no traceback, nothing half written, and the next is served."""
    head = (
        "POST /v1/append HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a-token-for-tests\r\n"
        "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
    )
    before = inner.read("s", 0)
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
            connection.sendall(head.encode() + b'{"study": "s", ')
            time.sleep(0.05)
    time.sleep(0.2)
    assert send(server, "/v1/studies")[0] == 200
    assert inner.read("s", 0) == before
    assert "Traceback" not in caplog.text
    assert not [r for r in caplog.records if r.exc_info]


def test_unknown_paths_and_methods_do_nothing(server, inner):
    for path in ("/", "/v1/", "/v1/../etc/passwd", "/v2/studies", "/v1/studies/s", "//v1/studies"):
        assert send(server, path)[0] == 404
    for method, path in (
        ("GET", "/v1/delete"),
        ("DELETE", "/v1/studies"),
        ("PUT", "/v1/append"),
        ("POST", "/v1/studies"),
    ):
        assert send(server, path, {"study": "s"}, method=method)[0] == 405
    assert inner.studies() == ["s"]


def test_without_a_token_the_server_lets_in_whoever_comes(serve):
    server = serve(MemoryLog(), token=None)
    assert open_log(server.base).studies() == []


def test_a_damaged_batch_stays_one_over_the_wire(server, inner):
    import sqlite3

    inner.append("s", [StudyNoted({"a": 1})])
    with contextlib.closing(sqlite3.connect(inner.path)) as connection, connection:
        connection.execute("UPDATE batches SET body = 'x' WHERE seq = 1")
    inner.append("s", [StudyNoted({"b": 2})])
    first, damaged, last = open_log(server.url).read("s", 0)
    assert (first, last) == ([CREATED], [StudyNoted({"b": 2})])
    assert type(damaged[0]) is Unreadable


def test_a_long_log_comes_in_pages_and_compressed(server, inner, monkeypatch):
    monkeypatch.setattr("tunewise.storage.http_server._PAGE_BYTES", 50_000)
    for i in range(200):
        inner.append("s", [Noted(0, {"a": "x" * 2000, "i": i})])
    log = open_log(server.url)
    read = log.read("s", 0)
    assert [batch[0].attrs["i"] for batch in read[1:]] == list(range(200))
    assert log.read("s", 150) == read[150:]


def test_the_server_sees_what_others_write_beside_it(server, inner):
    log = open_log(server.url)
    assert len(log.read("s", 0)) == 1
    inner.append("s", [StudyNoted({"a": 1})])
    assert log.read("s", 1) == [[StudyNoted({"a": 1})]]
    log.append("s", [StudyNoted({"b": 2})])
    assert log.read("s", 0) == inner.read("s", 0)
    inner.delete("s")
    inner.append("s", [CREATED], at=0)
    inner.append("s", [StudyNoted({"new": 1})])
    log.append("s", [StudyNoted({"new": 2})])
    assert log.read("s", 0) == inner.read("s", 0)


class Cut:
    """A proxy that loses the answers, or drops connections, as told."""

    def __init__(self, port):
        self.port, self.mode = port, "pass"
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://a-token-for-tests@127.0.0.1:{self.socket.getsockname()[1]}"
        self.n_lost = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        server = socket.create_connection(("127.0.0.1", self.port))
        threading.Thread(target=self._pump, args=(server, client, "lose answers"), daemon=True).start()
        self._pump(client, server, "refuse")

    def _pump(self, source, target, fatal):
        try:
            while data := source.recv(2**16):
                if self.mode == fatal:
                    self.n_lost += 1
                    break
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self):
        self.socket.close()


@pytest.fixture
def cut(server):
    proxy = Cut(server.port)
    yield proxy
    proxy.close()


def test_a_lost_answer_writes_nothing_twice(cut, inner, monkeypatch):
    log = open_log(cut.url)
    log.append("s", [Reported(0, 0, {"a": 1.0}, 0.0)])
    cut.mode = "lose answers"
    threading.Timer(0.6, lambda: setattr(cut, "mode", "pass")).start()
    end = log.append("s", [StudyNoted({"once": True})], durable=True)
    assert cut.n_lost >= 2
    assert end == 3
    assert len(inner.read("s", 0)) == 3


def test_an_outage_ends_in_an_error_that_can_be_tried_again(cut, inner, monkeypatch):
    monkeypatch.setattr("tunewise.storage.http._RETRY_SECONDS", 0.3)
    log = open_log(cut.url)
    for mode in ("lose answers", "refuse"):
        cut.mode = mode
        with pytest.raises(StorageUnreachable, match="does not answer"):
            log.append("s", [StudyNoted({})], op="x")
    cut.mode = "pass"
    assert log.append("s", [StudyNoted({})], op="x") == 2
    assert len(inner.read("s", 0)) == 2


def test_tokens_are_made_once_and_kept_from_others(tmp_path, monkeypatch):
    monkeypatch.setenv("TUNEWISE_STATE", str(tmp_path / "state"))
    token = token_of("sqlite:///a.db", None)
    assert len(token) >= 43
    assert token_of("sqlite:///a.db", None) == token
    assert token_of("sqlite:///b.db", None) != token
    (file,) = [
        each for each in (tmp_path / "state").rglob("*") if each.is_file() and token in each.read_text()
    ]
    assert file.stat().st_mode & 0o077 == 0
    file.chmod(0o644)
    with pytest.raises(SettingError, match="chmod 600"):
        token_of("sqlite:///a.db", None)
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(SettingError, match="no token"):
        token_of("x", tmp_path / "empty")


def test_a_restart_in_mid_study_is_survived(start_command, monkeypatch):
    tw.logging.set_verbosity(50)
    process, url, token = start_command("runs.db", "--port", "0")
    port = url.rpartition(":")[2]
    monkeypatch.setenv("TUNEWISE_TOKEN", token)
    study = tw.create_study("s", url, sampler="random", seed=1)
    restarted = []

    def objective(trial):
        nonlocal process
        if trial.number == 3 and not restarted:
            process.send_signal(signal.SIGKILL)
            process.wait()
            process, *_ = start_command("runs.db", "--port", port)
            restarted.append(True)
        trial.report(trial.suggest_float("x", 0, 1), 0)
        return trial.suggest_float("x", 0, 1)

    try:
        study.optimize(objective, 8)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) is not None
    direct = tw.load_study("s", "runs.db")
    assert [t.state.name for t in direct.trials] == ["COMPLETE"] * 8
    assert all(len(t.curves["value"]) == 1 for t in direct.trials)


def test_the_command_refuses_to_be_open_to_all():
    done = subprocess.run(
        [COMMAND, "serve", "runs.db", "--host", "0.0.0.0", "--no-token"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert "--no-token" in done.stderr


def test_the_command_refuses_a_token_that_could_be_guessed():
    done = subprocess.run(
        [COMMAND, "serve", "runs.db", "--port", "0"],
        env={**os.environ, "TUNEWISE_TOKEN": "secret"}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert "could be guessed" in done.stderr
    assert "secret" not in done.stderr


@pytest.mark.parametrize(
    ("module", "package"), [("starlette.applications", "starlette"), ("uvicorn", "uvicorn")]
)
def test_a_server_without_its_packages_names_the_extra(module, package, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match=rf"{package}.*tunewise\[serve\]"), listen("127.0.0.1", 0) as sock:
        serve(MemoryLog(), sock, None)


def test_requests_keep_to_the_description(server):
    """Schemathesis makes requests from the OpenAPI description; no answer may contradict it."""
    import schemathesis

    schema = schemathesis.openapi.from_url(f"{server.base}/openapi.json")
    for operation in schema.get_all_operations():
        keeps_to_it(operation.ok())


def keeps_to_it(operation, n_examples=25):
    """Half of the requests are made to be about the study that is there, and a quarter have facts that can be read."""
    import schemathesis
    from hypothesis import HealthCheck, given, settings
    from hypothesis import strategies as st

    # Facts have rules that the description leaves to words, so not everything that it allows is accepted.
    acceptance = schemathesis.checks.CHECKS.get_by_names(
        ["positive_data_acceptance", "negative_data_rejection"]
    )
    is_append, is_delete = operation.path.endswith("append"), operation.path.endswith("delete")
    headers = {"Authorization": "Bearer a-token-for-tests"}
    batches = st.lists(facts(), min_size=1, max_size=3).map(lambda batch: json.loads(encode(batch)))

    @settings(
        max_examples=n_examples,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        derandomize=True,
    )
    @given(case=operation.as_strategy(), is_known=st.booleans(), batch=st.none() | batches)
    def check(case, is_known, batch):
        body = case.body if isinstance(case.body, dict) else {}
        is_changed = is_known and "study" in body and not is_delete
        if is_changed:
            body["study"] = "s"
        if is_changed and is_append and batch is not None:
            body["events"] = batch
        left_out = acceptance if is_append or is_changed else []
        case.call_and_validate(headers=headers, excluded_checks=left_out)

    check()


def test_time_is_bounded_where_the_server_hangs(monkeypatch):
    monkeypatch.setattr("tunewise.storage.http._TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr("tunewise.storage.http._RETRY_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        start = time.monotonic()
        with pytest.raises(StorageUnreachable, match="timed out"):
            open_log(f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert time.monotonic() - start < 3
