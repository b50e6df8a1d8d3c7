"""Trainings with one planted mistake each, and clean ones in the many ways in which people write them."""

from __future__ import annotations

import copy
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Subset, TensorDataset

import tunewise as tw
from tunewise.records import Goal

ERROR, ACCURACY, LOSS = Goal("error"), Goal("accuracy", "maximize"), Goal("loss")


def make_data(n=230, seed=0):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 3, (n,), generator=generator)
    return TensorDataset(torch.randn(n, 6, generator=generator) + 2 * F.one_hot(labels, 6), labels)


TRAIN, VAL = make_data(), make_data(103, 1)


def net(dropout=0.0, norm=False):
    layers = [nn.Linear(6, 16), *([nn.BatchNorm1d(16)] if norm else []), nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*layers, nn.Linear(16, 3))


def accuracy_of(model, data, batch_size=25, eval_mode=True, per_batch=False, no_grad=True):
    model.train(not eval_mode)
    hits, shares = 0, []
    with torch.set_grad_enabled(not no_grad):
        for x, y in DataLoader(data, batch_size):
            right = (model(x).argmax(1) == y).sum().item()
            hits += right
            shares.append(right / len(y))
    model.train()
    return sum(shares) / len(shares) if per_batch else hits / len(data)


def plain(**bug):
    """An Optuna-style objective with its own loaders; each keyword plants one mistake."""

    def objective(trial):
        torch.manual_seed(0 if bug.get("seed_ignored") else trial.seed)
        order = torch.Generator().manual_seed(0 if bug.get("seed_ignored") else trial.seed)
        lr = trial.suggest_float("lr", 0.05, 0.2, log=True)
        if bug.get("batch_size_searched"):
            trial.suggest_int("batch_size", 16, 64)
        model = bug["model"]() if "model" in bug else net(bug.get("dropout", 0.2), bug.get("norm", False))
        if "resume" in bug and Path(bug["resume"]).exists():
            model.load_state_dict(torch.load(bug["resume"], weights_only=True))
        kind = bug.get("optimizer", lambda p: torch.optim.SGD(p, lr))
        optimizer = kind(model.parameters())
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 5, 0.5) if "schedule" in bug else None
        data = bug.get("train", TRAIN)
        loader = DataLoader(data, 23, shuffle=not bug.get("unshuffled"), generator=order,
                            drop_last=bug.get("drop_last", True))  # fmt: skip
        k = bug.get("accumulate", 1)
        frozen = copy.deepcopy(model) if bug.get("stale") else None
        best, kept = -1.0, None
        for epoch in range(6):
            model.train()
            for i, (x, y) in enumerate(loader):
                if bug.get("augment"):
                    x = x + 0.1 * torch.randn_like(x)
                loss = F.cross_entropy(model(x), y) / (1 if bug.get("summed") else k)
                loss.backward()
                if (i + 1) % k == 0:
                    optimizer.step()
                    optimizer.zero_grad()
            if bug.get("schedule") == "stepped":
                scheduler.step()
            accuracy = accuracy_of(frozen or model, bug.get("val", VAL), **bug.get("evaluate", {}))
            if accuracy > best:
                best = accuracy
                kept = model.state_dict() if bug.get("by_reference") else copy.deepcopy(model.state_dict())
            said = float("nan") if bug.get("nan") else accuracy
            trial.report({bug.get("metric", "accuracy"): said}, epoch)
        if "resume" in bug:
            torch.save(model.state_dict(), bug["resume"])
        if kept is not None and bug.get("restore"):
            model.load_state_dict(kept)
            return accuracy_of(model, VAL)
        return best

    return objective


def unseeded(trial):
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for epoch in range(3):
        for x, y in DataLoader(TRAIN, 23, shuffle=True):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        trial.report({"accuracy": accuracy_of(model, VAL)}, epoch)


test_set = VAL


def on_test_set(trial):
    torch.manual_seed(trial.seed)
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for epoch in range(3):
        for x, y in DataLoader(TRAIN, 23, shuffle=True):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        trial.report({"accuracy": accuracy_of(model, test_set)}, epoch)


def trained(
    kind="adamw",
    norm=False,
    dropout=0.2,
    train_set=TRAIN,
    val_set=VAL,
    train_error=False,
    max_steps=60,
    ema=False,
):
    @tw.training(max_steps=max_steps, batch_size=23, device="cpu")
    def train(trial):
        model = net(dropout, norm).to(trial.device)
        averaged = torch.optim.swa_utils.AveragedModel(model) if ema else None
        optimizer = trial.optimizer(model.parameters(), kind)
        for x, y in trial.batches(train_set):
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if averaged is not None:
                averaged.update_parameters(model)
            if trial.eval_due:
                extra = {"train_error": tw.evaluate(model, train_set)["error"]} if train_error else {}
                trial.log(model, train_loss=loss, **extra, **tw.evaluate(averaged or model, val_set))

    return train


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(6, 3), nn.Tanh(), nn.Linear(3, 6))

    def forward(self, x):
        return self.inner(x)


