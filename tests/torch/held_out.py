"""The second set of trainings: other tasks, networks and styles than `scripts.py`, written before any check was run on them.

Twelve with one planted mistake each, ten clean. On the first run 10 of the 12 were found, and 5 of the 10 raised an alarm:
that is what the checks were worth on trainings that they had not been written for. They were then mended with this set in view,
so that its figures of today (12 of 12, none of 10) say that the known failures stay mended, no more.
"""

from __future__ import annotations

import copy
import itertools
import math
import random
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import (
    ConcatDataset,
    DataLoader,
    Dataset,
    Subset,
    TensorDataset,
    WeightedRandomSampler,
    random_split,
)

from tunewise.records import Goal

VOCAB = 20


def seed_all(seed):
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


# --- data: text, series, images, tables -------------------------------------------------------------------------------


class Texts(Dataset):
    """Token lists of unequal length; the class says which token occurs more often."""

    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        self.items = []
        for _ in range(n):
            label = int(rng.integers(2))
            p = np.ones(VOCAB)
            p[1 + label] = 8
            self.items.append((rng.choice(VOCAB, size=int(rng.integers(4, 12)), p=p / p.sum()), label))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        tokens, label = self.items[i]
        return {"input_ids": torch.tensor(tokens), "label": label}


def collate(items):
    return {
        "input_ids": pad_sequence([x["input_ids"] for x in items], batch_first=True),
        "lengths": torch.tensor([len(x["input_ids"]) for x in items]),
        "labels": torch.tensor([x["label"] for x in items]),
    }


def table(n, seed, noise=0.1):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 5)).astype("float32")
    y = (np.sin(X[:, 0]) + 0.5 * X[:, 1] * X[:, 2] + noise * rng.normal(size=n)).astype("float32")
    return X, y


def pictures(n, seed):
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(0, 4, (n,), generator=g)
    x = torch.randn(n, 1, 8, 8, generator=g)
    for i, label in enumerate(y):
        r, c = divmod(int(label), 2)
        x[i, 0, 4 * r : 4 * r + 4, 4 * c : 4 * c + 4] += 1.5
    return TensorDataset(x, y)


def series(n=400, seed=0):
    rng = np.random.default_rng(seed)
    t = np.arange(n)
    return (np.sin(t / 7) + 0.3 * np.sin(t / 3) + 0.1 * rng.normal(size=n)).astype("float32")


def tokens(n=1500, seed=0):
    rng = np.random.default_rng(seed)
    out = [0]
    for _ in range(n - 1):
        out.append(int((out[-1] * 3 + rng.integers(0, 2)) % VOCAB))
    return torch.tensor(out)


# --- networks -----------------------------------------------------------------------------------------------------------


class ConvNet(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.conv1 = nn.Conv2d(1, width, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(width)
        self.head = nn.Linear(width, 4)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = x + F.relu(self.bn2(self.conv2(x)))
        return self.head(x.mean((2, 3)))


class TextLSTM(nn.Module):
    def __init__(self, hidden=16):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, 8, padding_idx=0)
        self.lstm = nn.LSTM(8, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 2)

    def forward(self, ids, lengths):
        packed = pack_padded_sequence(self.embed(ids), lengths, batch_first=True, enforce_sorted=False)
        _, (h, _) = self.lstm(packed)
        return self.out(h[-1])


class TextTransformer(nn.Module):
    def __init__(self, dropout=0.1, n_out=2):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, 16)
        layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=dropout, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.out = nn.Linear(16, n_out)

    def forward(self, ids):
        return self.out(self.encoder(self.embed(ids)).mean(1))


class TinyLM(nn.Module):
    def __init__(self, d=16):
        super().__init__()
        self.tok = nn.Embedding(VOCAB, d)
        self.pos = nn.Embedding(32, d)
        self.block = nn.TransformerEncoderLayer(d, 2, 2 * d, dropout=0.0, batch_first=True, norm_first=True)
        self.head = nn.Linear(d, VOCAB)

    def forward(self, ids):
        t = ids.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(t)
        h = self.block(self.tok(ids) + self.pos(torch.arange(t)), src_mask=mask)
        return self.head(h)


