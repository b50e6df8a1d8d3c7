"""Run files of Weights & Biases: any framing gives the records back; runs become trials; torn files lose only their end."""

import json
import math
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.errors import DataError
from tunewise.integrations.readers import read_study, wandb
from tunewise.records import TrialState

BLOCK = 32768


def varint(value):
    out = b""
    while True:
        out += bytes([value & 127 | (128 if value > 127 else 0)])
        value >>= 7
        if not value:
            return out


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def item(key, value):
    return field(1, key.encode()) + field(16, json.dumps(value).encode())


def framed(records):
    out = b":W&B" + (0xBEE1).to_bytes(2, "little") + b"\x00"
    for record in records:
        first = True
        while first or record:
            room = BLOCK - len(out) % BLOCK
            if room < 7:
                out += b"\x00" * room
                continue
            piece, record = record[: room - 7], record[room - 7 :]
            kind = (1 if first else 4) if not record else (2 if first else 3)
            out += zlib.crc32(bytes([kind]) + piece).to_bytes(4, "little") + len(piece).to_bytes(2, "little")
            out += bytes([kind]) + piece
            first = False
    return out


def run_file(i, steps=4, crashed=False, config=None, padding=0):
    config = config or {"lr": 10.0**-i, "model": {"width": 32 * (i + 1)}, "opt": "adam"}
    start = field(17, field(1, 1_700_000_000 + i))
    about = field(1, f"id{i}".encode()) + field(3, b"project") + field(8, f"run {i}".encode()) + start
    about += field(4, b"".join(field(1, item(k, v)) for k, v in config.items()))
    records = [field(1, 1) + field(17, about)]
    if padding:
        records.append(field(4, b"x" * padding))
    for step in range(steps):
        value = math.nan if (i, step) == (2, steps - 1) else i + 1 / (step + 1)
        pairs = {"val_loss": "NaN" if value != value else value, "_step": step, "_runtime": 3}
        records.append(field(2, b"".join(field(1, item(k, v)) for k, v in pairs.items())))
    last = "NaN" if i == 2 else i + 1 / steps
    records.append(field(3, field(1, item("val_loss", last)) + field(1, item("_wandb", {"runtime": 3}))))
    return framed([*records, *([] if crashed else [field(18, field(1, 0))])])


@pytest.fixture
def folder(tmp_path):
    for i in range(6):
        place = tmp_path / "wandb" / f"{'offline-' if i % 2 else ''}run-20260101_00000{i}-id{i}"
        place.mkdir(parents=True)
        (place / f"run-id{i}.wandb").write_bytes(run_file(i, crashed=i == 4, padding=50_000 * (i == 3)))
    return tmp_path


def test_runs_are_trials(folder):
    for place in (folder, folder / "wandb"):
        trials = read_study(place)
        assert trials.info.name == "project"
        assert [t.user_attrs["name"] for t in trials] == [f"run {i}" for i in range(6)]
        assert trials.row(3).params == {"lr": 1e-3, "model.width": 128}
        assert trials.row(3).curves["val_loss"] == {s: 3 + 1 / (s + 1) for s in range(4)}
        assert trials.row(3).value == 3.25
        assert trials.state[[2, 4]].tolist() == [TrialState.INFEASIBLE, TrialState.FAILED]


def test_a_torn_file_keeps_what_came_before(folder):
    path = folder / "wandb" / "run-20260101_000000-id0" / "run-id0.wandb"
    path.write_bytes(path.read_bytes()[:-30])
    trials = read_study(folder)
    assert len(trials) == 6
    assert len(trials.row(0).curves["val_loss"]) >= 3


def test_a_file_of_somebody_else_is_a_sentence(folder):
    path = folder / "wandb" / "run-20260101_000000-id0" / "run-id0.wandb"
    path.write_bytes(b"something else")
    with pytest.raises(DataError, match="no run file"):
        read_study(folder)


@given(st.lists(st.integers(0, 3 * BLOCK), max_size=5))
def test_any_framing_gives_the_records_back(tmp_path_factory, sizes):
    records = [bytes([i % 256]) * n for i, n in enumerate(sizes)]
    path = tmp_path_factory.mktemp("w") / "run-x.wandb"
    path.write_bytes(framed(records))
    assert list(wandb._records(path)) == records


@given(st.binary(max_size=200))
def test_no_bytes_bring_the_reader_down(tmp_path_factory, noise):
    path = tmp_path_factory.mktemp("w") / "run-x.wandb"
    path.write_bytes(framed([noise])[:-3] + noise)
    wandb._run(path)


def test_the_chart_export_of_the_pages_is_read(folder, tmp_path):
    pages = tmp_path / "export.csv"
    pages.write_text(
        "Name,State,Notes,User,Tags,Created,Runtime,Sweep,lr,val_loss\n"
        + "".join(
            f"run-{i},finished,-,me,,2026-01-01T00:00:0{i}.000Z,12,abc,{10.0**-i},{i + 0.5}\n"
            for i in range(8)
        )
    )
    trials = read_study(pages)
    assert trials.names == ("lr",)
    assert trials.goals[0].name == "val_loss"
    assert trials.row(2).user_attrs["Name"] == "run-2"
