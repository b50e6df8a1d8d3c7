"""The third set of trainings: styles that `scripts.py` and `held_out.py` lack, written before any check was run on them.

Twelve with one planted mistake each, twelve clean: bags of words, autoencoders, scaled gradients, averaged weights, two
optimisers, tied weights, a state that is carried on, distillation, a policy. On the first run 9 of the 12 were found, and 4 of
the 12 clean ones raised an alarm. The checks were then mended with this set in view.
"""

from __future__ import annotations

import copy
import math
import random

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader, Dataset, TensorDataset, random_split

from tunewise.records import Goal

WORDS = 60


def fix(seed):
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


# --- data ---------------------------------------------------------------------------------------------------------------


def reviews(n, seed):
    """Bags of 5 to 14 words; words below 20 speak for class 0, those from 40 on for class 1."""
    rng = np.random.default_rng(seed)
    items = []
    for _ in range(n):
        label = int(rng.integers(2))
        k = int(rng.integers(5, 15))
        own = rng.integers(40, 60, k) if label else rng.integers(0, 20, k)
        items.append((torch.tensor(np.where(rng.random(k) < 0.4, own, rng.integers(0, WORDS, k))), label))
    return items


def bag(batch):
    words = [w for w, _ in batch]
    offsets = torch.tensor([0, *[len(w) for w in words[:-1]]]).cumsum(0)
    return torch.cat(words), offsets, torch.tensor([label for _, label in batch])


def waves(n, seed):
    g = torch.Generator().manual_seed(seed)
    phase, speed = 6.28 * torch.rand(n, 1, generator=g), 1 + 2 * torch.rand(n, 1, generator=g)
    t = torch.linspace(0, 3, 24)
    return torch.sin(speed * t + phase) + 0.05 * torch.randn(n, 24, generator=g)