def mlp(*sizes, act=nn.Tanh):
    layers = []
    for a, b in itertools.pairwise(sizes[:-1]):
        layers += [nn.Linear(a, b), act()]
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))


# --- twelve with a mistake --------------------------------------------------------------------------------------------


def dropout_left_on(trial):
    """A transformer on text; the evaluation forgets eval()."""
    seed_all(trial.seed)
    train, val = Texts(160, 0), Texts(80, 1)
    model = TextTransformer(dropout=0.2)
    opt = torch.optim.AdamW(model.parameters(), lr=trial.suggest_float("lr", 1e-3, 1e-2, log=True))
    for epoch in range(5):
        for batch in DataLoader(train, batch_size=16, shuffle=True, collate_fn=collate):
            logits = model(batch["input_ids"])
            loss = F.cross_entropy(logits, batch["labels"])
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
        n_right = 0
        with torch.inference_mode():
            for batch in DataLoader(val, batch_size=40, collate_fn=collate):
                n_right += int((model(batch["input_ids"]).argmax(-1) == batch["labels"]).sum())
        trial.report({"val_acc": n_right / len(val)}, epoch)
    return n_right / len(val)


class SortedTrainer:
    """A trainer class whose loader never shuffles."""

    def __init__(self, trial):
        seed_all(trial.seed)
        self.trial = trial
        self.model = ConvNet()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.05, momentum=0.9)
        self.train_loader = DataLoader(pictures(160, 0), batch_size=32)
        self.val_loader = DataLoader(pictures(100, 1), batch_size=50)

    def train_epoch(self):
        self.model.train()
        for images, target in self.train_loader:
            self.optimizer.zero_grad()
            criterion = nn.CrossEntropyLoss()
            criterion(self.model(images), target).backward()
            self.optimizer.step()

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        correct = sum((self.model(x).argmax(1) == y).sum().item() for x, y in self.val_loader)
        return correct / len(self.val_loader.dataset)

    def fit(self):
        for epoch in range(6):
            self.train_epoch()
            accuracy = self.validate()
            self.trial.report({"accuracy": accuracy}, epoch)
        return accuracy


def never_shuffled(trial):
    return SortedTrainer(trial).fit()


def always_seed_42(trial):
    """Regression; whoever wrote it believes in 42."""
    torch.manual_seed(42)
    rng = np.random.RandomState(42)
    X, y = table(256, 0)
    Xv, yv = table(90, 1)
    net = mlp(5, 32, 1)
    opt = torch.optim.Adam(net.parameters(), lr=trial.suggest_float("lr", 1e-3, 3e-2, log=True))
    for epoch in range(8):
        perm = rng.permutation(len(X))
        for i in range(0, len(X), 32):
            idx = perm[i : i + 32]
            pred = net(torch.from_numpy(X[idx]))[:, 0]
            loss = ((pred - torch.from_numpy(y[idx])) ** 2).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
        with torch.no_grad():
            mse = ((net(torch.from_numpy(Xv))[:, 0] - torch.from_numpy(yv)) ** 2).mean().item()
        trial.report({"mse": mse}, epoch)
    return mse


def validation_inside_training(trial):
    """The split is made, and then the whole table is trained on."""
    seed_all(trial.seed)
    X, y = map(torch.from_numpy, table(300, 0))
    order = torch.randperm(300, generator=torch.Generator().manual_seed(0))
    val_idx = order[:60]
    net = mlp(5, 24, 24, 1, act=nn.SiLU)
    opt = torch.optim.RMSprop(net.parameters(), lr=1e-2)
    loader = DataLoader(TensorDataset(X, y), batch_size=25, shuffle=True)
    best = math.inf
    for epoch in range(6):
        for xb, yb in loader:
            opt.zero_grad()
            F.smooth_l1_loss(net(xb).squeeze(1), yb).backward()
            opt.step()
        with torch.no_grad():
            mae = (net(X[val_idx]).squeeze(1) - y[val_idx]).abs().mean().item()
        trial.report({"mae": mae}, epoch)
        best = min(best, mae)
    return best


