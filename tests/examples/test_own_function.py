"""The plain example finds a good point, and goes on where it ended."""

import re


def test_it_finds_a_good_point_and_goes_on(run_example):
    first = run_example("own_function.py").splitlines()
    assert any(line.startswith("30 trials") for line in first)
    second = run_example("own_function.py")
    n_trials, value = re.search(r"^(\d+) trials; .* with ([\d.]+)", second, re.MULTILINE).groups()
    assert n_trials == "60"
    assert 0.05 < float(value) < 0.06