def houses(n, seed):
    """Prices of about 300,000 from seven features."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 7)).astype("float32")
    price = 3e5 + 6e4 * x[:, 0] + 3e4 * np.tanh(x[:, 1] * x[:, 2]) + 1e4 * rng.normal(size=n)
    return torch.from_numpy(x), torch.from_numpy(price.astype("float32"))


def blobs(n, seed, k=3, d=10):
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(0, k, (n,), generator=g)
    return torch.randn(n, d, generator=g) + 1.5 * F.one_hot(y, d), y


def scenes(n, seed):
    """Pictures (1, 12, 12) with one bright square, and its mask."""
    g = torch.Generator().manual_seed(seed)
    x, mask = 0.5 * torch.randn(n, 1, 12, 12, generator=g), torch.zeros(n, 1, 12, 12)
    for i in range(n):
        r, c = torch.randint(0, 8, (2,), generator=g)
        mask[i, 0, r : r + 4, c : c + 4] = 1
    return x + 1.5 * mask, mask


def prose(n, seed):
    rng = np.random.default_rng(seed)
    text = [0, 1]
    while len(text) < n:
        text.append(int((text[-1] + 2 * text[-2] + rng.integers(0, 2)) % 16))
    return torch.tensor(text)


class Cached(Dataset):
    """Prepares each item when it is first asked for, and keeps it; flips it now and then."""

    def __init__(self, x, y, flip=False):
        self.x, self.y, self.flip, self.cache = x, y, flip, {}

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        if i not in self.cache:
            self.cache[i] = (self.x[i] - self.x[i].mean()) / self.x[i].std()
        x = self.cache[i]
        if self.flip and random.random() < 0.5:
            x = x.flip(-1)
        return {"image": x, "target": self.y[i], "index": i}


# --- networks -----------------------------------------------------------------------------------------------------------


class BagOfWords(nn.Module):
    def __init__(self, d=16, p=0.0):
        super().__init__()
        self.emb = nn.EmbeddingBag(WORDS, d, mode="mean")
        self.fc = nn.Linear(d, 2)
        self.p = p

    def forward(self, words, offsets):
        h = self.emb(words, offsets)
        return self.fc(F.dropout(h, self.p, self.training))


class ForgetfulBag(BagOfWords):
    def forward(self, words, offsets):
        return self.fc(F.dropout(self.emb(words, offsets), 0.3))


class Autoencoder(nn.Module):
    def __init__(self, d=24, z=4):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(d, 32), nn.ReLU(), nn.Linear(32, z))
        self.dec = nn.Sequential(nn.Linear(z, 32), nn.ReLU(), nn.Linear(32, d))

    def forward(self, x):
        z = self.enc(x)
        return self.dec(z), z


class VAE(nn.Module):
    def __init__(self, d=24, z=3):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(d, 32), nn.ReLU())
        self.mu, self.logvar = nn.Linear(32, z), nn.Linear(32, z)
        self.dec = nn.Sequential(nn.Linear(z, 32), nn.ReLU(), nn.Linear(32, d))

    def forward(self, x):
        h = self.enc(x)
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.randn_like(mu) * (0.5 * logvar).exp() if self.training else mu
        return self.dec(z), mu, logvar


class TinyUNet(nn.Module):
    def __init__(self, w=8):
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(1, w, 3, padding=1), nn.BatchNorm2d(w), nn.ReLU())
        self.mid = nn.Sequential(nn.Conv2d(w, w, 3, padding=1), nn.BatchNorm2d(w), nn.ReLU())
        self.up = nn.Conv2d(2 * w, 1, 1)

    def forward(self, x):
        a = self.down(x)
        b = F.interpolate(self.mid(F.max_pool2d(a, 2)), scale_factor=2)
        return self.up(torch.cat([a, b], 1))


class TinyViT(nn.Module):
    def __init__(self, d=24, recompute=False):
        super().__init__()
        self.patch = nn.Conv2d(1, d, 4, 4)
        self.cls = nn.Parameter(torch.zeros(1, 1, d))
        self.pos = nn.Parameter(0.02 * torch.randn(1, 10, d))
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(d, 2, 2 * d, dropout=0.1, batch_first=True, norm_first=True)
            for _ in range(2)
        )
        self.head = nn.Linear(d, 4)
        self.recompute = recompute

    def forward(self, x):
        h = self.patch(x).flatten(2).transpose(1, 2)
        h = torch.cat([self.cls.expand(len(h), -1, -1), h], 1) + self.pos
        for block in self.blocks:
            h = checkpoint(block, h, use_reentrant=False) if self.recompute and self.training else block(h)
        return self.head(h[:, 0])


class TiedLM(nn.Module):
    def __init__(self, d=24):
        super().__init__()
        self.emb = nn.Embedding(16, d)
        self.rnn = nn.GRU(d, d, batch_first=True)
        self.out = nn.Linear(d, 16)
        self.out.weight = self.emb.weight

    def forward(self, ids, state=None):
        h, state = self.rnn(self.emb(ids), state)
        return self.out(h), state


def mlp(d_in, width, d_out, depth=1):
    layers = []
    for _ in range(depth):
        layers += [nn.Linear(d_in, width), nn.ReLU()]
        d_in = width
    return nn.Sequential(*layers, nn.Linear(d_in, d_out))


def quadrant(x, mask):
    """Where the square is, as one of four classes."""
    rows, cols = mask.sum((1, 3)).argmax(1) >= 4, mask.sum((1, 2)).argmax(1) >= 4
    return x, 2 * rows.long() + cols.long()


# --- twelve with a mistake --------------------------------------------------------------------------------------------


def functional_dropout(trial):
    """F.dropout without self.training: eval() changes nothing."""
    fix(trial.seed)
    train, val = reviews(240, 0), reviews(100, 1)
    model = ForgetfulBag()
    optimizer = torch.optim.Adam(model.parameters(), trial.suggest_float("lr", 1e-3, 1e-1, log=True))
    for epoch in range(5):
        model.train()
        for words, offsets, y in DataLoader(train, 24, shuffle=True, collate_fn=bag):
            optimizer.zero_grad()
            F.cross_entropy(model(words, offsets), y).backward()
            optimizer.step()
        model.eval()
        right = 0
        with torch.no_grad():
            for words, offsets, y in DataLoader(val, 50, collate_fn=bag):
                right += (model(words, offsets).argmax(1) == y).sum().item()
        trial.report({"accuracy": right / len(val)}, epoch)
    return right / len(val)


def one_permutation(trial):
    """The order is drawn once, before the epochs."""
    fix(trial.seed)
    x, y = blobs(192, 0)
    xv, yv = blobs(120, 1)
    net = mlp(10, 32, 3)
    optimizer = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9)
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    for epoch in range(6):
        for start in range(0, len(x), 32):
            rows = order[start : start + 32]
            optimizer.zero_grad()
            F.cross_entropy(net(x[rows]), y[rows]).backward()
            optimizer.step()
        with torch.no_grad():
            error = (net(xv).argmax(1) != yv).float().mean().item()
        trial.report({"error": error}, epoch)
    return error


def functional_with_fixed_weights(trial):
    """Weights as a dict, initialised by a generator that everybody shares."""
    rng = np.random.default_rng(0)
    net = mlp(7, 24, 1)
    params = {
        name: torch.from_numpy(
            (rng.normal(size=p.shape) / math.sqrt(p.shape[-1])).astype("float32")
        ).requires_grad_()
        for name, p in net.named_parameters()
    }
    x, price = houses(256, 0)
    xv, pv = houses(100, 1)
    y, yv = (price - 3e5) / 7e4, (pv - 3e5) / 7e4
    optimizer = torch.optim.AdamW(params.values(), lr=1e-2)
    for step in range(80):
        rows = torch.from_numpy(rng.integers(0, 256, 32))
        loss = F.mse_loss(functional_call(net, params, (x[rows],)).squeeze(1), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 16 == 15:
            with torch.no_grad():
                mse = F.mse_loss(functional_call(net, params, (xv,)).squeeze(1), yv).item()
            trial.report({"mse": mse}, step)
    return mse


def oversampled_before_the_split(trial):
    """The rare class is repeated, and only then are training and validation parted."""
    fix(trial.seed)
    rng = np.random.default_rng(0)
    y = (rng.random(400) < 0.15).astype("int64")
    x = (rng.normal(size=(400, 8)) + y[:, None]).astype("float32")
    rare = np.flatnonzero(y)
    everything = np.concatenate([np.arange(400), np.repeat(rare, 5)])
    data = TensorDataset(torch.from_numpy(x[everything]), torch.from_numpy(y[everything]))
    train, val = random_split(data, [0.75, 0.25], torch.Generator().manual_seed(3))
    net = mlp(8, 24, 2)
    optimizer = torch.optim.Adam(net.parameters(), 5e-3)
    for epoch in range(6):
        for xb, yb in DataLoader(train, 32, shuffle=True, drop_last=True):
            optimizer.zero_grad()
            F.cross_entropy(net(xb), yb).backward()
            optimizer.step()
        hits = total = 0
        with torch.no_grad():
            for xb, yb in DataLoader(val, 64):
                hits += (net(xb).argmax(1) == yb).sum().item()
                total += len(yb)
        trial.report({"accuracy": hits / total}, epoch)
    return hits / total


class Average:
    """The meter that is in every second repository."""

    def __init__(self):
        self.total, self.n = 0.0, 0

    def update(self, value, n=1):
        self.total += value * n
        self.n += n

    @property
    def mean(self):
        return self.total / self.n


def meter_without_sizes(trial):
    """An autoencoder whose meter is never told how large a batch was."""
    fix(trial.seed)
    train, val = waves(200, 0), waves(75, 1)
    model, criterion = Autoencoder(), nn.L1Loss()
    optimizer = torch.optim.Adam(model.parameters(), trial.suggest_float("lr", 1e-3, 1e-2, log=True))
    for epoch in range(6):
        model.train()
        for (x,) in DataLoader(TensorDataset(train), 20, shuffle=True):
            optimizer.zero_grad()
            reconstruction, _ = model(x)
            criterion(reconstruction, x).backward()
            optimizer.step()
        model.eval()
        meter = Average()
        with torch.no_grad():
            for (x,) in DataLoader(TensorDataset(val), 16):
                reconstruction, _ = model(x)
                meter.update(criterion(reconstruction, x).item())
        trial.report({"reconstruction_error": meter.mean}, epoch)
    return meter.mean


def eval_without_brackets(trial):
    """`model.eval` without its brackets, in a segmentation with batch norm."""
    fix(trial.seed)
    x, mask = scenes(96, 0)
    xv, mv = scenes(40, 1)
    model = TinyUNet()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for epoch in range(6):
        model.train()
        for xb, mb in DataLoader(TensorDataset(x, mask), 16, shuffle=True):
            optimizer.zero_grad()
            F.binary_cross_entropy_with_logits(model(xb), mb).backward()
            optimizer.step()
        model.eval  # noqa: B018
        with torch.no_grad():
            p = model(xv) > 0
        dice = 2 * (p & (mv > 0.5)).sum() / (p.sum() + mv.sum())
        trial.report({"dice": dice.item()}, epoch)
    return dice.item()


def one_of_two_schedules(trial):
    """Embeddings and head have an optimiser each, and a schedule each; one schedule is forgotten."""
    fix(trial.seed)
    train, val = reviews(240, 0), reviews(100, 1)
    model = BagOfWords()
    slow, fast = (
        torch.optim.SGD(model.emb.parameters(), lr=1.0),
        torch.optim.Adam(model.fc.parameters(), lr=1e-2),
    )
    schedules = [
        torch.optim.lr_scheduler.CosineAnnealingLR(slow, 6),
        torch.optim.lr_scheduler.ExponentialLR(fast, 0.9),
    ]
    for epoch in range(6):
        model.train()
        for words, offsets, y in DataLoader(train, 24, shuffle=True, collate_fn=bag):
            loss = F.cross_entropy(model(words, offsets), y)
            slow.zero_grad()
            fast.zero_grad()
            loss.backward()
            slow.step()
            fast.step()
        schedules[0].step()
        model.eval()
        with torch.no_grad():
            words, offsets, y = bag(val)
            accuracy = (model(words, offsets).argmax(1) == y).float().mean().item()
        trial.report({"accuracy": accuracy}, epoch)
    return accuracy


def scaled_and_summed(trial):
    """Mixed precision with a gradient scaler; four micro-batches, not divided."""
    fix(trial.seed)
    train = TensorDataset(*quadrant(*scenes(256, 0)))
    xv, yv = quadrant(*scenes(80, 1))
    model = TinyViT()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    for epoch in range(5):
        model.train()
        for i, (x, y) in enumerate(DataLoader(train, 8, shuffle=True, drop_last=True)):
            with torch.autocast("cpu", torch.bfloat16):
                loss = F.cross_entropy(model(x), y)
            scaler.scale(loss).backward()
            if (i + 1) % 4 == 0:
                scaler.step(optimizer)
                scaler.update()
                optimizer.zero_grad()
        model.eval()
        with torch.no_grad():
            accuracy = (model(xv).argmax(1) == yv).float().mean().item()
        trial.report({"accuracy": accuracy}, epoch)
    return accuracy


def segmentation(trial):
    """Nothing is wrong with it but the study, which minimises the Dice score."""
    fix(trial.seed)
    x, mask = scenes(96, 0)
    xv, mv = scenes(40, 1)
    model = TinyUNet()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for epoch in range(8):
        model.train()
        for xb, mb in DataLoader(TensorDataset(x, mask), 16, shuffle=True):
            optimizer.zero_grad()
            F.binary_cross_entropy_with_logits(model(xb), mb).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            p = model(xv).sigmoid()
        dice = (2 * (p * mv).sum() / (p.sum() + mv.sum())).item()
        trial.report({"dice": dice}, epoch)
    return dice


class Longer(Dataset):
    """An epoch three times as long, by asking for every item three times."""

    def __init__(self, x, y):
        self.x, self.y = x, y

    def __len__(self):
        return 3 * len(self.y)

    def __getitem__(self, i):
        i = i % len(self.y)
        return self.x[i], self.y[i]


def repeated_items(trial):
    fix(trial.seed)
    train = Longer(*houses(90, 0))
    xv, pv = houses(100, 1)
    net = mlp(7, 32, 1)
    optimizer = torch.optim.Adam(net.parameters(), 1e-2)
    for epoch in range(5):
        for x, price in DataLoader(train, 30, shuffle=True):
            optimizer.zero_grad()
            F.huber_loss(net(x).squeeze(1), (price - 3e5) / 7e4).backward()
            optimizer.step()
        with torch.no_grad():
            mae = (net(xv).squeeze(1) * 7e4 + 3e5 - pv).abs().mean().item()
        trial.report({"mae": mae}, epoch)
    return mae


def average_that_stands_still(trial):
    """An average of the weights, evaluated, whose decay is 1."""
    fix(trial.seed)
    x, y = blobs(192, 0)
    xv, yv = blobs(120, 1)
    net = mlp(10, 32, 3)
    shadow = {name: p.detach().clone() for name, p in net.named_parameters()}
    optimizer = torch.optim.SGD(net.parameters(), 0.05, momentum=0.9)
    for epoch in range(6):
        for xb, yb in DataLoader(TensorDataset(x, y), 32, shuffle=True):
            optimizer.zero_grad()
            F.cross_entropy(net(xb), yb).backward()
            optimizer.step()
            with torch.no_grad():
                for name, p in net.named_parameters():
                    shadow[name].mul_(1.0).add_(p, alpha=0.0)
        with torch.no_grad():
            wrong = (functional_call(net, shadow, (xv,)).argmax(1) != yv).float().mean().item()
        trial.report({"error": wrong}, epoch)
    return wrong


def logarithm_of_a_negative(trial):
    """RMSLE, taken of standardised prices."""
    fix(trial.seed)
    x, price = houses(300, 0)
    y = (price - price.mean()) / price.std()
    net = mlp(7, 16, 1)
    optimizer = torch.optim.SGD(net.parameters(), 0.05)
    for epoch in range(6):
        for rows in torch.randperm(200).split(25):
            optimizer.zero_grad()
            F.mse_loss(net(x[rows]).squeeze(1), y[rows]).backward()
            optimizer.step()
        with torch.no_grad():
            guess = net(x[200:]).squeeze(1)
        rmsle = (torch.log1p(guess) - torch.log1p(y[200:])).square().mean().sqrt().item()
        trial.report({"rmsle": rmsle}, epoch)
    return rmsle


PLANTED = {
    "functional dropout": (functional_dropout, Goal("accuracy", "maximize"), "dropout"),
    "one permutation": (one_permutation, Goal("error"), "order"),
    "weights by a fixed generator": (functional_with_fixed_weights, Goal("mse"), "seeds"),
    "oversampled before the split": (oversampled_before_the_split, Goal("accuracy", "maximize"), "validation data"),
    "meter without sizes": (meter_without_sizes, Goal("reconstruction_error"), "last batch"),
    "eval without brackets": (eval_without_brackets, Goal("dice", "maximize"), "batch norm"),
    "one of two schedules": (one_of_two_schedules, Goal("accuracy", "maximize"), "schedule"),
    "scaled and summed": (scaled_and_summed, Goal("accuracy", "maximize"), "accumulation"),
    "Dice minimised": (segmentation, Goal("dice"), "direction"),
    "repeated items": (repeated_items, Goal("mae"), "duplicates"),
    "average that stands still": (average_that_stands_still, Goal("error"), "checkpoint"),
    "logarithm of a negative": (logarithm_of_a_negative, Goal("rmsle"), "finite metrics"),
}  # fmt: skip


# --- twelve clean ---------------------------------------------------------------------------------------------------------


def bag_of_words(trial):
    """An embedding bag: a flat tensor of words and the offsets."""
    fix(trial.seed)
    train, val = reviews(240, 0), reviews(100, 1)
    model = BagOfWords(p=trial.suggest_float("dropout", 0.0, 0.5))
    optimizer = torch.optim.SGD(model.parameters(), trial.suggest_float("lr", 0.1, 5.0, log=True))
    for epoch in range(5):
        model.train()
        for words, offsets, y in DataLoader(train, 24, shuffle=True, collate_fn=bag):
            optimizer.zero_grad()
            F.cross_entropy(model(words, offsets), y).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
        model.eval()
        right = 0
        with torch.no_grad():
            for words, offsets, y in DataLoader(val, 32, collate_fn=bag):
                right += (model(words, offsets).argmax(1) == y).sum().item()
        trial.report({"accuracy": right / len(val)}, epoch)
    return right / len(val)


def variational(trial):
    """A VAE: loss summed by hand over the batch, evaluated per example."""
    fix(trial.seed)
    train, val = waves(220, 0), waves(90, 1)
    model = VAE(z=trial.suggest_int("z", 2, 6))
    optimizer = torch.optim.Adam(model.parameters(), 2e-3)

    def elbo(x):
        out, mu, logvar = model(x)
        kl = -0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum()
        return F.mse_loss(out, x, reduction="sum") + kl

    for epoch in range(6):
        model.train()
        for (x,) in DataLoader(TensorDataset(train), 22, shuffle=True):
            optimizer.zero_grad()
            (elbo(x) / len(x)).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            total = sum(elbo(x).item() for (x,) in DataLoader(TensorDataset(val), 40))
        trial.report({"elbo_loss": total / len(val)}, epoch)
    return total / len(val)


def scaled_and_divided(trial):
    """Mixed precision with a gradient scaler; four micro-batches, each divided; norms clipped after unscaling."""
    fix(trial.seed)
    train = TensorDataset(*quadrant(*scenes(256, 0)))
    val = TensorDataset(*quadrant(*scenes(90, 1)))
    model = TinyViT()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    for epoch in range(5):
        model.train()
        for i, (x, y) in enumerate(DataLoader(train, 8, shuffle=True, drop_last=True)):
            with torch.autocast("cpu", torch.bfloat16):
                loss = F.cross_entropy(model(x), y) / 4
            scaler.scale(loss).backward()
            if (i + 1) % 4 == 0:
                scaler.unscale_(optimizer)
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                scaler.step(optimizer)
                scaler.update()
                optimizer.zero_grad()
        model.eval()
        right = 0
        with torch.no_grad():
            for x, y in DataLoader(val, 32):
                right += (model(x).argmax(1) == y).sum().item()
        trial.report({"accuracy": right / len(val)}, epoch)
    return right / len(val)


def recomputed_transformer(trial):
    """Blocks are recomputed in the backward pass to save memory; warm-up, then cosine, stepped every batch."""
    fix(trial.seed)
    train = TensorDataset(*quadrant(*scenes(192, 0)))
    xv, yv = quadrant(*scenes(80, 1))
    model = TinyViT(recompute=True)
    optimizer = torch.optim.AdamW(model.parameters(), trial.suggest_float("lr", 1e-3, 1e-2, log=True))
    warm = torch.optim.lr_scheduler.LinearLR(optimizer, 0.1, total_iters=10)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 50)
    schedule = torch.optim.lr_scheduler.SequentialLR(optimizer, [warm, cosine], [10])
    for epoch in range(5):
        model.train()
        for x, y in DataLoader(train, 16, shuffle=True):
            loss = F.cross_entropy(model(x), y, label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        model.eval()
        with torch.inference_mode():
            accuracy = (model(xv).argmax(-1) == yv).double().mean().item()
        trial.report({"accuracy": accuracy}, epoch)
    return accuracy


def cached_images(trial):
    """A data set that caches, augments, and returns dicts with indices."""
    fix(trial.seed)
    train = Cached(*quadrant(*scenes(160, 0)), flip=False)
    val = Cached(*quadrant(*scenes(70, 1)))
    net = nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, stride=2), nn.ReLU(), nn.Flatten(),
        nn.Dropout(0.2), nn.Linear(128, 4),
    )  # fmt: skip
    optimizer = torch.optim.RAdam(net.parameters(), lr=5e-3)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [2, 4], 0.3)
    loader = DataLoader(
        train, 16, shuffle=True, drop_last=True, generator=torch.Generator().manual_seed(trial.seed)
    )
    for epoch in range(5):
        net.train()
        for batch in loader:
            loss = F.cross_entropy(net(batch["image"]), batch["target"])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
        net.eval()
        with torch.no_grad():
            losses = [
                F.cross_entropy(net(batch["image"]), batch["target"], reduction="none")
                for batch in DataLoader(val, 20)
            ]
        trial.report({"val_loss": torch.cat(losses).mean().item()}, epoch)
    return torch.cat(losses).mean().item()


def tied_language_model(trial):
    """Truncated backpropagation through time: the text in its order, the state carried on, tied weights."""
    fix(trial.seed)
    text, held = prose(2400, 0).view(8, -1), prose(600, 1).view(4, -1)
    model = TiedLM()
    optimizer = torch.optim.Adam(model.parameters(), trial.suggest_float("lr", 1e-3, 1e-2, log=True))
    for epoch in range(4):
        model.train()
        state = None
        for start in range(0, text.shape[1] - 21, 20):
            x, y = text[:, start : start + 20], text[:, start + 1 : start + 21]
            logits, state = model(x, state)
            state = state.detach()
            loss = F.cross_entropy(logits.reshape(-1, 16), y.reshape(-1))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        model.eval()
        with torch.no_grad():
            logits, _ = model(held[:, :-1])
            nats = F.cross_entropy(logits.reshape(-1, 16), held[:, 1:].reshape(-1)).item()
        trial.report({"bits_per_token": nats / math.log(2)}, epoch)
    return nats / math.log(2)


class Shadow:
    """An exponential average that changes places with the weights while they are evaluated."""

    def __init__(self, model, decay):
        self.model, self.decay = model, decay
        self.shadow = copy.deepcopy(model.state_dict())

    @torch.no_grad()
    def update(self):
        for name, value in self.model.state_dict().items():
            if value.is_floating_point():
                self.shadow[name].lerp_(value, 1 - self.decay)
            else:
                self.shadow[name].copy_(value)

    def __enter__(self):
        self.kept = copy.deepcopy(self.model.state_dict())
        self.model.load_state_dict(self.shadow)

    def __exit__(self, *_):
        self.model.load_state_dict(self.kept)


def averaged_weights(trial):
    """The average is swapped in for each evaluation, and the best one is kept."""
    fix(trial.seed)
    x, mask = scenes(96, 0)
    xv, mv = scenes(40, 1)
    model = TinyUNet()
    average = Shadow(model, trial.suggest_float("decay", 0.8, 0.99))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    best = 0.0
    for epoch in range(6):
        model.train()
        for xb, mb in DataLoader(TensorDataset(x, mask), 16, shuffle=True):
            optimizer.zero_grad()
            F.binary_cross_entropy_with_logits(model(xb), mb).backward()
            optimizer.step()
            average.update()
        model.eval()
        with average, torch.no_grad():
            p = model(xv).sigmoid()
            dice = (2 * (p * mv).sum() / (p.sum() + mv.sum())).item()
            if dice > best:
                best, weights = dice, copy.deepcopy(model.state_dict())
        trial.report({"dice": dice}, epoch)
    model.load_state_dict(weights)
    return best


def adversarial(trial):
    """A GAN of a curve: two networks, two optimisers, real and fake losses each with a backward pass of its own."""
    fix(trial.seed)
    real = waves(256, 0)
    held = waves(100, 1)
    generator, critic = mlp(4, 32, 24), mlp(24, 32, 1)
    opt_g = torch.optim.Adam(generator.parameters(), 1e-3, betas=(0.5, 0.999))
    opt_d = torch.optim.Adam(critic.parameters(), 1e-3, betas=(0.5, 0.999))
    bce = nn.BCEWithLogitsLoss()
    for step in range(60):
        batch = real[torch.randint(0, 256, (32,))]
        opt_d.zero_grad()
        bce(critic(batch), torch.ones(32, 1)).backward()
        fake = generator(torch.randn(32, 4))
        bce(critic(fake.detach()), torch.zeros(32, 1)).backward()
        opt_d.step()
        opt_g.zero_grad()
        bce(critic(fake), torch.ones(32, 1)).backward()
        opt_g.step()
        if step % 12 == 11:
            with torch.no_grad():
                made = generator(torch.randn(100, 4))
            trial.report({"distance": torch.cdist(held, made).min(1).values.mean().item()}, step)


def prices(trial):
    """Regression on scaled targets; the metric is in the target's own units."""
    fix(trial.seed)
    x, price = houses(260, 0)
    xv, pv = houses(110, 1)
    mean, sd = price.mean(), price.std()
    net = mlp(7, trial.suggest_int("width", 16, 64, log=True), 1, depth=2)
    optimizer = torch.optim.AdamW(net.parameters(), 5e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=2)
    for epoch in range(7):
        net.train()
        for xb, pb in DataLoader(TensorDataset(x, price), 26, shuffle=True):
            loss = F.huber_loss(net(xb).squeeze(-1), (pb - mean) / sd)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        net.eval()
        error = 0.0
        with torch.no_grad():
            for xb, pb in DataLoader(TensorDataset(xv, pv), 50):
                error += (net(xb).squeeze(-1) * sd + mean - pb).abs().sum().item()
        mae = error / len(xv)
        schedule.step(mae)
        trial.report({"mae": mae}, epoch)
    return mae


