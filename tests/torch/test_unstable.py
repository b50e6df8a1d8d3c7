"""Stable and unstable trainings are told apart."""

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import TensorDataset

import tunewise as tw
from tunewise.playbook import Verdict
from tunewise.records import Goal
from tunewise.torch.digits import DEFAULTS, load_digits, make_train
from tunewise.torch.place import Place
from tunewise.torch.unstable import stability

PLACE = Place(goal=Goal("error"))


def probe(lr, **settings):
    train_set, val_set, _ = load_digits()
    return stability(make_train(train_set, val_set, 150), {**DEFAULTS, "nesterov.lr": lr}, PLACE, **settings)


def test_a_gentle_rate_is_stable_and_a_wild_one_is_not():
    gentle = probe(0.003)
    assert gentle.lr_unstable is None
    assert gentle.findings.verdict == Verdict.OK
    assert gentle.clip.low <= gentle.clip.value <= gentle.clip.high
    wild = probe(30.0)
    assert wild.lr_unstable is not None
    assert "P71" in {f.code for f in wild.findings.acts}
    assert all(f.command for f in wild.findings.acts)


def test_the_warm_up_search_answers():
    found = probe(2.0, steps=100, warmup=True)
    assert {f.code for f in found.findings} >= {
        "P71",
        "P72",
        "P74",
        "P75",
        "P76",
    } or found.lr_unstable is None


class PostNormed(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.norm, self.last = nn.Linear(8, 8), nn.LayerNorm(8), nn.Linear(8, 2)

    def forward(self, x):
        return self.last(self.norm(x + torch.relu(self.first(x))))


@pytest.mark.parametrize("lr", [1e-3, 100.0])
def test_remedies_come_in_order_and_only_where_something_is_unstable(lr):
    """The network that normalises x + f(x) is named."""
    rng = torch.Generator().manual_seed(0)
    data = TensorDataset(torch.randn(128, 8, generator=rng), torch.randint(0, 2, (128,), generator=rng))

    @tw.training(max_steps=60, batch_size=16, device="cpu")
    def train(trial):
        net = PostNormed()
        optimizer = trial.optimizer(net.parameters(), "nesterov")
        for x, y in trial.batches(data):
            optimizer.zero_grad()
            functional.cross_entropy(net(x), y).backward()
            optimizer.step()
            if trial.eval_due:
                trial.log(net, **tw.evaluate(net, data))

    config = {"nesterov.lr": lr, "nesterov.one_minus_momentum": 0.1}
    found = stability(train, config, PLACE)
    named = [f for f in found.findings if f.code == "P73"]
    assert bool(named) == bool(found.findings.acts)
    assert (lr == 100.0) == bool(named)
    if named:
        assert "1 layer normalises x + f(x) (norm)" in named[0].headline
        assert (
            named[0].headline.index("warm-up")
            < named[0].headline.index("clipping")
            < named[0].headline.index("f(norm")
        )


def test_clipping_most_steps_is_seen():
    """P77: at a tiny threshold every step is clipped, at a large one none."""
    train_set, val_set, _ = load_digits()
    for clip, verdict in ((1e-3, Verdict.ACT), (1e3, Verdict.OK)):
        train = make_train(train_set, val_set, 60).replan(clip=clip)
        found = stability(train, {**DEFAULTS, "nesterov.lr": 0.003}, PLACE)
        (said,) = [f for f in found.findings if f.code == "P77"]
        assert said.verdict == verdict


def test_a_trial_notes_what_clipping_did_and_the_check_reads_it():
    train_set, val_set, _ = load_digits()
    study = tw.create_study(goals={"error": "minimize"}, sampler="qmc", seed=0)
    study.optimize(make_train(train_set, val_set, 60).replan(clip=1e-3), 2)
    assert study.trials.attrs(0)["gradients"]["clipped"] == 1.0
    assert [f.verdict for f in tw.playbook.check(study.trials) if f.code == "P77"] == [Verdict.ACT]
