"""The demo tells its story to the end, and an earlier demo in the same folder stays."""

from __future__ import annotations

from pathlib import Path

import torch

from tunewise.study import study_names
from tunewise.torch.demo import run_demo

STAGES = ["Explore", "Check", "Exploit", "Measure the noise", "Decide", "Test, once", "Report"]


def test_the_story_from_beginning_to_end(tmp_path, capsys):
    threads = torch.get_num_threads()
    report = run_demo(tmp_path / "demo", quick=True)
    out, err = capsys.readouterr()
    assert out.splitlines()[-1] == str(report) == str(tmp_path / "demo" / "report.html")
    places = [out.index(stage) for stage in STAGES]
    assert places == sorted(places)
    assert "Test error" in out
    assert err == "", "the display takes the place of the log"
    assert torch.get_num_threads() == threads
    page = Path(report).read_text(encoding="utf-8")
    assert "Does noise on the inputs help?" in page


def test_a_second_demo_does_not_touch_the_first(tmp_path):
    storage = f"sqlite:///{tmp_path / 'tunewise.db'}"
    run_demo(tmp_path, quick=True)
    first = set(study_names(storage))
    run_demo(tmp_path, quick=True)
    assert {"digits", "digits-2"} <= set(study_names(storage))
    assert first <= set(study_names(storage))