def two_tasks(trial):
    """One body, two heads, and a backward pass for each task's loss."""
    fix(trial.seed)
    x, y = blobs(200, 0)
    xv, yv = blobs(90, 1)
    body, classes, size = mlp(10, 32, 16), nn.Linear(16, 3), nn.Linear(16, 1)
    optimizer = torch.optim.Adam([*body.parameters(), *classes.parameters(), *size.parameters()], 5e-3)
    weight = trial.suggest_float("weight", 0.1, 1.0)
    for epoch in range(6):
        for rows in torch.randperm(200).split(25):
            h = body(x[rows])
            optimizer.zero_grad()
            F.cross_entropy(classes(h), y[rows]).backward(retain_graph=True)
            (weight * F.mse_loss(size(h).squeeze(1), x[rows].norm(dim=1))).backward()
            optimizer.step()
        with torch.no_grad():
            accuracy = (classes(body(xv)).argmax(1) == yv).float().mean().item()
        trial.report({"accuracy": accuracy}, epoch)
    return accuracy


def distilled(trial):
    """A teacher without gradients sees every training batch; the student learns from both."""
    fix(trial.seed)
    x, y = blobs(200, 0)
    val = TensorDataset(*blobs(90, 1))
    teacher = mlp(10, 64, 3)
    with torch.no_grad():
        teacher[0].weight[:3].copy_(3 * torch.eye(3, 10))
    teacher.eval().requires_grad_(False)
    student = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 3))
    optimizer = torch.optim.SGD(student.parameters(), 0.1, momentum=0.9, nesterov=True)
    heat = trial.suggest_float("heat", 1.0, 5.0)
    for epoch in range(6):
        student.train()
        for xb, yb in DataLoader(TensorDataset(x, y), 25, shuffle=True):
            with torch.no_grad():
                wise = F.softmax(teacher(xb) / heat, 1)
            logits = student(xb)
            soft = F.kl_div(F.log_softmax(logits / heat, 1), wise, reduction="batchmean")
            loss = 0.5 * F.cross_entropy(logits, yb) + 0.5 * heat**2 * soft
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        student.eval()
        right = 0
        with torch.no_grad():
            for xb, yb in DataLoader(val, 40):
                right += (student(xb).argmax(1) == yb).sum().item()
        trial.report({"accuracy": right / len(val)}, epoch)
    return right / len(val)