def regression(trial):
    torch.manual_seed(trial.seed)
    model, x = Autoencoder(), TRAIN.tensors[0]
    optimizer = torch.optim.Adam(model.parameters(), trial.suggest_float("lr", 1e-3, 1e-2, log=True))
    for step in range(60):
        rows = torch.randperm(len(x))[:32]
        optimizer.zero_grad()
        F.mse_loss(model(x[rows]), x[rows]).backward()
        optimizer.step()
        if step % 10 == 9:
            with torch.no_grad():
                trial.report({"loss": F.mse_loss(model(VAL.tensors[0]), VAL.tensors[0]).item()}, step)


def full_batch(trial):
    torch.manual_seed(trial.seed)
    model = net()
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=1)
    x, y = TRAIN.tensors
    for step in range(20):

        def closure():
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            return loss

        optimizer.step(closure)
        trial.report({"accuracy": accuracy_of(model, VAL)}, step)


_shared = []


def carried(trial):
    if not _shared:
        _shared.append(net())
    return plain(model=lambda: _shared[0])(trial)


_doubled = Subset(TRAIN, [*range(100), *range(100)])
_overlap = Subset(TRAIN, range(60, 130))
_leaky = TensorDataset(*(torch.cat([a, b[:40]]) for a, b in zip(VAL.tensors, TRAIN.tensors, strict=True)))


def bugs(folder):
    """(name, training, goal) of every planted mistake; ``folder`` is for files."""
    return {
        "dropout in evaluation": (plain(evaluate={"eval_mode": False}), ACCURACY),
        "dropout in evaluation, with gradients": (
            plain(evaluate={"eval_mode": False, "no_grad": False}),
            ACCURACY,
        ),
        "unshuffled data": (plain(unshuffled=True), ACCURACY),
        "seed ignored": (plain(seed_ignored=True), ACCURACY),
        "nothing seeded": (unseeded, ACCURACY),
        "validation data trained on": (plain(val=_leaky), ACCURACY),
        "validation data is training data": (plain(val=_overlap), ACCURACY),
        "test set in the objective": (on_test_set, ACCURACY),
        "last batch": (plain(evaluate={"per_batch": True}), ACCURACY),
        "batch norm in evaluation": (plain(norm=True, dropout=0.0, evaluate={"eval_mode": False}), ACCURACY),
        "batch norm with one example": (
            plain(norm=True, train=Subset(TRAIN, range(2 * 23 + 2)), drop_last=False),
            ACCURACY,
        ),
        "schedule never stepped": (plain(schedule="forgotten"), ACCURACY),
        "losses summed": (plain(accumulate=4, summed=True), ACCURACY),
        "wrong direction": (plain(), Goal("accuracy", "minimize")),
        "wrong direction, without a name": (plain(metric="quality", dropout=0.0), Goal("quality")),
        "duplicated samples": (plain(train=_doubled), ACCURACY),
        "stale model": (plain(stale=True), ACCURACY),
        "checkpoint by reference": (plain(by_reference=True, restore=True), ACCURACY),
        "weights of an earlier trial": (plain(resume=str(folder / "last.pt")), ACCURACY),
        "model made once": (carried, ACCURACY),
        "NaN metric": (plain(nan=True), ACCURACY),
        "batch size searched": (plain(batch_size_searched=True), ACCURACY),
    }


CLEAN = {
    "trial's own loop": (trained(), ERROR),
    "Nesterov, batch norm": (trained("nesterov", norm=True), ERROR),
    "training error logged too": (trained(train_error=True), ERROR),
    "averaged weights": (trained(ema=True), LOSS),
    "plain objective": (plain(), ACCURACY),
    "plain with batch norm": (plain(norm=True, dropout=0.0), ACCURACY),
    "accumulated gradients": (plain(accumulate=4), ACCURACY),
    "scheduler and best checkpoint": (plain(schedule="stepped", restore=True), ACCURACY),
    "augmented inputs": (plain(augment=True), ACCURACY),
    "regression": (regression, LOSS),
    "full batch": (full_batch, ACCURACY),
    "a metric of its own name": (plain(metric="quality"), Goal("quality", "maximize")),
    "AdamW": (plain(optimizer=lambda p: torch.optim.AdamW(p, 0.01)), ACCURACY),
}  # fmt: skip
