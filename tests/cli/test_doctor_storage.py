"""What `tunewise doctor STORAGE` finds, and that a repair drops nothing."""

import json
import os
import subprocess
import sys
import time
from contextlib import closing

import pytest

import tunewise as tw
from tunewise.storage import open_log, snapshot


def look(run, *args):
    """(exit code, findings by code)."""
    result = run("doctor", *args, "--json")
    findings = json.loads(result.stdout)["findings"]
    return result.exit_code, {each["code"]: each for each in findings}


def start_and_die(place, **settings):
    """A trial whose worker is killed; returns when it is."""
    code = (
        "import os, sys, signal, tunewise as tw\n"
        "tw.load_study('s', sys.argv[1]).ask()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    tw.create_study("s", place, sampler="random", seed=1, **settings)
    subprocess.run([sys.executable, "-c", code, str(place)], check=False)


@pytest.fixture
def folder(run, tmp_path):
    """A directory log "runs" with one study of three trials."""
    study = tw.create_study("s", f"dir:{tmp_path}/runs", sampler="random", seed=1)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), 3)
    return tmp_path / "runs"


def test_a_sound_storage(run, tmp_path):
    tw.create_study("s", tmp_path / "runs.db", seed=1).tell(
        tw.load_study("s", tmp_path / "runs.db").ask(), 1.0
    )
    code, findings = look(run, "runs.db")
    assert code == 0
    assert "nothing wrong" in findings["S1"]["headline"]
    assert "1 trials: 1 complete" in findings["S2"]["headline"]


def test_a_running_trial_without_a_lease_is_no_damage(run, tmp_path):
    assert run("ask", "runs.db::s", "--space", '{"x": "0.0..1.0"}').exit_code == 0
    code, findings = look(run, "runs.db")
    assert code == 2
    assert "tell" in findings["S4"]["command"]
    tw.load_study("s", tmp_path / "runs.db").ask()  # nobody takes the first worker for dead
    assert tw.load_study("s", tmp_path / "runs.db").trials[0].state.name == "RUNNING"


def test_damaged_pages_are_found_and_the_rest_is_copied(run, tmp_path):
    path = tmp_path / "runs.db"
    study = tw.create_study("s", path, sampler="random", seed=1)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), 100)
    study.storage.close()
    data = bytearray(path.read_bytes())
    data[5 * 4096 : 6 * 4096] = os.urandom(4096)
    path.write_bytes(data)
    code, findings = look(run, "runs.db")
    assert code == 1
    assert "--repair" in findings["S1"]["command"]
    assert not (tmp_path / "runs-salvaged.db").exists()
    code, findings = look(run, "runs.db", "--repair")
    assert code == 1
    assert "runs-salvaged.db" in findings["S1"]["headline"]
    assert path.read_bytes() == bytes(data)
    saved = tw.load_study("s", tmp_path / "runs-salvaged.db")
    assert len(saved.trials) > 50
    before = {trial.number: trial.params for trial in study._trials}
    assert all(before[trial.number] == trial.params for trial in saved.trials if trial.params)


def test_a_damaged_fact_is_named(run, tmp_path):
    import sqlite3

    study = tw.create_study("s", tmp_path / "runs.db", seed=1)
    study.tell(study.ask(), 1.0)
    with closing(sqlite3.connect(tmp_path / "runs.db")) as connection, connection:
        connection.execute("UPDATE batches SET body = '[]' WHERE seq = 2")
    code, findings = look(run, "runs.db")
    assert code == 1
    assert "position 2" in findings["S2"]["headline"]


@pytest.mark.parametrize("on_lost", ["fail", "retry"])
def test_trials_of_dead_workers_are_resolved(on_lost, run, tmp_path):
    start_and_die(tmp_path / "runs.db", on_lost=on_lost)
    code, findings = look(run, "runs.db")
    assert code == 1
    assert "trial 0" in findings["S4"]["headline"]
    assert look(run, "runs.db", "--repair")[0] == 0
    state = tw.load_study("s", tmp_path / "runs.db").trials[0].state.name
    assert state == {"fail": "FAILED", "retry": "QUEUED"}[on_lost]
    assert look(run, "runs.db")[0] == 0


def test_a_batch_file_that_is_gone_hides_nothing_after_the_repair(run, folder):
    log = open_log(f"dir:{folder}")
    whole = log.read("s", 0)
    (victim,) = folder.glob("logs/*/000000/0004")
    victim.unlink()
    assert len(open_log(f"dir:{folder}").read("s", 0)) == 4
    code, findings = look(run, f"dir:{folder}")
    assert code == 1
    assert "1 batches are missing (4)" in findings["S1"]["headline"]
    look(run, f"dir:{folder}", "--repair")
    again = open_log(f"dir:{folder}").read("s", 0)
    assert again[:4] + again[5:] == whole[:4] + whole[5:]


def test_leftovers_are_removed_when_they_are_old(run, folder):
    (tmp,) = folder.glob("logs/*/tmp")
    for name, age in (("old", 7200), ("new", 0)):
        (tmp / name).write_bytes(b"x")
        os.utime(tmp / name, (time.time() - age,) * 2)
    assert "1 temporary files" in look(run, f"dir:{folder}")[1]["S6"]["headline"]
    look(run, f"dir:{folder}", "--repair")
    assert {each.name for each in tmp.iterdir()} == {"new"}


def test_a_damaged_snapshot_is_only_a_cache(run, folder):
    file = snapshot.file_of(open_log(f"dir:{folder}"), "s")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"not a snapshot")
    code, findings = look(run, f"dir:{folder}", "--repair")
    assert code == 0
    assert "damaged" in findings["S5"]["headline"]
    assert not file.exists()


def test_what_is_no_storage_is_refused(run, tmp_path):
    (tmp_path / "notes.db").write_text("these are notes, and no database at all")
    result = run("doctor", "notes.db")
    assert result.exit_code == 1
    assert "not a database" in result.output
    result = run("doctor", "none.db")
    assert result.exit_code != 0