def mean_of_batch_means(trial):
    """Regression with the RMSE of each batch averaged, the last of which is small."""
    seed_all(trial.seed)
    X, y = map(torch.from_numpy, table(256, 0))
    val = TensorDataset(*map(torch.from_numpy, table(70, 1, noise=0.5)))
    net = mlp(5, 32, 1)
    opt = torch.optim.Adam(net.parameters(), 3e-3)
    criterion = nn.MSELoss()
    for epoch in range(6):
        for xb, yb in DataLoader(TensorDataset(X, y), 32, shuffle=True):
            opt.zero_grad()
            criterion(net(xb)[:, 0], yb).backward()
            opt.step()
        losses = []
        with torch.no_grad():
            for xb, yb in DataLoader(val, 32):
                losses.append(criterion(net(xb)[:, 0], yb).item())
        trial.report({"val_loss": np.mean(losses)}, epoch)
    return float(np.mean(losses))


def batch_norm_in_training_mode(trial):
    """A 1-d convolution on windows of a series; no_grad() is taken for eval()."""
    seed_all(trial.seed)
    s = torch.from_numpy(series(600))
    windows = s.unfold(0, 17, 3)
    train, val = windows[:150], windows[160:]
    net = nn.Sequential(
        nn.Conv1d(1, 8, 3), nn.BatchNorm1d(8), nn.ReLU(), nn.Conv1d(8, 8, 3), nn.BatchNorm1d(8), nn.ReLU(), nn.Flatten(),
        nn.Linear(8 * 12, 1),
    )  # fmt: skip
    opt = torch.optim.NAdam(net.parameters(), lr=2e-3)
    for epoch in range(6):
        for i in torch.randperm(150).split(30):
            w = train[i]
            loss = F.mse_loss(net(w[:, None, :16]).squeeze(1), w[:, 16])
            opt.zero_grad()
            loss.backward()
            opt.step()
        with torch.no_grad():
            error = F.mse_loss(net(val[:, None, :16]).squeeze(1), val[:, 16])
        trial.report({"val_mse": error.item()}, epoch)
    return error.item()


