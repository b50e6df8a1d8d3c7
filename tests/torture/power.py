"""A power cut at every moment of a script: what was not synced is lost, in part or whole, in any order.

``python tests/torture/power.py sqlite [every]`` compiles ``faults.c``, starts itself again with it, prints JSON. Each call that
changes the store is noted; from the notes come images of the disk as a power cut may leave it. In each of them every batch that
was acknowledged as durable must be there, and the store must be usable.
"""

import ctypes
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).with_name("faults.c")
SECTOR = 512
TELLER = ctypes.CFUNCTYPE(
    None, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_long,
    ctypes.c_long,
)  # fmt: skip
N_BATCHES = 120


class Inode:
    """A file: what is on disk, and what was written since it was synced."""

    def __init__(self):
        self.safe, self.loose = bytearray(), []

    def sync(self):
        for change in self.loose:
            _apply(self.safe, change)
        self.loose.clear()

    def after_a_cut(self, dice):
        """The bytes, with some of the loose sectors."""
        found = bytearray(self.safe)
        for where, data in self.loose:
            if data is None:
                if dice.random() < 0.5:
                    _apply(found, (where, data))
                continue
            for start in range(0, len(data), SECTOR):
                if dice.random() < 0.5:
                    _apply(found, (where + start, data[start : start + SECTOR]))
        return found


def _apply(found, change):
    where, data = change
    end = where if data is None else where + len(data)
    found.extend(bytes(max(0, end - len(found))))
    if data is None:
        del found[where:]
    else:
        found[where:end] = data


class Disk:
    """Follows the calls. Names are safe when their folder is synced; of the loose ones a cut keeps the first few."""

    def __init__(self, base):
        self.base, self.names, self.safe, self.loose, self.open = base, {base: None}, {base: None}, [], {}

    def note(self, kind, fd, a, b, data, where):
        if kind == "open":
            if where & os.O_CREAT and a not in self.names:
                self._name(a, Inode())
            self.open[fd] = a if self.names.get(a) is None else self.names[a]
            if where & os.O_TRUNC:
                self.open[fd].loose.append((0, None))
        elif kind == "write":
            self.open[fd].loose.append((where, data))
        elif kind == "cut":
            self.open[fd].loose.append((where, None))
        elif kind == "sync":
            self._sync(self.open[fd])
        elif kind == "mkdir":
            self._name(a, None)
        elif kind in ("link", "rename"):
            self._name(b, self.names[a])
        if kind in ("unlink", "rename"):
            self._name(a, ...)

    def _name(self, path, inode):
        """Give a name to a file, or (None) to a folder, or (...) take it away."""
        self.loose.append((path, inode))
        _rename(self.names, path, inode)

    def _sync(self, what):
        if isinstance(what, Inode):
            return what.sync()
        for path, inode in self.loose:
            if _folder(path) == what:
                _rename(self.safe, path, inode)
        self.loose = [each for each in self.loose if _folder(each[0]) != what]
        return None

    def after_a_cut(self, dice, base):
        """Build an image in another folder."""
        names = dict(self.safe)
        for path, inode in self.loose[: dice.randrange(len(self.loose) + 1)]:
            _rename(names, path, inode)
        built = {}
        for path in sorted(names):
            target = Path(base + path.removeprefix(self.base))
            inode = names[path]
            if not target.parent.is_dir():
                continue  # its folder is gone
            if inode is None:
                target.mkdir()
            elif inode in built:
                os.link(built[inode], target)
            else:
                target.write_bytes(inode.after_a_cut(dice))
                built[inode] = target


def _folder(path):
    return path.rpartition("/")[0]


def _rename(names, path, inode):
    if inode is ...:
        names.pop(path, None)
    else:
        names[path] = inode


def run(kind, every=1):
    """Start this program with the shim; its report."""
    with tempfile.TemporaryDirectory() as folder:
        library = f"{folder}/faults.so"
        subprocess.run(
            ["gcc", "-shared", "-fPIC", "-O1", "-w", "-o", library, str(SOURCE), "-ldl"], check=True
        )
        command = [sys.executable, __file__, kind, str(every), library]
        environment = {**os.environ, "LD_PRELOAD": library}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def main():
    kind, every, library = sys.argv[1], int(sys.argv[2]), ctypes.CDLL(sys.argv[3])
    from tunewise.events import Noted, StudyCreated, StudyNoted
    from tunewise.records import Goal
    from tunewise.storage import directory, open_log
    from tunewise.storage.salvage import quick_check

    directory.BLOCK = 16  # so that a few batches fill blocks
    top = tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
    base = f"{top}/disk"
    Path(base).mkdir()
    url = {"sqlite": "sqlite:///{}/s.db", "directory": "dir:{}/runs"}[kind]
    batches = [[StudyCreated((Goal(),), 1, 0.0)]]
    batches += [
        [StudyNoted({"i": i}), Noted(0, {"long": "y" * (9000 if i % 10 == 0 else 30)})]
        for i in range(1, N_BATCHES)
    ]
    report = {"kind": kind, "calls": 0, "images": 0, "lost": 0, "broken": []}
    disk, dice, safe, images = Disk(base), random.Random(1), 0, []

    def judge(image, n_safe, n_written):
        """Whether an image has all that was durable when it was made, and can be used."""
        log = open_log(url.format(image))
        found = log.read("s", 0) if "s" in log.studies() else []
        damaged = [i for i, batch in enumerate(found) if batch != batches[i]]
        report["lost"] += n_written - len(found) + len(damaged)
        assert len(found) >= n_safe, f"{n_safe} were durable; {len(found)} are there"
        assert all(i >= n_safe and kind == "directory" for i in damaged), f"damaged: {damaged}"
        end = log.append("s", [StudyNoted({"more": 1})], durable=True, at=None if found else 0)
        assert log.read("s", end - 1) == [[StudyNoted({"more": 1})]], "the next batch is not at the end"
        assert log.read("s", 0)[: len(found)] == found, "the next batch has changed earlier ones"
        log.close()
        assert kind != "sqlite" or not quick_check(Path(image) / "s.db"), "SQLite finds damage"

    @TELLER
    def told(kind, fd, a, b, data, n, where):
        a, b = (None if each is None else os.fsdecode(each) for each in (a, b))
        disk.note(kind.decode(), fd, a, b, ctypes.string_at(data, n) if data else None, where)
        report["calls"] += 1
        if report["calls"] % every == 0:
            images.append((f"{top}/image{report['calls']}", safe))
            disk.after_a_cut(dice, images[-1][0])

    library.faults_arm(base.encode(), 7, ctypes.c_long(-1))
    library.faults_tell(told)
    log = open_log(url.format(base))
    for i, batch in enumerate(batches):
        log.append("s", batch, at=i, durable=i % 3 == 0)
        safe = safe if i % 3 else i + 1
        if i % 40 == 39:
            log.close()
        for image, n_safe in images:
            report["images"] += 1
            try:
                judge(image, n_safe, i + 1)
            except Exception as error:
                report["broken"].append([Path(image).name, f"{type(error).__name__}: {error}"])
            shutil.rmtree(image)
        images.clear()
    library.faults_tell(None)
    shutil.rmtree(top)
    print(json.dumps(report))


if __name__ == "__main__":
    if len(sys.argv) < 4:
        print(json.dumps(run(sys.argv[1], int((sys.argv[2:] or ["1"])[0]))))
    else:
        main()
