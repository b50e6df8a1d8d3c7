"""Stores with damage of every kind: what is intact is there, the rest is told, and the next write works."""

import json
import random
import sqlite3
import zlib
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stores import IS_FULL

import tunewise as tw
from tunewise.storage.records_file import parse, to_bytes

FACTS = [
    "study", "study+", "space", "queue", "start", "params", "params-", "report", "note", "constrain", "finish", "release",
    "withdraw", "artifact", "unknown", "",
]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 2**70) | st.floats() | st.sampled_from(["x", "", "minimize", "w"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["x", "value", "$f", "kind"]), inner, max_size=2),
    max_leaves=8,
)  # fmt: skip
HAND_MADE = [
    "", "null", "[]", "[[]]", "[null]", "{}", "[[1]]", "[[\"start\"]]", "[" * 100_000, "[[\"note\",0,{}]]" * 2, "\x00" * 4096,
    "[[\"note\",0,\"" + "y" * 7_000_000 + "\"]]", "[[\"finish\",0,99,null,null,0]]", "[[\"finish\",-7,2,[1],null,0]]",
    "[[\"start\",5,\"\",\"w\",0]]", "[[\"study\",[],1,0]]", "[[\"report\",0,-1,{\"a\":\"b\"},0]]", "[[\"space\",{\"x\":1}]]",
    "[[\"params\",0,{\"x\":\"q\"},{\"x\":[\"what\"]},0]]", "[[\"note\",1e999,{}]]", "[[\"start\",NaN,\"\",\"w\",0]]",
    "[[\"release\",0,\"w\",1,\"\",0],[\"release\",0,\"w\",1,\"\",0]]", "[[\"newer kind\",1,2,3]]",
]  # fmt: skip


def small_study(place):
    """Three trials, of which the last one is running; the study."""
    study = tw.create_study("s", place, sampler="random", seed=1)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), 2)
    study.ask().suggest_float("x", 0, 1)
    study.detach()
    return study


def use(place):
    """What must work on every store: reading it and running a trial; the table."""
    study = tw.load_study("s", place)
    before = len(study.trials)
    trial = study.ask()
    trial.suggest_float("y", 0, 1)
    study.tell(trial, 0.5)
    trials = tw.load_study("s", place).trials
    assert trials[trial.number].values == (0.5,)
    assert before <= len(trials)
    list(trials)
    study.detach()
    return trials


def add_raw(path, body, crc=None):
    """Append a batch as it is."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO batches SELECT 1, max(seq) + 1, ?, ?, NULL FROM batches", (body, crc))


@pytest.mark.parametrize("at", range(len(HAND_MADE)))
def test_batches_that_make_no_sense(at, tmp_path):
    path = tmp_path / "s.db"
    rows = list(small_study(path).trials)
    add_raw(path, HAND_MADE[at])
    trials = use(path)
    assert [row.values for row in trials][:2] == [row.values for row in rows][:2]


@settings(max_examples=2000 if IS_FULL else 40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.sampled_from(FACTS), st.lists(JSON, max_size=8)), min_size=1, max_size=3))
def test_facts_of_wrong_types(tmp_path_factory, facts):
    path = tmp_path_factory.mktemp("store") / "s.db"
    small_study(f"sqlite:///{path}?durability=normal")
    body = json.dumps([[tag, *fields] for tag, fields in facts])
    add_raw(path, body, zlib.crc32(body.encode()))
    use(path)


@pytest.mark.parametrize("position", [1, 3, -1])
def test_a_file_of_a_directory_log_that_is_cut_off_anywhere(position, tmp_path):
    rows = list(small_study(f"dir:{tmp_path}/runs").trials)
    files = sorted(tmp_path.glob("runs/logs/*/000000/*"))
    whole = files[position].read_bytes()
    for end in range(0, len(whole) - 1, 1 if IS_FULL else 29):
        files[position].write_bytes(whole[:end])
        trials = tw.load_study("s", f"dir:{tmp_path}/runs").trials
        assert len(trials.unreadable) >= 1
        same = [row.params == old.params for row, old in zip(trials, rows, strict=False)]
        assert sum(same) >= len(rows) - 1
    use(f"dir:{tmp_path}/runs")


@pytest.mark.parametrize("position", [1, 3])
def test_a_file_of_a_directory_log_with_any_bit_flipped(position, tmp_path):
    small_study(f"dir:{tmp_path}/runs")
    files = sorted(tmp_path.glob("runs/logs/*/000000/*"))
    whole = files[position].read_bytes()
    for place in range(0, len(whole), 1 if IS_FULL else 13):
        for bit in range(0, 8, 1 if IS_FULL else 5):
            data = bytearray(whole)
            data[place] ^= 1 << bit
            found = list(parse(bytes(data), position))
            assert not found or found[0].body == next(parse(whole, position)).body
    files[position].write_bytes(bytes(data))
    use(f"dir:{tmp_path}/runs")


def test_segments_with_noise_blank_lines_and_repeated_records():
    dice = random.Random(1)
    bodies = [json.dumps([["study+", {"i": i}]]) for i in range(50)]
    whole = [to_bytes(body, f"t{i}", i) for i, body in enumerate(bodies)]
    for _ in range(2000 if IS_FULL else 100):
        parts = []
        for record in whole:
            parts.append(record)
            parts += dice.choice(
                [[], [], [b"\n"], [b"\x00" * 100 + b"\n"], [record], [dice.randbytes(30)[:29] + b"\n"]]
            )
        dice.shuffle(parts)
        found = {record.position: record.body for record in parse(b"".join(parts), 0)}
        assert found == dict(enumerate(bodies))


def test_what_a_newer_program_writes_is_passed_over(tmp_path):
    path = tmp_path / "s.db"
    small_study(path)
    add_raw(path, '[["start",-1,"random","w2",0.5,"a new field",{"more":1}],["a new kind",1,2]]')
    trials = use(path)
    assert [row.number for row in trials] == [0, 1, 2, 3, 4]
    assert trials.unreadable == []
