"""kill -9 of random workers: no acknowledged result is lost, numbers are gapless, nothing stays running."""

import pytest
from kills import LEASE, torture
from stores import IS_FULL, store


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", ["sqlite", "directory", "postgresql", "http"])
def test_killed_workers_take_nothing_with_them(kind, tmp_path):
    with store(kind, tmp_path) as url:
        report = torture(kind, url, tmp_path, 300 if IS_FULL else 15)
    print(report)
    assert report.faults == 0, report
    assert report.acknowledged > report.kills / 2, report
    assert report.slowest_resolved <= LEASE, report
    if IS_FULL:  # a busy machine may stop a short run for longer
        assert report.longest_stall <= 1.0, report