def schedule_forgotten(trial):
    """A language model with a cosine schedule that nobody steps."""
    seed_all(trial.seed)
    data, held = tokens(1500, 0), tokens(400, 1)
    model = TinyLM()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=60)
    for step in range(60):
        at = torch.randint(0, len(data) - 17, (16,))
        batch = torch.stack([data[i : i + 17] for i in at])
        loss = F.cross_entropy(model(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 10 == 9:
            model.eval()
            with torch.no_grad():
                chunk = held[: 17 * 23].view(23, 17)
                nll = F.cross_entropy(model(chunk[:, :-1]).flatten(0, 1), chunk[:, 1:].flatten())
            model.train()
            trial.report({"ppl": nll.exp().item()}, step)
    assert scheduler is not None
    return nll.exp().item()


def accumulated_sum(trial):
    """Gradients of four micro-batches of text, added up in full."""
    seed_all(trial.seed)
    train, val = Texts(192, 0), Texts(64, 1)
    model = TextLSTM()
    opt = torch.optim.SGD(model.parameters(), lr=0.3)
    micro = 4
    for epoch in range(6):
        opt.zero_grad()
        for n, batch in enumerate(DataLoader(train, 8, shuffle=True, collate_fn=collate), 1):
            loss = nn.functional.cross_entropy(model(batch["input_ids"], batch["lengths"]), batch["labels"])
            loss.backward()
            if n % micro == 0:
                opt.step()
                opt.zero_grad()
        model.eval()
        with torch.no_grad():
            (batch,) = DataLoader(val, len(val), collate_fn=collate)
            wrong = (model(batch["input_ids"], batch["lengths"]).argmax(1) != batch["labels"]).float().mean()
        model.train()
        trial.report({"error": wrong.item()}, epoch)
    return wrong.item()


def r_squared_minimised(trial):
    """Regression scored by R squared, in a study that minimises."""
    seed_all(trial.seed)
    X, y = map(torch.from_numpy, table(256, 0))
    Xv, yv = map(torch.from_numpy, table(128, 1))
    net = mlp(5, 32, 1)
    opt = torch.optim.Adam(net.parameters(), 1e-2)
    for epoch in range(8):
        for idx in torch.randperm(256).split(32):
            opt.zero_grad()
            F.mse_loss(net(X[idx]).squeeze(1), y[idx]).backward()
            opt.step()
        with torch.no_grad():
            residual = (net(Xv).squeeze(1) - yv).square().sum()
        score = 1 - (residual / (yv - yv.mean()).square().sum()).item()
        trial.report({"score": score}, epoch)
    return score


def twice_the_data(trial):
    """More data by concatenating the data with itself."""
    seed_all(trial.seed)
    base = pictures(96, 0)
    train = ConcatDataset([base, base, base])
    model = ConvNet(6)
    opt = torch.optim.Adam(model.parameters(), 3e-3)
    val_x, val_y = pictures(64, 1).tensors
    for epoch in range(4):
        model.train()
        for x, y in DataLoader(train, 16, shuffle=True, drop_last=True):
            opt.zero_grad()
            F.cross_entropy(model(x), y).backward()
            opt.step()
        model.eval()
        with torch.no_grad():
            acc = (model(val_x).argmax(1) == val_y).float().mean().item()
        trial.report({"acc": acc}, epoch)
    return acc


def evaluates_an_old_file(folder):
    """The weights are saved before training, and every evaluation loads that file."""

    def objective(trial):
        seed_all(trial.seed)
        path = Path(folder) / f"model-{trial.number}.pt"
        train, val = pictures(128, 0), pictures(64, 1)
        net = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 4))
        torch.save(net.state_dict(), path)
        opt = torch.optim.SGD(net.parameters(), 0.1)
        for epoch in range(6):
            for x, y in DataLoader(train, 16, shuffle=True):
                opt.zero_grad()
                F.cross_entropy(net(x), y).backward()
                opt.step()
            best = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 4))
            best.load_state_dict(torch.load(path, weights_only=True))
            best.eval()
            with torch.no_grad():
                acc = float((best(val.tensors[0]).argmax(1) == val.tensors[1]).float().mean())
            trial.report({"accuracy": acc}, epoch)
        return acc

    return objective


def precision_of_nothing(trial):
    """A detector of a rare class; while it predicts none, its precision is 0 / 0."""
    seed_all(trial.seed)
    rng = np.random.default_rng(0)
    X = torch.from_numpy(rng.normal(size=(400, 6)).astype("float32"))
    y = torch.from_numpy((rng.random(400) < 0.05).astype("float32"))
    Xv, yv = X[300:], y[300:]
    net = mlp(6, 8, 1, act=nn.ReLU)
    opt = torch.optim.SGD(net.parameters(), 0.1)
    for epoch in range(6):
        for idx in torch.randperm(300).split(30):
            opt.zero_grad()
            F.binary_cross_entropy_with_logits(net(X[idx]).squeeze(1), y[idx]).backward()
            opt.step()
        with torch.no_grad():
            flagged = net(Xv).squeeze(1) > 0
        hits = (flagged & (yv > 0.5)).sum()
        trial.report({"precision": (hits / flagged.sum()).item()}, epoch)
    return (hits / flagged.sum()).item()


def planted(folder):
    """name: (training, goal, what the finding must be about)."""
    return {
        "dropout left on": (dropout_left_on, Goal("val_acc", "maximize"), "dropout"),
        "never shuffled": (never_shuffled, Goal("accuracy", "maximize"), "order"),
        "always seed 42": (always_seed_42, Goal("mse"), "seeds"),
        "validation inside training": (validation_inside_training, Goal("mae"), "validation data"),
        "mean of batch means": (mean_of_batch_means, Goal("val_loss"), "last batch"),
        "batch norm in training mode": (batch_norm_in_training_mode, Goal("val_mse"), "batch norm"),
        "schedule forgotten": (schedule_forgotten, Goal("ppl"), "schedule"),
        "accumulated sum": (accumulated_sum, Goal("error"), "accumulation"),
        "R squared minimised": (r_squared_minimised, Goal("score"), "direction"),
        "twice the data": (twice_the_data, Goal("acc", "maximize"), "duplicates"),
        "evaluates an old file": (evaluates_an_old_file(folder), Goal("accuracy", "maximize"), "checkpoint"),
        "precision of nothing": (precision_of_nothing, Goal("precision", "maximize"), "finite metrics"),
    }


