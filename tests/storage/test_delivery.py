"""Facts reach the log once, in order, and none is lost while the storage is away."""

import json
import subprocess
import sys

import pytest

from tunewise.errors import StorageUnreachable
from tunewise.events import Noted, StudyNoted
from tunewise.storage import MemoryLog
from tunewise.storage import delivery as module
from tunewise.storage.delivery import Delivery
from tunewise.storage.lease import whereabouts
from tunewise.testing.logs import CREATED


class Away:
    """A log that can be away; `forgetful`, it writes but its answer is lost."""

    url = "away"

    def __init__(self):
        self.log = MemoryLog()
        self.log.append("s", [CREATED], at=0)
        self.mode = ""

    def append(self, *args, **extra):
        if self.mode == "away":
            raise StorageUnreachable("gone")
        end = self.log.append(*args, **extra)
        if self.mode == "forgetful":
            raise StorageUnreachable("no answer")
        return end

    def facts(self):
        return [fact for batch in self.log.read("s", 1) for fact in batch]


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("TUNEWISE_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def log():
    return Away()


def kept(state):
    return sorted(state.rglob("*.jsonl"))


def test_what_is_posted_during_an_outage_arrives_afterwards_in_order(log, state):
    delivery = Delivery(log, "s")
    assert delivery.post([Noted(0, {"i": 0})]) == 2
    log.mode = "away"
    for i in range(1, 4):
        assert delivery.post([Noted(0, {"i": i})], durable=i == 3) is None
    assert delivery.is_behind
    (file,) = kept(state)
    assert file == delivery.file
    assert file.stat().st_mode & 0o077 == 0
    assert file.parent.stat().st_mode & 0o077 == 0
    with pytest.raises(StorageUnreachable):
        delivery.append([StudyNoted({})], delivery.next_op())
    log.mode = ""
    assert delivery.append([Noted(0, {"i": 4})], delivery.next_op()) == 6
    assert [fact.attrs["i"] for fact in log.facts()] == list(range(5))
    assert not delivery.is_behind
    assert kept(state) == []


def test_lost_answers_write_nothing_twice(log, state):
    delivery = Delivery(log, "s")
    log.mode = "forgetful"
    for i in range(3):
        assert delivery.post([Noted(0, {"i": i})]) is None
    op = delivery.next_op()
    for _ in range(3):
        with pytest.raises(StorageUnreachable):
            delivery.append([Noted(0, {"i": 3})], op)
    log.mode = ""
    delivery.append([Noted(0, {"i": 3})], op)
    delivery.catch_up()
    assert [fact.attrs["i"] for fact in log.facts()] == list(range(4))
    assert kept(state) == []


def test_what_a_process_could_not_deliver_is_delivered_by_the_next(log, state, monkeypatch):
    first = Delivery(log, "s")
    log.mode = "away"
    first.post([Noted(0, {"i": 0})], durable=True)
    first.post([Noted(0, {"i": 1})])
    (file,) = kept(state)
    head, *lines = file.read_text().splitlines()
    log.mode = ""
    other = Delivery(log, "s")
    other.adopt()
    assert log.facts() == []  # its owner is alive
    gone = subprocess.Popen([sys.executable, "-c", ""])
    where = whereabouts(gone.pid)
    gone.wait()
    file.write_text("\n".join([json.dumps({**json.loads(head), "where": where}), *lines, '["torn']))
    other.adopt()
    assert [fact.attrs["i"] for fact in log.facts()] == [0, 1]
    assert kept(state) == []
    first.catch_up()  # had it lived after all: nothing is written twice
    assert len(log.facts()) == 2


def test_a_file_that_makes_no_sense_harms_nobody(log, state, caplog):
    folder = module._folder(log.url, "s")
    folder.mkdir(parents=True)
    (folder / "a.jsonl").write_text("nonsense\n")
    (folder / "b.jsonl").write_bytes(b"\xff\xfe")
    Delivery(log, "s").adopt()
    assert log.facts() == []
    assert len(kept(state)) == 2


def test_a_full_disk_does_not_stop_the_outbox(log, state, monkeypatch):
    def full(self):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Delivery, "_new_file", full)
    delivery = Delivery(log, "s")
    log.mode = "away"
    assert delivery.post([Noted(0, {"i": 0})], durable=True) is None
    assert delivery.file is None
    log.mode = ""
    assert delivery.post([Noted(0, {"i": 1})]) is None  # it waits its turn
    delivery.catch_up()
    assert [fact.attrs["i"] for fact in log.facts()] == [0, 1]


def test_names_of_operations_never_repeat(log):
    names = {delivery.next_op() for delivery in (Delivery(log, "s"), Delivery(log, "s")) for _ in range(100)}
    assert len(names) == 200
    assert max(map(len, names)) <= 40
