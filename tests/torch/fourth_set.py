"""The fourth set of trainings, of styles that the other three lack: graphs, replay buffers, teachers, probes, two-step
optimisers, averaged batch norm, models that make their own loss. Written after the checks were mended with the third set, and
before any check was run on it. On the first run 11 of the 12 were found, and 5 of the 12 clean ones raised an alarm; the checks
were then mended with this set in view.
"""

from __future__ import annotations

import copy
import math
import random
from collections import deque
from types import SimpleNamespace

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.swa_utils import AveragedModel, update_bn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from tunewise.records import Goal


def start(seed):
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def points(n, seed, k=3, d=8, spread=1.5):
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(0, k, (n,), generator=g)
    return torch.randn(n, d, generator=g) + spread * F.one_hot(y, d), y


def demand(n=500, seed=0):
    rng = np.random.default_rng(seed)
    t = np.arange(n)
    return torch.tensor(np.sin(t / 5) + 0.01 * t + 0.2 * rng.normal(size=n), dtype=torch.float32)


def net(d, width, k, p=0.0, norm=False):
    layers = [nn.Linear(d, width), *([nn.BatchNorm1d(width)] if norm else []), nn.ReLU(), nn.Dropout(p)]
    return nn.Sequential(*layers, nn.Linear(width, k))


class OwnLoss(nn.Module):
    """As models of transformers: keyword arguments in, an object with loss and logits out."""

    def __init__(self, p=0.1):
        super().__init__()
        self.embed, self.drop, self.out = nn.Embedding(30, 16), nn.Dropout(p), nn.Linear(16, 2)

    def forward(self, input_ids=None, attention_mask=None, labels=None):
        h = (self.embed(input_ids) * attention_mask[..., None]).sum(1) / attention_mask.sum(1, keepdim=True)
        logits = self.out(self.drop(h))
        return SimpleNamespace(
            loss=None if labels is None else F.cross_entropy(logits, labels), logits=logits
        )


def sentences(n, seed):
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(n):
        label, k = int(rng.integers(2)), int(rng.integers(4, 9))
        ids = np.where(rng.random(k) < 0.5, rng.integers(1, 10, k) + 15 * label, rng.integers(1, 30, k))
        out.append((np.pad(ids, (0, 8 - k)), np.pad(np.ones(k), (0, 8 - k)), label))
    ids, mask, labels = (torch.tensor(np.array(part)) for part in zip(*out, strict=True))
    return TensorDataset(ids, mask.float(), labels)


# --- twelve with a mistake --------------------------------------------------------------------------------------------


def keyword_model_never_evaluates(trial):
    """The model is called with keywords, and nobody calls eval()."""
    start(trial.seed)
    model = OwnLoss(0.3)
    opt = torch.optim.AdamW(model.parameters(), 1e-2)
    val = sentences(90, 1)
    for epoch in range(5):
        for ids, mask, labels in DataLoader(sentences(200, 0), 20, shuffle=True):
            opt.zero_grad()
            model(input_ids=ids, attention_mask=mask, labels=labels).loss.backward()
            opt.step()
        right = 0
        for ids, mask, labels in DataLoader(val, 30):
            with torch.no_grad():
                right += (model(input_ids=ids, attention_mask=mask).logits.argmax(-1) == labels).sum().item()
        trial.report({"accuracy": right / len(val)}, epoch)
    return right / len(val)


def windows_in_order(trial):
    """A forecaster without a state, whose windows always come from first to last."""
    start(trial.seed)
    w = demand().unfold(0, 13, 2)
    train, val = w[:180], w[190:]
    model = net(12, 24, 1)
    opt = torch.optim.Adam(model.parameters(), 1e-2)
    for epoch in range(5):
        for batch in DataLoader(TensorDataset(train), 20):
            x = batch[0]
            opt.zero_grad()
            F.mse_loss(model(x[:, :12]).squeeze(1), x[:, 12]).backward()
            opt.step()
        with torch.no_grad():
            mape = ((model(val[:, :12]).squeeze(1) - val[:, 12]).abs() / val[:, 12].abs()).mean().item()
        trial.report({"mape": mape}, epoch)
    return mape


