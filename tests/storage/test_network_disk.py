"""Which file system a folder lies on, told from the kernel's table of mounts."""

from pathlib import Path

import pytest

from tunewise.storage.network_disk import network_file_system

TABLE = """\
/dev/sda1 / ext4 rw 0 0
proc /proc proc rw 0 0
auto.home {base}/home autofs rw 0 0
server:/home {base}/home nfs4 rw,vers=4.2 0 0
tmpfs {base}/home/scratch tmpfs rw 0 0
//nas/data {base}/my\\040data cifs rw 0 0
me@host:/x {base}/ssh fuse.sshfs rw 0 0
portal {base}/doc fuse.portal rw 0 0
server:/b {base}/b nfs rw 0 0
/dev/sdb1 {base}/b xfs rw 0 0
broken line
"""


@pytest.fixture
def kind_of(tmp_path):
    """From a path below the base to the kind of its file system, if that is a network's."""
    mounts = tmp_path / "mounts"
    mounts.write_text(TABLE.format(base=tmp_path))
    return lambda below: network_file_system(tmp_path / below, mounts)


@pytest.mark.parametrize(
    ("below", "kind"),
    [
        ("", None),
        ("home", "nfs4"),  # although the automounter is mounted there too
        ("home/me/runs", "nfs4"),
        ("home/scratch/x", None),
        ("homework", None),
        ("my data/x", "cifs"),
        ("ssh", "fuse.sshfs"),
        ("doc", None),
        ("b/x", None),  # a local disk was mounted over it
    ],
)
def test_the_last_mount_of_the_longest_path_counts(kind_of, below, kind):
    assert kind_of(below) == kind


def test_links_are_followed(kind_of, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "home")
    assert kind_of("link") == "nfs4"
    assert kind_of("home/../other") is None


def test_where_there_is_no_table_nothing_is_known(tmp_path):
    assert network_file_system(Path("/"), tmp_path / "nothing") is None


def test_the_table_of_this_machine_can_be_read(tmp_path):
    assert network_file_system(tmp_path) is None
