"""Files of a study: what goes in comes out, and no name or key leads out of its place."""

import hashlib
import io
import os
import sys
import uuid
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tunewise.errors import DataError, MissingExtra, SettingError, StorageError
from tunewise.storage.artifacts import Stored, checked, default_place, fetch, new_key, open_place

HOSTILE = [
    "", "/", "/etc/passwd", "//host/share", "..", "../x", "a/../b", "a/..", "./a", ".", "a//b", "a/", "\x00", "a\x00.png", "a\nb",
    "\\\\host\\share", "..\\x", "a\\b", "C:\\x", "C:x", "c:/x", "file:stream", "a*", "a?", "<a>", "a|b", 'a"b', "NUL", "con",
    "Com1.txt",
    "lpt9.tar.gz", "aux .txt", "a.", "a ", "a./b", "\ud800", "x" * 201, "é" * 101, "/".join(["a" * 99] * 11), "\x7f",
]  # fmt: skip
NAMES = [
    "loss.png",
    "plots/loss.png",
    "a b.txt",
    "...a",
    ".hidden",
    "größe.csv",
    "x" * 200,
    "step-00012.pt",
    "-rf",
]


@pytest.fixture(params=["folder", "file URL", "fsspec"])
def place(request, tmp_path):
    kinds = {
        "folder": str(tmp_path / "kept"),
        "file URL": f"file://{tmp_path}/kept",
        "fsspec": f"memory://{uuid.uuid4().hex}/kept",
    }
    return open_place(kinds[request.param])


def content_of(place, key):
    with place.open(key) as file:
        return file.read()


@given(data=st.binary(max_size=3000))
def test_what_goes_in_comes_out(place, tmp_path, data):
    key = new_key("s", 3, "a.bin")
    stored = place.write(key, io.BytesIO(data))
    assert stored == Stored(len(data), hashlib.sha256(data).hexdigest())
    fetch(place, key, stored, tmp_path / "out" / "a.bin")
    assert (tmp_path / "out" / "a.bin").read_bytes() == data == content_of(place, key)


@pytest.mark.parametrize("name", NAMES)
def test_names_that_every_system_takes(name, place):
    key = new_key("s", None, name)
    place.write(key, io.BytesIO(b"x"))
    assert content_of(place, key) == b"x"


@pytest.mark.parametrize("name", HOSTILE)
def test_names_that_are_none_are_refused_with_the_reason(name, place):
    for use in (checked, place.open, place.remove, lambda n: place.write(n, io.BytesIO(b"x"))):
        with pytest.raises(SettingError, match="cannot be the name of an artifact: "):
            use(name)


parts = st.sampled_from(
    ["..", ".", "", "a", "~", "C:", "\\", "\x00", "nul", "b.txt", "/", " ", "..\\..", "‥", "％2e", "%2e%2e"]
)
names = st.lists(parts | st.text(max_size=8), min_size=1, max_size=6).map("/".join) | st.text(max_size=20)


@given(name=names)
def test_no_name_leads_out_of_the_folder(tmp_path, name):
    area = tmp_path / uuid.uuid4().hex
    root = area / "deep" / "kept"
    root.mkdir(parents=True)
    place = open_place(str(root))
    before = everything_but(area, root)
    try:
        place.write(name, io.BytesIO(b"x"))
    except SettingError:
        return
    found = [Path(top) / file for top, _, files in os.walk(root) for file in files]
    assert root.joinpath(*name.split("/")) in found
    assert everything_but(area, root) == before
    place.remove(name)


def everything_but(folder, root):
    return sorted(str(each) for each in folder.rglob("*") if each != root and root not in each.parents)


@given(study=st.text(max_size=60), trial=st.none() | st.integers(0, 10**9), name=st.sampled_from(NAMES))
def test_keys_are_names_whatever_the_study_is_called(study, trial, name):
    key = new_key(study, trial, name)
    assert checked(key) == key
    assert key != new_key(study, trial, name)
    assert key.isascii() or not name.isascii()


@given(name=names)
def test_no_key_is_made_of_what_is_no_name(name):
    try:
        checked(name)
    except SettingError:
        with pytest.raises(SettingError):
            new_key("s", 0, name)
    else:
        assume(False)


@pytest.mark.parametrize("link", ["file", "folder", "dangling"])
def test_links_in_the_folder_are_not_followed(link, tmp_path):
    root, outside = tmp_path / "kept", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (outside / "secret").write_text("secret")
    place = open_place(str(root))
    if link == "folder":
        (root / "a").symlink_to(outside)
    else:
        (root / "a").mkdir()
        (root / "a" / "secret").symlink_to(outside / ("secret" if link == "file" else "new"))
    for use in (place.open, place.remove, lambda key: place.write(key, io.BytesIO(b"x"))):
        with pytest.raises(DataError, match="symbolic link"):
            use("a/secret")
    assert [each.read_text() for each in outside.iterdir()] == ["secret"]


def test_the_folder_itself_may_be_a_link(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "kept").symlink_to(tmp_path / "disk")
    place = open_place(str(tmp_path / "kept"))
    place.write("s/a", io.BytesIO(b"x"))
    assert (tmp_path / "disk" / "s" / "a").read_bytes() == b"x"


def test_what_was_changed_or_is_gone_is_not_fetched(place, tmp_path):
    stored = place.write("s/a", io.BytesIO(b"right"))
    place.remove("s/a")
    with pytest.raises(DataError, match=r"not (in|at)"):
        fetch(place, "s/a", stored, tmp_path / "out")
    place.write("s/a", io.BytesIO(b"wrong"))
    with pytest.raises(DataError, match="not the file that was stored"):
        fetch(place, "s/a", stored, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert list(tmp_path.glob(".*.part")) == []


def test_a_write_that_fails_leaves_nothing(tmp_path):
    class Torn(io.BytesIO):
        def read(self, _size=-1):
            raise OSError("the disk is gone")

    with pytest.raises(OSError, match="gone"):
        open_place(str(tmp_path / "kept")).write("s/a", Torn())
    assert [each for each in (tmp_path / "kept").rglob("*") if each.is_file()] == []


def test_a_file_and_its_folders_survive_a_power_cut(tmp_path, monkeypatch):
    """Each folder is synced after the file has its name there."""
    synced = []

    def note(folder):
        synced.append(Path(folder))
        assert (tmp_path / "all" / "1" / "2" / "model.pt").exists()

    monkeypatch.setattr("tunewise.storage.artifacts.sync_folder", note)
    open_place(str(tmp_path / "all")).write("1/2/model.pt", io.BytesIO(b"weights"))
    assert synced == [tmp_path / "all" / "1" / "2", tmp_path / "all" / "1", tmp_path / "all"]


def test_where_files_are_kept_unless_said_otherwise():
    assert default_place("sqlite:////data/runs.db") == "/data/runs.artifacts"
    assert default_place("dir:/data/runs") == "/data/runs/artifacts"
    assert default_place("memory") is None
    assert default_place("postgresql://host/runs") is None


def test_an_unknown_kind_of_url():
    with pytest.raises(StorageError, match="hologram"):
        open_place("hologram://user:secret@host/x")


def test_a_url_is_never_shown_with_its_secrets(place):
    assert "secret" not in repr(open_place("memory://user:secret@host"))


def test_a_url_without_fsspec_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(MissingExtra, match=r"fsspec.*tunewise\[artifacts\]"):
        open_place("memory://x/kept")
