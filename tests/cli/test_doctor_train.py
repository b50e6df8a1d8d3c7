"""The commands that look inside a training, on a training as its owner writes it."""

import json

import pytest

TRAIN = """
import torch, tunewise
from torch import nn
from torch.utils.data import TensorDataset

def data(n, seed):
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(0, 2, (n,), generator=g)
    return TensorDataset(torch.randn(n, 4, generator=g) + 3 * y[:, None], y)

train_set, val_set = data(120, 0), data(60, 1)

@tunewise.training(max_steps=40, batch_size=16, device="cpu")
def train(trial):
    width = trial.suggest_int("width", 8, 32, log=True)
    net = nn.Sequential(nn.Linear(4, width), nn.ReLU(), nn.Linear(width, 2))
    optimizer = trial.optimizer(net.parameters(), "adamw")
    for x, y in trial.batches(train_set):
        loss = nn.functional.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if trial.eval_due:
            trial.log(net, train_loss=loss, **tunewise.evaluate(net, val_set))
"""


@pytest.fixture
def target(tmp_path):
    path = tmp_path / "train.py"
    path.write_text(TRAIN)
    return f"{path}:train"


@pytest.mark.parametrize(("verb", "code"), [("doctor", "P1a"), ("steps", "P66"), ("stability", "P71")])
def test_a_training_is_looked_at_without_any_setting(run, target, verb, code):
    done = run(verb, target, "--metric", "error", "--json")
    assert done.exit_code in (0, 1, 2), done.output
    said = json.loads(done.stdout)
    codes = {finding["code"]: finding for finding in said["findings"]}
    assert code in codes
    if verb != "doctor":
        assert "width=16" in codes["P4"]["headline"]


def test_noise_says_which_configuration_it_measures(run, target):
    done = run("noise", target, "--metric", "error", "--seeds", "2")
    assert done.exit_code == 0, done.output
    assert "width=16, adamw.lr=0.001" in done.stderr


def test_a_given_value_is_used(run, target):
    done = run("steps", target, "--set", "width=8", "--metric", "error", "--json")
    assert "width" not in {f["code"]: f for f in json.loads(done.stdout)["findings"]}["P4"]["headline"]


def test_a_file_that_cannot_be_imported_is_told_so(run, tmp_path):
    (tmp_path / "train.py").write_text("import tunewise\n\nraise ValueError('twice.')\n")
    done = run("doctor", "train.py:train")
    assert done.exit_code == 3
    assert "failed with ValueError: twice." in " ".join(done.stderr.split())