# --- ten clean ------------------------------------------------------------------------------------------------------------


class Trainer:
    """Images, batch norm, a one-cycle schedule stepped every batch, running averages of the loss."""

    def __init__(self, trial):
        seed_all(trial.seed)
        self.trial = trial
        self.net = ConvNet(trial.suggest_int("width", 4, 8))
        self.train_set, self.val_set = random_split(
            pictures(230, 0), [170, 60], torch.Generator().manual_seed(1)
        )
        self.epochs, self.history = 5, defaultdict(list)

    def run(self):
        loader = DataLoader(self.train_set, 16, shuffle=True, drop_last=True)
        opt = torch.optim.AdamW(self.net.parameters(), lr=1e-3, weight_decay=0.01)
        sched = torch.optim.lr_scheduler.OneCycleLR(opt, 1e-2, total_steps=self.epochs * len(loader))
        for epoch in range(self.epochs):
            self.net.train()
            for x, y in loader:
                loss = F.cross_entropy(self.net(x), y, label_smoothing=0.1)
                opt.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
                opt.step()
                sched.step()
                self.history["loss"].append(loss.item())
            acc = self.evaluate()
            self.trial.report({"accuracy": acc}, epoch)
        return max(self.history["acc"])

    def evaluate(self):
        self.net.eval()
        hits = total = 0
        with torch.no_grad():
            for x, y in DataLoader(self.val_set, 25):
                hits += (self.net(x).argmax(1) == y).sum().item()
                total += len(y)
        self.history["acc"].append(hits / total)
        return hits / total


def image_trainer(trial):
    return Trainer(trial).run()


def packed_text(trial):
    """Texts of unequal length, packed; batches are dicts."""
    seed_all(trial.seed)
    train, val = Texts(200, 0), Texts(90, 1)
    model = TextLSTM(trial.suggest_int("hidden", 8, 24))
    opt = torch.optim.Adam(model.parameters(), lr=trial.suggest_float("lr", 1e-3, 3e-2, log=True))
    for epoch in range(5):
        model.train()
        for batch in DataLoader(train, 20, shuffle=True, collate_fn=collate):
            loss = F.cross_entropy(model(batch["input_ids"], batch["lengths"]), batch["labels"])
            opt.zero_grad()
            loss.backward()
            opt.step()
        model.eval()
        total, n = 0.0, 0
        with torch.no_grad():
            for batch in DataLoader(val, 40, collate_fn=collate):
                total += F.cross_entropy(
                    model(batch["input_ids"], batch["lengths"]), batch["labels"], reduction="sum"
                ).item()
                n += len(batch["labels"])
        trial.report({"loss": total / n}, epoch)
    return total / n


