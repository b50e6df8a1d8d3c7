"""Full blocks of a directory log lie in one file each: pages, gaps and damage are what they were before."""

import pytest

from tunewise.events import StudyNoted, Unreadable
from tunewise.storage import directory, open_log
from tunewise.testing.logs import CREATED

NOTES = [[CREATED], *([StudyNoted({"i": i})] for i in range(1, 14))]
BLOCK = 4


@pytest.fixture
def url(tmp_path, monkeypatch):
    """A log of three full blocks and a part of one."""
    monkeypatch.setattr(directory, "BLOCK", BLOCK)
    log = open_log(f"dir:{tmp_path}/runs")
    for position, batch in enumerate(NOTES):
        log.append("s", batch, at=position)
    assert len(list(tmp_path.glob("runs/logs/*/*.seg"))) == len(NOTES) // BLOCK
    return log.url


def test_pages_of_any_length_from_any_place(url):
    for start in range(len(NOTES) + 1):
        for most in range(1, len(NOTES) + 2):
            assert open_log(url).read("s", start, most) == NOTES[start : start + most]


def test_an_old_block_is_read_at_once(url, monkeypatch):
    read, files = directory.read_records, []

    def spy(file, position):
        files.append(file)
        return read(file, position)

    monkeypatch.setattr(directory, "read_records", spy)
    assert open_log(url).read("s", 0) == NOTES
    found = [file for file in files if file.endswith(".seg")]
    assert len(found) == len(set(found)) == -(-len(NOTES) // BLOCK)  # and is looked for in the last one
    assert (
        len(files) - len(found) == len(NOTES) % BLOCK + 1
    )  # the batches of the last one, and that no more is there


def test_damage_within_a_block_stays_at_its_place(url, tmp_path):
    (file,) = tmp_path.glob("runs/logs/*/000001.seg")
    data = file.read_bytes().replace(b'"i":5', b'"i":8')
    file.write_bytes(data)
    batches = open_log(url).read("s", 0)
    assert type(batches[5][0]) is Unreadable
    assert batches[:5] + batches[6:] == NOTES[:5] + NOTES[6:]
    assert open_log(url).read("s", 5, 2) == batches[5:7]