def policy(trial):
    """A contextual bandit by policy gradient: actions are drawn, losses are written by hand."""
    fix(trial.seed)
    best_arm = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    net = mlp(6, 24, 4)
    optimizer = torch.optim.Adam(net.parameters(), trial.suggest_float("lr", 1e-3, 3e-2, log=True))
    baseline = 0.0
    for step in range(80):
        context = torch.randn(32, 6)
        actions = torch.distributions.Categorical(logits=net(context))
        chosen = actions.sample()
        reward = (chosen == (context @ best_arm).argmax(1)).float()
        loss = -((reward - baseline) * actions.log_prob(chosen)).mean() - 0.01 * actions.entropy().mean()
        baseline = 0.9 * baseline + 0.1 * reward.mean().item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 16 == 15:
            with torch.no_grad():
                test = torch.randn(200, 6, generator=torch.Generator().manual_seed(1))
                reached = (net(test).argmax(1) == (test @ best_arm).argmax(1)).float().mean().item()
            trial.report({"reward": reached}, step)
    return reached


CLEAN = {
    "bag of words": (bag_of_words, Goal("accuracy", "maximize")),
    "variational autoencoder": (variational, Goal("elbo_loss")),
    "scaled and divided": (scaled_and_divided, Goal("accuracy", "maximize")),
    "recomputed transformer": (recomputed_transformer, Goal("accuracy", "maximize")),
    "cached images": (cached_images, Goal("val_loss")),
    "tied language model": (tied_language_model, Goal("bits_per_token")),
    "averaged weights": (averaged_weights, Goal("dice", "maximize")),
    "adversarial": (adversarial, Goal("distance")),
    "prices": (prices, Goal("mae")),
    "two tasks": (two_tasks, Goal("accuracy", "maximize")),
    "distilled": (distilled, Goal("accuracy", "maximize")),
    "policy": (policy, Goal("reward", "maximize")),
}  # fmt: skip
