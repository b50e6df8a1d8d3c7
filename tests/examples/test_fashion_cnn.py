"""Two questions about a convolutional network, reduced: few trials of few steps."""

import re


def test_it_runs_to_the_report(run_example, shared_data, tmp_path):
    data = shared_data / "fashion_mnist" / "fashion_mnist.npz"
    printed = run_example(
        "fashion_cnn.py", "--data", data, "--trials", 16, "--steps", 4, "--limit", 300, "--out", tmp_path
    )
    assert len(re.findall(r"^(?:ADOPT|KEEP|UNDECIDED): ", printed, re.MULTILINE)) == 3
    assert 0 < float(re.search(r"measured once: ([\d.]+)", printed).group(1)) < 0.95
    assert (tmp_path / "fashion.html").exists()
