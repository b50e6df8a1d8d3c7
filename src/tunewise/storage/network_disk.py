"""Whether a folder lies on a network file system (Linux; elsewhere the answer is "not known to be")."""

from __future__ import annotations

from pathlib import Path

_NETWORK_KINDS = {
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "lustre",
    "gpfs",
    "beegfs",
    "glusterfs",
    "ceph",
    "afs",
    "9p",
}
_NETWORK_PREFIXES = ("fuse.sshfs", "fuse.s3fs", "fuse.gcsfuse", "fuse.rclone", "fuse.glusterfs")


def network_file_system(folder: Path, mounts: Path = Path("/proc/self/mounts")) -> str | None:
    """The kind of network file system that ``folder`` lies on ("nfs4", ...), or None for a local one.

    ``mounts`` is a table as the kernel writes it: device, place and kind, in the order of mounting.
    """
    if not mounts.exists():
        return None
    place = folder.resolve()
    best, kind = -1, ""
    for line in mounts.read_text(errors="replace").splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        root = Path(fields[1].replace("\\040", " "))
        # the last of several mounts on one place counts: an automounter lies under what it has mounted
        if len(root.parts) >= best and place.is_relative_to(root):
            best, kind = len(root.parts), fields[2]
    return kind if kind in _NETWORK_KINDS or kind.startswith(_NETWORK_PREFIXES) else None
