"""M1: a process that opens studies all day, and asks all day, keeps neither memory, nor files, nor threads."""

import gc
import multiprocessing
import os
import threading
import weakref
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from pathlib import Path

import pytest
from stores import IS_FULL, store

import tunewise as tw

N = 10_000 if IS_FULL else 100
MOST_GROWTH = (
    10e6 if IS_FULL else 6e6
)  # bytes that an allocator and caches may keep; a study that stayed would cost 25 kB


needs_proc = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc to see memory")


def held():
    """(resident bytes, open files, threads) of this process, after what can be freed was freed."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return (
        pages * os.sysconf("SC_PAGE_SIZE"),
        sum(1 for _ in Path("/proc/self/fd").iterdir()),
        threading.active_count(),
    )


def life(url):
    """A study from its creation to its end; nobody closes it."""
    study = tw.create_study("s", url, sampler="random", seed=0)
    for _ in range(3):
        trial = study.ask()
        trial.report(trial.suggest_float("x", 0, 1), 1)
        study.tell(trial, 0.5)
    assert tw.load_study("s", url).best_value == 0.5
    tw.delete_study("s", url)


def grown(url):
    """What a process of its own holds more, after many studies: (bytes, files, threads)."""
    tw.logging.set_verbosity(60)
    place = url or tw.storage.MemoryLog()
    for _ in range(N // 2):
        life(place)
    before = held()
    for _ in range(N):
        life(place)
    return tuple(b - a for a, b in zip(before, held(), strict=True))


def in_a_process_of_its_own(function, *arguments):
    """Where the memory of other tests does not come and go."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


@needs_proc
@pytest.mark.parametrize("kind", ["memory", "sqlite", "directory", "http", "postgresql", "redis"])
def test_studies_that_are_dropped_leave_nothing(kind, tmp_path):
    with nullcontext() if kind == "memory" else store(kind, tmp_path) as url:
        size, files, threads = in_a_process_of_its_own(grown, url)
    print(f"{N} studies, {kind}: {size / 1e6:+.2f} MB, files {files:+d}, threads {threads:+d}")
    assert size < MOST_GROWTH
    assert files <= 2
    assert threads <= 1


@pytest.mark.parametrize("kind", ["sqlite", "directory", "http", "postgresql", "mariadb", "redis"])
def test_a_study_goes_with_its_connections_when_it_is_dropped(kind, tmp_path):
    """Without waiting for the collector: a server has room for a hundred connections."""
    with store(kind, tmp_path) as url:
        life(url)  # the first one makes the tables
        study = tw.create_study("s", url, sampler="random")
        trial = study.ask()
        gc.collect()
        gc.disable()
        try:
            seen = weakref.ref(study), weakref.ref(study.storage)
            del study
            assert all(each() is not None for each in seen)  # a trial that lives needs its study
            trial.report(0.5, 1)
            del trial
            assert [each() for each in seen] == [None, None]
        finally:
            gc.enable()


def cost_of_a_trial():
    """Bytes."""
    tw.logging.set_verbosity(60)
    study = tw.create_study(sampler="random", seed=0)

    def ask(n):
        for _ in range(n):
            trial = study.ask()
            study.tell(trial, trial.suggest_float("x", 0, 1))

    ask(N)
    before = held()[0]
    ask(10 * N)
    return (held()[0] - before) / (10 * N)


@needs_proc
def test_a_trial_costs_what_it_holds():
    each = in_a_process_of_its_own(cost_of_a_trial)
    print(f"{each:.0f} bytes a trial")
    assert each < 2500