def language_model(trial):
    """Random crops of a text, perplexity on a held-out text, evaluated every 10 steps, linear warm-up."""
    seed_all(trial.seed)
    data, held = tokens(1500, 0), tokens(400, 1)
    model = TinyLM()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: min(1.0, (s + 1) / 10))
    for step in range(60):
        at = torch.randint(0, len(data) - 17, (16,))
        batch = torch.stack([data[i : i + 17] for i in at])
        loss = F.cross_entropy(model(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        if (step + 1) % 10 == 0:
            model.eval()
            with torch.no_grad():
                chunk = held[: 17 * 23].view(23, 17)
                nll = F.cross_entropy(model(chunk[:, :-1]).flatten(0, 1), chunk[:, 1:].flatten())
            model.train()
            trial.report({"perplexity": math.exp(nll.item())}, step)
    return math.exp(nll.item())


def early_stopped_regression(trial):
    """A table, reduce-on-plateau, early stopping, and the best weights put back at the end."""
    seed_all(trial.seed)
    X, y = map(torch.from_numpy, table(256, 0))
    Xv, yv = map(torch.from_numpy, table(128, 1))
    net = mlp(5, trial.suggest_int("width", 16, 64), 1)
    opt = torch.optim.Adam(net.parameters(), lr=1e-2)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(opt, patience=1)
    best, weights, bad = math.inf, None, 0
    for epoch in range(10):
        for idx in torch.randperm(256).split(32):
            opt.zero_grad()
            F.mse_loss(net(X[idx]).squeeze(1), y[idx]).backward()
            opt.step()
        with torch.no_grad():
            rmse = F.mse_loss(net(Xv).squeeze(1), yv).sqrt().item()
        plateau.step(rmse)
        trial.report({"rmse": rmse}, epoch)
        if rmse < best:
            best, weights, bad = rmse, copy.deepcopy(net.state_dict()), 0
        else:
            bad += 1
            if bad > 3:
                break
    net.load_state_dict(weights)
    return best


def denoising(trial):
    """An autoencoder of noisy pictures."""
    seed_all(trial.seed)
    x, xv = pictures(200, 0).tensors[0].flatten(1), pictures(80, 1).tensors[0].flatten(1)
    encoder, decoder = mlp(64, 32, 8, act=nn.GELU), mlp(8, 32, 64, act=nn.GELU)
    opt = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], 2e-3)
    sigma = trial.suggest_float("sigma", 0.05, 0.5)
    for step in range(60):
        rows = torch.randint(0, len(x), (32,))
        noisy = x[rows] + sigma * torch.randn(32, 64)
        loss = F.mse_loss(decoder(encoder(noisy)), x[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 12 == 11:
            with torch.no_grad():
                trial.report({"reconstruction_loss": F.mse_loss(decoder(encoder(xv)), xv).item()}, step)


def rebalanced(trial):
    """A rare class, drawn more often with replacement."""
    seed_all(trial.seed)
    rng = np.random.default_rng(0)
    y = (rng.random(600) < 0.12).astype(int)
    X = rng.normal(size=(600, 6)).astype("float32") + 1.2 * y[:, None].astype("float32")
    train = TensorDataset(torch.from_numpy(X[:450]), torch.from_numpy(y[:450]))
    Xv, yv = torch.from_numpy(X[450:]), torch.from_numpy(y[450:])
    weights = np.where(y[:450] == 1, 1 / y[:450].sum(), 1 / (450 - y[:450].sum()))
    sampler = WeightedRandomSampler(torch.from_numpy(weights), 450)
    net = mlp(6, 16, 2, act=nn.ReLU)
    opt = torch.optim.Adam(net.parameters(), 5e-3)
    for epoch in range(4):
        for xb, yb in DataLoader(train, 32, sampler=sampler):
            opt.zero_grad()
            F.cross_entropy(net(xb), yb).backward()
            opt.step()
        with torch.no_grad():
            right = net(Xv).argmax(1) == yv
        recalls = [right[yv == k].float().mean().item() for k in (0, 1)]
        trial.report({"balanced_accuracy": sum(recalls) / 2}, epoch)
    return sum(recalls) / 2


def accumulated_mean(trial):
    """Accumulated gradients in mixed precision, each loss divided by their number."""
    seed_all(trial.seed)
    train, val = pictures(192, 0), pictures(90, 1)
    net = nn.Sequential(
        nn.Flatten(), nn.Linear(64, 32), nn.LayerNorm(32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 4)
    )
    opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, nesterov=True)
    k = 3
    for epoch in range(5):
        net.train()
        for n, (x, y) in enumerate(DataLoader(train, 16, shuffle=True)):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = F.cross_entropy(net(x), y) / k
            loss.backward()
            if n % k == k - 1:
                opt.step()
                opt.zero_grad()
        net.eval()
        with torch.no_grad():
            wrong = sum((net(x).argmax(1) != y).sum().item() for x, y in DataLoader(val, 32))
        trial.report({"error": wrong / len(val)}, epoch)
    return wrong / len(val)


def cross_validated(trial):
    """Three folds, a fresh network in each; the mean is returned."""
    seed_all(trial.seed)
    data = pictures(180, 0)
    order = torch.randperm(180, generator=torch.Generator().manual_seed(7)).tolist()
    scores = []
    for fold in range(3):
        held = order[fold::3]
        rest = [i for i in order if i not in set(held)]
        net = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 4))
        opt = torch.optim.Adam(net.parameters(), lr=trial.suggest_float("lr", 1e-3, 1e-2, log=True))
        for _ in range(4):
            for x, y in DataLoader(Subset(data, rest), 20, shuffle=True):
                opt.zero_grad()
                F.cross_entropy(net(x), y).backward()
                opt.step()
        net.eval()
        with torch.no_grad():
            x, y = data.tensors[0][held], data.tensors[1][held]
            scores.append((net(x).argmax(1) == y).float().mean().item())
        trial.report({"accuracy": sum(scores) / len(scores)}, fold)
    return sum(scores) / len(scores)


