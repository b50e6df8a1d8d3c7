"""The playbook end to end, reduced."""

import re


def test_it_runs_to_the_report(run_example, tmp_path):
    printed = run_example("digits_mlp.py", "--trials", 8, "--steps", 40, "--out", tmp_path)
    assert re.search(r"^(ADOPT|KEEP|UNDECIDED): ", printed, re.MULTILINE)
    assert 0 < float(re.search(r"measured once: ([\d.]+)%", printed).group(1)) < 90
    assert (tmp_path / "report.html").stat().st_size > 10_000