class Seeded(nn.Module):
    """Somebody wanted every layer to be reproducible."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1234)
        np.random.seed(1234)
        self.f = net(8, 24, 3, 0.1)

    def forward(self, x):
        return self.f(x)


def seeded_in_the_constructor(trial):
    start(trial.seed)
    x, y = points(240, 0)
    xv, yv = points(100, 1)
    model = Seeded()
    opt = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    for epoch in range(5):
        model.train()
        for rows in np.array_split(np.random.permutation(240), 10):
            opt.zero_grad()
            F.cross_entropy(model(x[rows]), y[rows]).backward()
            opt.step()
        model.eval()
        with torch.no_grad():
            error = 1 - (model(xv).argmax(1) == yv).float().mean().item()
        trial.report({"error": error}, epoch)
    return error


def split_anew_for_each_part(trial):
    """Tags: training and validation rows are drawn by two calls that know nothing of each other."""
    start(trial.seed)
    rng = np.random.default_rng(0)
    x = torch.tensor(rng.normal(size=(300, 10)), dtype=torch.float32)
    tags = (x[:, :4] + 0.3 * torch.randn(300, 4, generator=torch.Generator().manual_seed(0)) > 0.5).float()
    train_rows, val_rows = rng.permutation(300)[:220], rng.permutation(300)[:80]
    model = net(10, 32, 4)
    opt = torch.optim.AdamW(model.parameters(), 5e-3)
    criterion = nn.BCEWithLogitsLoss()
    for epoch in range(5):
        for rows in torch.tensor(train_rows)[torch.randperm(220)].split(20):
            opt.zero_grad()
            criterion(model(x[rows]), tags[rows]).backward()
            opt.step()
        with torch.no_grad():
            p = (model(x[val_rows]) > 0).numpy()
        truth = tags[val_rows].numpy() > 0.5
        f1 = 2 * (p & truth).sum() / max(1, p.sum() + truth.sum())
        trial.report({"f1": float(f1)}, epoch)
    return float(f1)


class Translator(nn.Module):
    """Copies a sequence backwards; teacher forcing."""

    def __init__(self, d=24):
        super().__init__()
        self.embed = nn.Embedding(12, d)
        self.enc, self.dec = nn.GRU(d, d, batch_first=True), nn.GRU(d, d, batch_first=True)
        self.out = nn.Linear(d, 12)

    def forward(self, source, target):
        _, h = self.enc(self.embed(source))
        shifted = torch.cat([torch.zeros_like(target[:, :1]), target[:, :-1]], 1)
        return self.out(self.dec(self.embed(shifted), h)[0])


def backwards(n, seed):
    source = torch.randint(2, 12, (n, 5), generator=torch.Generator().manual_seed(seed))
    return TensorDataset(source, source.flip(1))


def mean_loss_of_batches(trial):
    start(trial.seed)
    model = Translator()
    opt = torch.optim.Adam(model.parameters(), 5e-3)
    val = backwards(70, 1)
    for epoch in range(5):
        for s, t in DataLoader(backwards(200, 0), 20, shuffle=True):
            opt.zero_grad()
            F.cross_entropy(model(s, t).transpose(1, 2), t).backward()
            opt.step()
        running, loader = 0.0, DataLoader(val, 32)
        with torch.no_grad():
            for s, t in loader:
                running += F.cross_entropy(model(s, t).transpose(1, 2), t).item()
        trial.report({"val_loss": running / len(loader)}, epoch)
    return running / len(loader)


def average_in_training_mode(trial):
    """An averaged model is made in training mode, and stays in it."""
    start(trial.seed)
    model = net(8, 24, 3, norm=True)
    average = AveragedModel(model)
    opt = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    xv, yv = points(100, 1)
    for epoch in range(5):
        model.train()
        for x, y in DataLoader(TensorDataset(*points(200, 0)), 20, shuffle=True):
            opt.zero_grad()
            F.cross_entropy(model(x), y).backward()
            opt.step()
            average.update_parameters(model)
        model.eval()
        with torch.no_grad():
            accuracy = (average(xv).argmax(1) == yv).float().mean().item()
        trial.report({"accuracy": accuracy}, epoch)
    return accuracy


def step_behind_a_condition(trial):
    """The schedule is stepped after epoch 20, which never comes."""
    start(trial.seed)
    x, y = points(200, 0)
    xv, yv = points(90, 1)
    model = net(8, 24, 3, 0.1)
    opt = torch.optim.RMSprop(model.parameters(), 5e-3)
    decay = torch.optim.lr_scheduler.PolynomialLR(opt, total_iters=10)
    for epoch in range(6):
        model.train()
        for rows in torch.randperm(200).split(25):
            opt.zero_grad()
            F.cross_entropy(model(x[rows]), y[rows]).backward()
            opt.step()
        if epoch > 20:
            decay.step()
        model.eval()
        with torch.no_grad():
            error = (model(xv).argmax(1) != yv).float().mean().item()
        trial.report({"error": error}, epoch)
    return error


def accumulated_by_hand(trial):
    """A squared error written by hand, of four micro-batches, not divided."""
    start(trial.seed)
    w = demand().unfold(0, 13, 2)
    train, val = w[:176], w[190:]
    model = net(12, 24, 1)
    opt = torch.optim.SGD(model.parameters(), 1e-3)
    for epoch in range(5):
        for i, rows in enumerate(torch.randperm(176).split(8), 1):
            x = train[rows]
            loss = (model(x[:, :12]).squeeze(1) - x[:, 12]).pow(2).mean()
            loss.backward()
            if i % 4 == 0:
                opt.step()
                opt.zero_grad()
        with torch.no_grad():
            rmse = (model(val[:, :12]).squeeze(1) - val[:, 12]).pow(2).mean().sqrt().item()
        trial.report({"rmse": rmse}, epoch)
    return rmse


def bandit_win_rate(trial):
    """A policy whose win rate rises, in a study that minimises it."""
    start(trial.seed)
    truth = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    model = net(5, 24, 3)
    opt = torch.optim.Adam(model.parameters(), 2e-2)
    held = torch.randn(300, 5, generator=torch.Generator().manual_seed(1))
    for step in range(80):
        x = torch.randn(32, 5)
        opt.zero_grad()
        F.cross_entropy(model(x), (x @ truth).argmax(1)).backward()
        opt.step()
        if step % 10 == 9:
            with torch.no_grad():
                won = (model(held).argmax(1) == (held @ truth).argmax(1)).float().mean().item()
            trial.report({"win_rate": won}, step)
    return won


class Twice:
    """Repeated augmentation, for which somebody forgot the augmentation."""

    def __init__(self, n):
        self.n = n

    def __iter__(self):
        for i in torch.randperm(self.n).tolist():
            yield i
            yield i

    def __len__(self):
        return 2 * self.n


def every_item_twice(trial):
    start(trial.seed)
    model = net(8, 24, 3)
    opt = torch.optim.Adam(model.parameters(), 5e-3)
    xv, yv = points(90, 1)
    for epoch in range(4):
        for x, y in DataLoader(TensorDataset(*points(120, 0)), 24, sampler=Twice(120)):
            opt.zero_grad()
            F.cross_entropy(model(x), y).backward()
            opt.step()
        with torch.no_grad():
            accuracy = (model(xv).argmax(1) == yv).double().mean().item()
        trial.report({"accuracy": accuracy}, epoch)
    return accuracy


def target_never_updated(trial):
    """Q-learning on a line; what is evaluated is the target network, which nobody updates."""
    start(trial.seed)
    q = net(4, 24, 2)
    target = copy.deepcopy(q)
    opt = torch.optim.Adam(q.parameters(), 5e-3)
    for step in range(80):
        s = torch.randn(32, 4)
        a = torch.randint(0, 2, (32,))
        r = (a == (s[:, 0] > 0).long()).float()
        with torch.no_grad():
            goal = r + 0.5 * target(s + 0.1).max(1).values
        loss = F.smooth_l1_loss(q(s).gather(1, a[:, None]).squeeze(1), goal)
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 16 == 15:
            with torch.no_grad():
                s = torch.randn(200, 4, generator=torch.Generator().manual_seed(0))
                reward = (target(s).argmax(1) == (s[:, 0] > 0).long()).float().mean().item()
            trial.report({"reward": reward}, step)
    return reward


def recall_of_an_absent_class(trial):
    """The mean of recalls, one of a class that the validation set lacks."""
    start(trial.seed)
    x, y = points(200, 0, k=4)
    xv, yv = points(60, 1, k=3)
    model = net(8, 24, 4)
    opt = torch.optim.Adam(model.parameters(), 5e-3)
    for epoch in range(5):
        for rows in torch.randperm(200).split(25):
            opt.zero_grad()
            F.cross_entropy(model(x[rows]), y[rows]).backward()
            opt.step()
        with torch.no_grad():
            right = (model(xv).argmax(1) == yv).float()
        recall = torch.stack([right[yv == k].mean() for k in range(4)]).mean().item()
        trial.report({"macro_recall": recall}, epoch)
    return recall


PLANTED = {
    "keyword model never evaluates": (keyword_model_never_evaluates, Goal("accuracy", "maximize"), "dropout"),
    "windows in order": (windows_in_order, Goal("mape"), "order"),
    "seeded in the constructor": (seeded_in_the_constructor, Goal("error"), "seeds"),
    "split anew for each part": (split_anew_for_each_part, Goal("f1", "maximize"), "validation data"),
    "mean loss of batches": (mean_loss_of_batches, Goal("val_loss"), "last batch"),
    "average in training mode": (average_in_training_mode, Goal("accuracy", "maximize"), "batch norm"),
    "step behind a condition": (step_behind_a_condition, Goal("error"), "schedule"),
    "accumulated by hand": (accumulated_by_hand, Goal("rmse"), "accumulation"),
    "win rate minimised": (bandit_win_rate, Goal("win_rate"), "direction"),
    "every item twice": (every_item_twice, Goal("accuracy", "maximize"), "duplicates"),
    "target never updated": (target_never_updated, Goal("reward", "maximize"), "checkpoint"),
    "recall of an absent class": (
        recall_of_an_absent_class,
        Goal("macro_recall", "maximize"),
        "finite metrics",
    ),
}


# --- twelve clean ---------------------------------------------------------------------------------------------------------


class GCN(nn.Module):
    def __init__(self, d, k, width=16):
        super().__init__()
        self.a, self.b = nn.Linear(d, width), nn.Linear(width, k)

    def forward(self, x, adjacency):
        return self.b(adjacency @ F.dropout(F.relu(self.a(adjacency @ x)), 0.3, self.training))


def graph(trial):
    """Nodes of one graph: every pass is over all of it, the loss over the labelled ones."""
    start(trial.seed)
    x, y = points(150, 0, d=12)
    same = (y[:, None] == y[None]).float()
    g = torch.Generator().manual_seed(0)
    links = (torch.rand(150, 150, generator=g) < 0.02 + 0.08 * same).float() + torch.eye(150)
    adjacency = links / links.sum(1, keepdim=True)
    order = torch.randperm(150, generator=g)
    train, val = order[:60], order[60:100]
    model = GCN(12, 3, trial.suggest_int("width", 8, 32))
    opt = torch.optim.Adam(model.parameters(), 1e-2, weight_decay=5e-4)
    for epoch in range(50):
        model.train()
        opt.zero_grad()
        F.cross_entropy(model(x, adjacency)[train], y[train]).backward()
        opt.step()
        if epoch % 10 == 9:
            model.eval()
            with torch.no_grad():
                accuracy = (model(x, adjacency)[val].argmax(1) == y[val]).float().mean().item()
            trial.report({"accuracy": accuracy}, epoch)
    return accuracy


def replay(trial):
    """Q-learning from a replay buffer, with a target network that follows."""
    start(trial.seed)
    q, buffer = net(4, 24, 2), deque(maxlen=500)
    target = copy.deepcopy(q)
    opt = torch.optim.Adam(q.parameters(), trial.suggest_float("lr", 1e-3, 1e-2, log=True))
    s = torch.randn(4)
    for step in range(120):
        with torch.no_grad():
            a = int(q(s[None]).argmax()) if random.random() > 0.2 else random.randrange(2)
        r, following = float(a == int(s[0] > 0)), torch.randn(4)
        buffer.append((s, a, r, following))
        s = following
        if len(buffer) < 32:
            continue
        batch = random.sample(buffer, 16)
        states, nexts = torch.stack([b[0] for b in batch]), torch.stack([b[3] for b in batch])
        acts, rewards = torch.tensor([b[1] for b in batch]), torch.tensor([b[2] for b in batch])
        with torch.no_grad():
            goal = rewards + 0.5 * target(nexts).max(1).values
        loss = F.smooth_l1_loss(q(states).gather(1, acts[:, None]).squeeze(1), goal)
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 20 == 19:
            target.load_state_dict(q.state_dict())
            with torch.no_grad():
                held = torch.randn(200, 4, generator=torch.Generator().manual_seed(0))
                reward = (q(held).argmax(1) == (held[:, 0] > 0).long()).float().mean().item()
            trial.report({"reward": reward}, step)
    return reward


def mean_teacher(trial):
    """Few labels, many without; the teacher is an average of the student, and sees the same data under other noise."""
    start(trial.seed)
    x, y = points(60, 0)
    unlabelled, _ = points(300, 2)
    xv, yv = points(90, 1)
    student = net(8, 24, 3, 0.1)
    teacher = copy.deepcopy(student)
    opt = torch.optim.Adam(student.parameters(), 5e-3)
    for step in range(80):
        rows, more = torch.randint(0, 60, (16,)), torch.randint(0, 300, (32,))
        student.train()
        both = student(torch.cat([x[rows], unlabelled[more] + 0.1 * torch.randn(32, 8)]))
        teacher.eval()
        with torch.no_grad():
            wise = teacher(unlabelled[more] + 0.1 * torch.randn(32, 8)).softmax(1)
        loss = F.cross_entropy(both[:16], y[rows]) + 0.5 * F.mse_loss(both[16:].softmax(1), wise)
        opt.zero_grad()
        loss.backward()
        opt.step()
        with torch.no_grad():
            for p, q in zip(teacher.parameters(), student.parameters(), strict=True):
                p.lerp_(q, 0.05)
        if step % 16 == 15:
            with torch.no_grad():
                error = (teacher(xv).argmax(1) != yv).float().mean().item()
            trial.report({"error": error}, step)
    return error


def contrastive_with_probe(trial):
    """Two noisy views, a contrastive loss, and a linear probe that is fitted for each evaluation."""
    start(trial.seed)
    x, y = points(200, 0)
    xv, yv = points(90, 1)
    encoder = net(8, 32, 6)
    opt = torch.optim.AdamW(encoder.parameters(), 3e-3)
    heat = trial.suggest_float("heat", 0.1, 1.0)
    for epoch in range(4):
        for rows in torch.randperm(200).split(40):
            a, b = (F.normalize(encoder(x[rows] + 0.2 * torch.randn(40, 8)), dim=1) for _ in range(2))
            loss = F.cross_entropy(a @ b.T / heat, torch.arange(40))
            opt.zero_grad()
            loss.backward()
            opt.step()
        with torch.no_grad():
            h, hv = encoder(x), encoder(xv)
        probe = nn.Linear(6, 3)
        fit = torch.optim.SGD(probe.parameters(), 0.5)
        for _ in range(15):
            fit.zero_grad()
            F.cross_entropy(probe(h), y).backward()
            fit.step()
        with torch.no_grad():
            accuracy = (probe(hv).argmax(1) == yv).float().mean().item()
        trial.report({"probe_accuracy": accuracy}, epoch)
    return accuracy


def sharpness_aware(trial):
    """Every step has two passes: up to the worst neighbour, and the gradient there."""
    start(trial.seed)
    model = net(8, 24, 3)
    opt = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    rho = trial.suggest_float("rho", 0.01, 0.1, log=True)
    val = TensorDataset(*points(90, 1))
    for epoch in range(5):
        for x, y in DataLoader(TensorDataset(*points(200, 0)), 20, shuffle=True):
            opt.zero_grad()
            F.cross_entropy(model(x), y).backward()
            with torch.no_grad():
                ups = [rho * p.grad / (p.grad.norm() + 1e-9) for p in model.parameters()]
                for p, up in zip(model.parameters(), ups, strict=True):
                    p.add_(up)
            opt.zero_grad()
            F.cross_entropy(model(x), y).backward()
            with torch.no_grad():
                for p, up in zip(model.parameters(), ups, strict=True):
                    p.sub_(up)
            opt.step()
        model.eval()
        with torch.no_grad():
            right = sum(int((model(x).argmax(1) == y).sum()) for x, y in DataLoader(val, 40))
        model.train()
        trial.report({"accuracy": right / 90}, epoch)
    return right / 90


def mixed_up(trial):
    """Inputs and labels are mixed in pairs; classes are weighted."""
    start(trial.seed)
    x, y = points(240, 0)
    val = TensorDataset(*points(100, 1))
    model = net(8, 32, 3, 0.1)
    opt = torch.optim.AdamW(model.parameters(), 5e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(opt, 2)
    weights = len(y) / torch.bincount(y, minlength=3).float()
    alpha = trial.suggest_float("alpha", 0.1, 1.0)
    for epoch in range(5):
        model.train()
        for rows in torch.randperm(240).split(24):
            lam, other = np.random.beta(alpha, alpha), rows[torch.randperm(len(rows))]
            logits = model(lam * x[rows] + (1 - lam) * x[other])
            loss = lam * F.cross_entropy(logits, y[rows], weights) + (1 - lam) * F.cross_entropy(
                logits, y[other], weights
            )
            opt.zero_grad()
            loss.backward()
            opt.step()
        schedule.step()
        model.eval()
        with torch.inference_mode():
            total = sum(F.cross_entropy(model(a), b, reduction="sum").item() for a, b in DataLoader(val, 30))
        trial.report({"val_loss": total / 100}, epoch)
    return total / 100


def quantiles(trial):
    """A forecaster of three quantiles; windows of the past, validation on the future."""
    start(trial.seed)
    w = demand().unfold(0, 13, 1)
    train, val = w[:360], w[373:]
    model = net(12, trial.suggest_int("width", 8, 48), 3)
    opt = torch.optim.Adam(model.parameters(), 5e-3)
    q = torch.tensor([0.1, 0.5, 0.9])

    def pinball(batch):
        gap = batch[:, 12:] - model(batch[:, :12])
        return torch.maximum(q * gap, (q - 1) * gap).mean()

    for epoch in range(4):
        for rows in torch.randperm(360).split(30):
            loss = pinball(train[rows])
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_value_(model.parameters(), 1.0)
            opt.step()
        with torch.no_grad():
            trial.report({"pinball": pinball(val).item()}, epoch)


def head_then_all(trial):
    """First the head alone, then everything, each with an optimiser and a schedule of its own."""
    start(trial.seed)
    body, head = net(8, 32, 16), nn.Linear(16, 3)
    model = nn.Sequential(body, nn.ReLU(), head)
    val = TensorDataset(*points(90, 1))
    loader = DataLoader(TensorDataset(*points(200, 0)), 25, shuffle=True)
    done = 0
    for epochs, parameters, lr in ((2, head.parameters(), 1e-2), (4, model.parameters(), 3e-3)):
        body.requires_grad_(parameters is not head and epochs == 4)
        opt = torch.optim.AdamW([p for p in parameters if p.requires_grad], lr)
        schedule = torch.optim.lr_scheduler.LinearLR(opt, 1.0, 0.1, epochs * len(loader))
        for _ in range(epochs):
            model.train()
            for x, y in loader:
                opt.zero_grad()
                F.cross_entropy(model(x), y).backward()
                opt.step()
                schedule.step()
            model.eval()
            with torch.no_grad():
                right = sum((model(x).argmax(1) == y).sum().item() for x, y in DataLoader(val, 50))
            trial.report({"accuracy": right / 90}, done)
            done += 1
    return right / 90


def averaged_batch_norm(trial):
    """Averaged weights, whose batch-norm statistics are taken anew before each evaluation, as the manual says."""
    start(trial.seed)
    model = net(8, 24, 3, norm=True)
    average = AveragedModel(model)
    opt = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    loader = DataLoader(TensorDataset(*points(200, 0)), 20, shuffle=True)
    val = TensorDataset(*points(90, 1))
    for epoch in range(5):
        model.train()
        for x, y in loader:
            opt.zero_grad()
            F.cross_entropy(model(x), y).backward()
            opt.step()
        average.update_parameters(model)
        update_bn(loader, average)
        average.eval()
        right = 0
        with torch.no_grad():
            for x, y in DataLoader(val, 40):
                right += (average(x).argmax(1) == y).sum().item()
        trial.report({"accuracy": right / 90}, epoch)
    return right / 90


def keyword_model(trial):
    """A model that makes its own loss, called with keywords."""
    start(trial.seed)
    model = OwnLoss(trial.suggest_float("dropout", 0.0, 0.4))
    opt = torch.optim.AdamW(model.parameters(), 1e-2)
    schedule = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: max(0.0, 1 - s / 50))
    val = sentences(90, 1)
    for epoch in range(5):
        model.train()
        for ids, mask, labels in DataLoader(sentences(200, 0), 20, shuffle=True):
            out = model(input_ids=ids, attention_mask=mask, labels=labels)
            opt.zero_grad()
            out.loss.backward()
            opt.step()
            schedule.step()
        model.eval()
        loss = n = 0
        with torch.no_grad():
            for ids, mask, labels in DataLoader(val, 40):
                loss += model(input_ids=ids, attention_mask=mask, labels=labels).loss.item() * len(labels)
                n += len(labels)
        trial.report({"eval_loss": loss / n}, epoch)
    return loss / n


class Rows(Dataset):
    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        self.x = rng.normal(size=(n, 10)).astype("float32")
        self.tags = (self.x[:, :4] + 0.3 * rng.normal(size=(n, 4)) > 0.5).astype("float32")

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return torch.from_numpy(self.x[i]), torch.from_numpy(self.tags[i])


def tags(trial):
    """Several labels each; predictions are gathered as arrays and scored at the end."""
    start(trial.seed)
    model = net(10, 32, 4, 0.1)
    opt = torch.optim.Adamax(model.parameters(), 1e-2)
    criterion = nn.BCEWithLogitsLoss(pos_weight=torch.full((4,), 2.0))
    train, val = Rows(200, 0), Rows(80, 1)
    for epoch in range(5):
        model.train()
        for x, y in DataLoader(train, 20, shuffle=True):
            opt.zero_grad(set_to_none=True)
            criterion(model(x), y).backward()
            opt.step()
        model.eval()
        said, truth = [], []
        with torch.no_grad():
            for x, y in DataLoader(val, 32):
                said.append((model(x).sigmoid() > 0.5).cpu().numpy())
                truth.append(y.numpy() > 0.5)
        p, t = np.concatenate(said), np.concatenate(truth)
        f1 = 2 * (p & t).sum() / max(1, p.sum() + t.sum())
        trial.report({"f1": float(f1)}, epoch)
    return float(f1)


def translation(trial):
    """Teacher forcing with ignored padding, perplexity over all tokens."""
    start(trial.seed)
    model = Translator(trial.suggest_int("d", 16, 32))
    opt = torch.optim.Adam(model.parameters(), 5e-3)
    warm = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min(1.0, (s + 1) / 20))
    val = backwards(70, 1)
    for epoch in range(5):
        model.train()
        for s, t in DataLoader(backwards(200, 0), 20, shuffle=True):
            loss = F.cross_entropy(model(s, t).flatten(0, 1), t.flatten(), ignore_index=1)
            opt.zero_grad()
            loss.backward()
            opt.step()
            warm.step()
        model.eval()
        nats = n = 0
        with torch.no_grad():
            for s, t in DataLoader(val, 32):
                nats += F.cross_entropy(model(s, t).flatten(0, 1), t.flatten(), reduction="sum").item()
                n += t.numel()
        trial.report({"perplexity": math.exp(nats / n)}, epoch)
    return math.exp(nats / n)


CLEAN = {
    "graph": (graph, Goal("accuracy", "maximize")),
    "replay": (replay, Goal("reward", "maximize")),
    "mean teacher": (mean_teacher, Goal("error")),
    "contrastive with a probe": (contrastive_with_probe, Goal("probe_accuracy", "maximize")),
    "sharpness-aware": (sharpness_aware, Goal("accuracy", "maximize")),
    "mixed up": (mixed_up, Goal("val_loss")),
    "quantiles": (quantiles, Goal("pinball")),
    "head, then all": (head_then_all, Goal("accuracy", "maximize")),
    "averaged batch norm": (averaged_batch_norm, Goal("accuracy", "maximize")),
    "keyword model": (keyword_model, Goal("eval_loss")),
    "tags": (tags, Goal("f1", "maximize")),
    "translation": (translation, Goal("perplexity")),
}