class Twin(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = mlp(64, 32, 8, act=nn.ReLU)

    def forward(self, a, b):
        return (self.body(a) - self.body(b)).pow(2).sum(1)


def contrastive(trial):
    """Pairs of pictures: same class or not; a margin loss written by hand."""
    seed_all(trial.seed)
    images, labels = pictures(160, 0).tensors
    vi, vl = pictures(80, 1).tensors
    images, vi = images.flatten(1), vi.flatten(1)
    net = Twin()
    opt = torch.optim.Adam(net.parameters(), 2e-3)
    fixed = torch.Generator().manual_seed(0)
    va, vb = (torch.randint(0, 80, (100,), generator=fixed) for _ in range(2))
    for step in range(60):
        a, b = torch.randint(0, 160, (2, 24))
        same = (labels[a] == labels[b]).float()
        d = net(images[a], images[b])
        loss = (same * d + (1 - same) * F.relu(4 - d)).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 15 == 14:
            with torch.no_grad():
                agreed = ((net(vi[va], vi[vb]) < 2) == (vl[va] == vl[vb])).float().mean().item()
            trial.report({"accuracy": agreed}, step)


def frozen_backbone(trial):
    """A pretrained body with frozen batch norm; only the head learns, with two groups of parameters."""
    torch.manual_seed(0)  # the "pretrained" weights are the same for everyone
    net = ConvNet(8)
    seed_all(trial.seed)
    for p in [*net.conv1.parameters(), *net.bn1.parameters()]:
        p.requires_grad_(False)
    nn.init.normal_(net.head.weight, std=0.1)
    opt = torch.optim.SGD(
        [{"params": net.conv2.parameters(), "lr": 0.01}, {"params": net.head.parameters(), "lr": 0.1}],
        momentum=0.9,
    )
    train, val = pictures(150, 0), pictures(70, 1)
    best = 0.0
    for epoch in range(5):
        net.train()
        net.bn1.eval()
        net.bn2.eval()
        for x, y in DataLoader(train, 30, shuffle=True):
            opt.zero_grad()
            F.cross_entropy(net(x), y).backward()
            opt.step()
        net.eval()
        with torch.no_grad():
            best = max(best, (net(val.tensors[0]).argmax(1) == val.tensors[1]).float().mean().item())
        trial.report({"best_accuracy": best}, epoch)
    return best


CLEAN = {
    "image trainer": (image_trainer, Goal("accuracy", "maximize")),
    "packed text": (packed_text, Goal("loss")),
    "language model": (language_model, Goal("perplexity")),
    "early-stopped regression": (early_stopped_regression, Goal("rmse")),
    "denoising autoencoder": (denoising, Goal("reconstruction_loss")),
    "rebalanced classes": (rebalanced, Goal("balanced_accuracy", "maximize")),
    "accumulated mean": (accumulated_mean, Goal("error")),
    "cross-validated": (cross_validated, Goal("accuracy", "maximize")),
    "contrastive pairs": (contrastive, Goal("accuracy", "maximize")),
    "frozen backbone": (frozen_backbone, Goal("best_accuracy", "maximize")),
}  # fmt: skip
