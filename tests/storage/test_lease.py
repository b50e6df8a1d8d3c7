"""Who is alive is judged without comparing clocks."""

import os
import subprocess
import sys
import time

import pytest

from tunewise.storage import lease
from tunewise.storage.lease import BEATS, CROWD, LOOKS, Pulse, Stamps, Watch, is_gone, new_worker, whereabouts


def test_workers_have_names_of_their_own():
    names = {new_worker() for _ in range(1000)}
    assert len(names) == 1000
    assert all(str(os.getpid()) in name for name in names)


def test_stamps_never_repeat():
    stamps = Stamps()
    assert len({stamps.next() for _ in range(100)}) == 100


def test_a_worker_is_lost_after_some_looks_without_a_new_stamp():
    watch = Watch()
    for look in range(LOOKS + 3):
        lost = watch.lost({"dead": "7", "alive": str(look)})
        assert lost == (["dead"] if look >= LOOKS else [])


def test_a_new_stamp_starts_the_count_anew():
    watch = Watch()
    stamps = ["1"] * LOOKS + ["2"] * LOOKS + ["3"]
    assert [watch.lost({"slow": stamp}) for stamp in stamps] == [[]] * len(stamps)


def test_looks_that_did_not_happen_do_not_count():
    """An outage, a suspended looker: however long, only what was seen again and again is lost."""
    watch = Watch()
    watch.lost({"w": "1"})
    time.sleep(0.05)
    assert watch.lost({"w": "1"}) == []


def test_beats_without_a_look_count():
    watch = Watch()
    assert watch.lost({"w": "1"}) == []
    for _ in range(LOOKS - 1):
        watch.pass_by()
    assert watch.lost({"w": "1"}) == ["w"]


def test_in_a_crowd_few_look():
    """Each of 1,000 workers in one of 60 beats; among a few, all of them always."""
    few, crowd = Watch(), Watch()
    few.lost({str(i): "1" for i in range(CROWD)})
    crowd.lost({str(i): "1" for i in range(1000)})
    assert all(few.is_due() for _ in range(1000))
    n_looks = sum(crowd.is_due() for _ in range(10_000))
    assert 0 < n_looks < 400  # 160 expected


def test_a_crowd_notices_who_is_lost(monkeypatch):
    """A thousand workers, of which 16 look at a time, notice a hanging one within two leases."""
    watches = [Watch() for _ in range(1000)]
    stamps = dict.fromkeys(map(str, range(1000)), "0")
    for watch in watches:
        watch.lost(stamps)
    for beat in range(1, 2 * BEATS + 1):
        stamps = {worker: "0" if worker == "7" else str(beat) for worker in stamps}
        for watch in watches:
            if not watch.is_due():
                watch.pass_by()
            elif watch.lost(stamps) == ["7"]:
                return
    raise AssertionError("nobody noticed")


def test_a_worker_that_left_is_forgotten():
    watch = Watch()
    for _ in range(LOOKS):
        watch.lost({"w": "1"})
    watch.lost({})
    assert watch.lost({"w": "1"}) == []


@pytest.mark.skipif(not whereabouts(), reason="this system does not say which processes there are")
def test_a_process_that_is_gone_is_lost_at_once():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    where = whereabouts(child.pid)
    assert not is_gone(where)
    assert Watch().lost({"w": f"1 {where}"}) == []
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert is_gone(where)  # though its parent has not taken notice yet
    child.wait()
    assert is_gone(where)
    assert Watch().lost({"w": f"1 {where}"}) == ["w"]


def test_who_has_just_renewed_its_stamp_is_not_looked_for(monkeypatch):
    asked = []
    monkeypatch.setattr(
        "tunewise.storage.lease.is_gone", lambda where: asked.append(where) or where == "gone"
    )
    watch = Watch()
    assert watch.lost({"a": "1 here", "b": "1 here"}) == []
    assert watch.lost({"a": "2 here", "b": "2 gone"}) == []
    assert asked == ["here", "here"]
    assert watch.lost({"a": "3 here", "b": "2 gone"}) == ["b"]
    assert asked == ["here", "here", "gone"]


def test_what_cannot_be_known_is_not_claimed(monkeypatch):
    here = whereabouts()
    boot, _, rest = here.partition("/")
    for where in (
        "",
        "nonsense",
        "a/b/c/d",
        here,
        f"{boot[:-1]}x/{rest}",
        here.replace("pid:[", "pid:[9"),
        "//pid:/x/y",
    ):
        assert not is_gone(where), where
    if here:
        other = here.rsplit("/", 1)[0] + "/1"  # the number was given to another process since
        assert is_gone(other)
    monkeypatch.setattr(lease, "_home", lambda: "")
    assert not is_gone(here)


def test_a_pulse_beats_until_it_is_told_to_end_or_its_owner_is_gone():
    beats = []
    pulse = Pulse(lambda: beats.append(1) or True, 0.06)
    deadline = time.monotonic() + 5
    while len(beats) < 3 and time.monotonic() < deadline:
        time.sleep(0.005)
    pulse.stop()
    pulse._thread.join(5)
    assert len(beats) >= 3
    short = Pulse(lambda: False, 0.01)
    short._thread.join(5)
    assert not short._thread.is_alive()
