"""The article's script runs with its import line changed and nothing else."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.fixture
def article() -> Path:
    texts = sorted((ROOT.parent / "shared" / "seed").glob("*.txt"))
    if not texts:
        pytest.skip("the article's text is absent: ../shared/seed has no .txt file")
    return texts[0]


@pytest.fixture
def example():
    spec = importlib.util.spec_from_file_location("article_example", ROOT / "examples" / "article.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_one_line_differs(article, example):
    script = example.script_in(article.read_text(encoding="utf-8"))
    before, after = script.splitlines(), example.on_tunewise(script).splitlines()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert changed == [("import optuna", "import tunewise.optuna as optuna")]
    assert script in article.read_text(encoding="utf-8") + "\n"


def test_the_article_runs_to_its_end(article, run_example, shared_data):
    """All its 100 trials, on 96 images (the stand-in for torchvision gives no more)."""
    printed = run_example(
        "article.py", article, extra_path=HERE / "fake_torchvision", TUNEWISE_DATA=str(shared_data)
    )
    logged = re.findall(r"Trial (\d+) finished with value: (\S+) and parameters: \{(.*?)\}", printed)
    assert [int(number) for number, _, _ in logged] == list(range(100))
    best = max(float(value) for _, value, _ in logged)
    tail = printed[printed.index("Best trial:") :]
    assert float(re.search(r"Value: (\S+)", tail).group(1)) == best
    names = re.findall(r"^    (\w+): ", tail, re.MULTILINE)
    assert names == ["lr", "momentum", "weight_decay", "num_layers", "hidden_size", "dropout"]


@pytest.mark.parametrize("text", ["import numpy\nprint(1)\n", "import optuna\nimport optuna\n"])
def test_a_script_without_that_one_import_is_refused(example, text):
    with pytest.raises(SystemExit, match="lines `import optuna`"):
        example.on_tunewise(example.script_in(text))


def test_a_plain_script_is_taken_whole(example):
    text = "import optuna\n\n\ndef f():\n    return 1\n\n\nprint(f())\n"
    assert example.script_in(text) == text
