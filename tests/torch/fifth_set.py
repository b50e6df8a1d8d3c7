"""The fifth set of trainings, written by someone who did not know the checks: text, tables, images, sequences. On the first
run 11 of the 12 mistakes were found, and none of the 10 clean ones raised an alarm.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from torch import nn
from torch.utils.data import DataLoader, Subset, TensorDataset


def digits():
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    return torch.tensor(x[order] / 16, dtype=torch.float32), torch.tensor(y[order])


def standardised(load, dtype, cut):
    x, y = load(return_X_y=True)
    order = np.random.default_rng(1).permutation(len(x))
    x, y = x[order], y[order]
    x = (x - x[:cut].mean(0)) / x[:cut].std(0)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=dtype)


def unique_tokens(n, length, seed):
    g = torch.Generator().manual_seed(seed)
    x = torch.randint(1, 12, (n, length), generator=g)
    return x, ((x == 3).sum(1) > (x == 5).sum(1)).long()


# ---------------------------------------------------------------- planted


class TextClassifier(nn.Module):
    def __init__(self, width, drop):
        super().__init__()
        self.embed = nn.Embedding(12, width)
        self.drop = nn.Dropout(drop)
        self.out = nn.Linear(width, 2)

    def forward(self, tokens):
        return self.out(self.drop(self.embed(tokens).mean(1)))


def text_dropout(trial):
    """model.train() at the start, and nobody ever calls eval()."""
    torch.manual_seed(trial.seed)
    model = TextClassifier(trial.suggest_int("width", 16, 64), trial.suggest_float("drop", 0.2, 0.6))
    opt = torch.optim.Adam(model.parameters(), lr=trial.suggest_float("lr", 1e-3, 1e-1, log=True))
    x, y = unique_tokens(900, 14, 3)
    train = DataLoader(TensorDataset(x[:600], y[:600]), 40, shuffle=True)
    valid = DataLoader(TensorDataset(x[600:], y[600:]), 100)
    model.train()
    for epoch in range(10):
        for xb, yb in train:
            opt.zero_grad()
            F.cross_entropy(model(xb), yb).backward()
            opt.step()
        right = 0
        with torch.no_grad():
            for xb, yb in valid:
                right += (model(xb).argmax(1) == yb).sum().item()
        trial.report(right / 300, epoch)
    return right / 300


def sorted_classes(trial):
    """A folder-like data set, in order of its class, read without shuffle."""
    torch.manual_seed(trial.seed)
    x, y = digits()
    order = torch.argsort(y[:1200], stable=True)
    train = TensorDataset(x[:1200][order], y[:1200][order])
    loader = DataLoader(train, batch_size=trial.suggest_categorical("batch", [20, 40]))
    net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    opt = torch.optim.SGD(net.parameters(), lr=trial.suggest_float("lr", 0.01, 0.2, log=True), momentum=0.9)
    for epoch in range(8):
        for xb, yb in loader:
            loss = F.cross_entropy(net(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
        with torch.no_grad():
            error = (net(x[1200:]).argmax(1) != y[1200:]).float().mean().item()
        trial.report(error, epoch)
    return error


@dataclass
class Config:
    lr: float
    hidden: int
    seed: int = 42
    epochs: int = 12


def fixed_seed_config(trial):
    """The configuration's default seed wins: all trials start with the same weights and order."""
    cfg = Config(
        lr=trial.suggest_float("lr", 1e-3, 3e-2, log=True), hidden=trial.suggest_int("hidden", 8, 64)
    )
    torch.manual_seed(cfg.seed)
    x, y = standardised(load_breast_cancer, torch.float32, 380)
    net = nn.Sequential(nn.Linear(30, cfg.hidden), nn.Tanh(), nn.Linear(cfg.hidden, 1))
    opt = torch.optim.AdamW(net.parameters(), lr=cfg.lr)
    for epoch in range(cfg.epochs):
        for idx in torch.randperm(380).split(38):
            opt.zero_grad()
            F.binary_cross_entropy_with_logits(net(x[idx]).squeeze(1), y[idx]).backward()
            opt.step()
        with torch.no_grad():
            val = F.binary_cross_entropy_with_logits(net(x[380:]).squeeze(1), y[380:]).item()
        trial.report(val, epoch)
    return val


def picks_on_test(trial):
    """Early stopping and the returned value both come from the test part."""
    torch.manual_seed(trial.seed)
    x, y = digits()
    train = TensorDataset(x[:1000], y[:1000])
    test_set = TensorDataset(x[1400:], y[1400:])
    train_loader, test_loader = DataLoader(train, 50, shuffle=True), DataLoader(test_set, 397)
    net = nn.Sequential(nn.Linear(64, trial.suggest_int("hidden", 16, 96)), nn.ReLU(), nn.LazyLinear(10))
    net(x[:2])
    opt = torch.optim.Adam(net.parameters(), lr=trial.suggest_float("lr", 3e-4, 1e-2, log=True))
    best, bad = 0.0, 0
    for epoch in range(12):
        net.train()
        for xb, yb in train_loader:
            opt.zero_grad()
            F.cross_entropy(net(xb), yb).backward()
            opt.step()
        net.eval()
        with torch.no_grad():
            test_acc = np.mean([(net(xb).argmax(1) == yb).float().mean().item() for xb, yb in test_loader])
        trial.report(float(test_acc), epoch)
        best, bad = (test_acc, 0) if test_acc > best else (best, bad + 1)
        if bad == 3:
            break
    return float(best)


def mean_of_batch_means(trial):
    """The mean over the batches' mean losses, where the last batch has 2 rows of 62."""
    torch.manual_seed(trial.seed)
    x, y = standardised(load_diabetes, torch.float32, 380)
    y = (y - 150) / 77
    net = nn.Sequential(nn.Linear(10, 32), nn.ELU(), nn.Linear(32, 1))
    opt = torch.optim.Adam(
        net.parameters(),
        lr=trial.suggest_float("lr", 1e-3, 1e-2, log=True),
        weight_decay=trial.suggest_float("wd", 1e-6, 1e-3, log=True),
    )
    val_loader = DataLoader(TensorDataset(x[380:], y[380:]), batch_size=20)
    for epoch in range(15):
        for idx in torch.randperm(380).split(32):
            opt.zero_grad()
            F.mse_loss(net(x[idx])[:, 0], y[idx]).backward()
            opt.step()
        total = 0.0
        with torch.no_grad():
            for xb, yb in val_loader:
                total += F.mse_loss(net(xb)[:, 0], yb).item()
        val = total / len(val_loader)
        trial.report(val, epoch)
    return val


class ConvTrainer:
    """Evaluates a batch-normalised net without eval(): it sees, and learns, the validation batches' statistics."""

    def __init__(self, trial):
        torch.manual_seed(trial.seed)
        self.trial = trial
        c = trial.suggest_int("channels", 4, 12)
        self.net = nn.Sequential(
            nn.Conv2d(1, c, 3, padding=1),
            nn.BatchNorm2d(c),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(16 * c, 10),
        )
        self.opt = torch.optim.SGD(
            self.net.parameters(), lr=trial.suggest_float("lr", 0.01, 0.3, log=True), momentum=0.9
        )
        x, y = digits()
        x = x.view(-1, 1, 8, 8)
        self.fit_loader = DataLoader(TensorDataset(x[:1000], y[:1000]), 50, shuffle=True)
        self.val_loader = DataLoader(TensorDataset(x[1000:1400], y[1000:1400]), 16)

    @torch.no_grad()
    def validate(self):
        hits = sum((self.net(x).argmax(1) == y).sum().item() for x, y in self.val_loader)
        return hits / 400

    def fit(self):
        for epoch in range(5):
            for x, y in self.fit_loader:
                self.opt.zero_grad()
                F.cross_entropy(self.net(x), y).backward()
                self.opt.step()
            acc = self.validate()
            self.trial.report(acc, epoch)
        return acc


def conv_batchnorm(trial):
    return ConvTrainer(trial).fit()


def cosine_not_stepped(trial):
    """A cosine schedule is built, printed, even saved, but never stepped."""
    torch.manual_seed(trial.seed)
    x, y = standardised(load_wine, torch.long, 120)
    net = nn.Sequential(nn.Linear(13, 24), nn.GELU(), nn.Linear(24, 3))
    opt = torch.optim.SGD(net.parameters(), lr=trial.suggest_float("lr", 0.01, 0.3, log=True))
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(
        opt, T_max=20, eta_min=trial.suggest_float("eta", 1e-5, 1e-3, log=True)
    )
    rates = []
    for epoch in range(20):
        for idx in torch.randperm(120).split(20):
            opt.zero_grad()
            F.cross_entropy(net(x[idx]), y[idx]).backward()
            opt.step()
        rates.append(sched.get_last_lr()[0])
        with torch.no_grad():
            loss = F.cross_entropy(net(x[120:]), y[120:]).item()
        trial.report(loss, epoch)
    return loss


def accumulates_sum(trial):
    """Four micro-batches' mean losses are added up, not divided by four."""
    torch.manual_seed(trial.seed)
    x, y = digits()
    accumulate = trial.suggest_categorical("accumulate", [4, 8])
    net = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10))
    opt = torch.optim.SGD(net.parameters(), lr=trial.suggest_float("lr", 0.01, 0.1, log=True))
    for epoch in range(6):
        opt.zero_grad()
        loader = DataLoader(TensorDataset(x[:1024], y[:1024]), 16, shuffle=True)
        for i, (xb, yb) in enumerate(loader, 1):
            loss = F.cross_entropy(net(xb), yb)
            loss.backward()
            if i % accumulate == 0:
                opt.step()
                opt.zero_grad()
        with torch.no_grad():
            val = F.cross_entropy(net(x[1024:1424]), y[1024:1424]).item()
        trial.report(val, epoch)
    return val


def accuracy_minimised(trial):
    """Returns accuracy to a study that minimises."""
    torch.manual_seed(trial.seed)
    x, y = standardised(load_wine, torch.long, 110)
    net = nn.Sequential(nn.Linear(13, trial.suggest_int("h", 8, 32)), nn.ReLU(), nn.LazyLinear(3))
    net(x[:2])
    opt = torch.optim.RMSprop(net.parameters(), lr=trial.suggest_float("lr", 1e-4, 1e-2, log=True))
    for epoch in range(10):
        for idx in torch.randperm(110).split(22):
            opt.zero_grad()
            F.cross_entropy(net(x[idx]), y[idx]).backward()
            opt.step()
        with torch.no_grad():
            accuracy = (net(x[110:]).argmax(1) == y[110:]).double().mean().item()
        trial.report(accuracy, epoch)
    return accuracy


def oversampled_before_split(trial):
    """The rare class is repeated BEFORE the split, so its copies are in both parts."""
    torch.manual_seed(trial.seed)
    g = torch.Generator().manual_seed(5)
    y = (torch.rand(700, generator=g) < 0.15).long()
    x = torch.randn(700, 9, generator=g) + 0.8 * y[:, None]
    rare = (y == 1).nonzero()[:, 0].repeat(4)
    x, y = torch.cat([x, x[rare]]), torch.cat([y, y[rare]])
    order = torch.randperm(len(x), generator=g)
    x, y = x[order], y[order]
    cut = int(0.75 * len(x))
    net = nn.Sequential(nn.Linear(9, 48), nn.ReLU(), nn.Linear(48, 2))
    opt = torch.optim.Adam(net.parameters(), lr=trial.suggest_float("lr", 1e-3, 1e-2, log=True))
    for epoch in range(8):
        for idx in torch.randperm(cut).split(32):
            opt.zero_grad()
            F.cross_entropy(net(x[idx]), y[idx]).backward()
            opt.step()
        with torch.no_grad():
            error = (net(x[cut:]).argmax(1) != y[cut:]).float().mean().item()
        trial.report(error, epoch)
    return error


def best_state_by_reference(trial):
    """state_dict() is kept without a copy: the 'best' weights are the latest, and their metric is returned as best's."""
    torch.manual_seed(trial.seed)
    x, y = standardised(load_diabetes, torch.float32, 250)
    y = (y - 150) / 77
    net = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
    opt = torch.optim.Adam(net.parameters(), lr=trial.suggest_float("lr", 3e-3, 3e-2, log=True))
    best, best_state = float("inf"), None
    for epoch in range(25):
        for idx in torch.randperm(250).split(25):
            opt.zero_grad()
            F.mse_loss(net(x[idx])[:, 0], y[idx]).backward()
            opt.step()
        with torch.no_grad():
            val = F.mse_loss(net(x[250:])[:, 0], y[250:]).item()
        trial.report(val, epoch)
        if val < best:
            best, best_state = val, net.state_dict()
    net.load_state_dict(best_state)
    with torch.no_grad():
        return F.mse_loss(net(x[250:])[:, 0], y[250:]).item()


def nan_perplexity(trial):
    """Rows that are all padding have no target, so their mean loss, and the metric, is NaN."""
    torch.manual_seed(trial.seed)
    g = torch.Generator().manual_seed(1)
    x = (
        torch.arange(13)[None] * torch.randint(1, 4, (300, 1), generator=g)
        + torch.randint(0, 9, (300, 1), generator=g)
    ) % 9 + 1
    swap = torch.rand(x.shape, generator=g) < 0.4
    x = torch.where(swap, torch.randint(1, 10, x.shape, generator=g), x)
    x[260] = 0
    emb, rnn, head = nn.Embedding(10, 16), nn.GRU(16, 24, batch_first=True), nn.Linear(24, 10)
    opt = torch.optim.Adam(
        [*emb.parameters(), *rnn.parameters(), *head.parameters()],
        lr=trial.suggest_float("lr", 1e-3, 2e-2, log=True),
    )

    def loss_of(seq):
        return F.cross_entropy(
            head(rnn(emb(seq[:, :-1]))[0]).flatten(0, 1), seq[:, 1:].flatten(), ignore_index=0
        )

    for epoch in range(5):
        for idx in torch.randperm(240).split(24):
            opt.zero_grad()
            loss_of(x[idx]).backward()
            opt.step()
        with torch.no_grad():
            val = torch.stack([loss_of(row[None]) for row in x[240:]]).mean().item()
        trial.report(val, epoch)
    return val


# ---------------------------------------------------------------- clean


def frozen_backbone(trial):
    """A backbone that is pretrained on other data, frozen and kept in eval; only the head learns."""
    torch.manual_seed(trial.seed)
    x, y = digits()
    body = nn.Sequential(nn.Linear(64, 48), nn.BatchNorm1d(48), nn.ReLU())
    decoder = nn.Linear(48, 64)
    pre = torch.optim.Adam([*body.parameters(), *decoder.parameters()], 3e-3)
    for _ in range(4):
        for idx in torch.randperm(600).split(50):
            pre.zero_grad()
            F.mse_loss(decoder(body(x[idx])), x[idx]).backward()
            pre.step()
    body.requires_grad_(False).eval()
    head = nn.Linear(48, 10)
    opt = torch.optim.SGD(head.parameters(), trial.suggest_float("lr", 0.03, 0.5, log=True), momentum=0.9)
    for epoch in range(6):
        for idx in (600 + torch.randperm(600)).split(50):
            opt.zero_grad()
            F.cross_entropy(head(body(x[idx])), y[idx]).backward()
            opt.step()
        with torch.no_grad():
            error = (head(body(x[1200:])).argmax(1) != y[1200:]).float().mean().item()
        trial.report(error, epoch)
    return error


class TiedLM(nn.Module):
    def __init__(self, vocab, d):
        super().__init__()
        self.embed = nn.Embedding(vocab, d)
        self.position = nn.Parameter(0.02 * torch.randn(12, d))
        self.block = nn.TransformerEncoderLayer(d, 2, 2 * d, dropout=0.1, batch_first=True)
        self.head = nn.Linear(d, vocab, bias=False)
        self.head.weight = self.embed.weight
        nn.init.normal_(self.embed.weight, std=0.2)

    def forward(self, x):
        mask = nn.Transformer.generate_square_subsequent_mask(x.size(1))
        return self.head(
            self.block(self.embed(x) + self.position[: x.size(1)], src_mask=mask, is_causal=True)
        )


def tied_transformer(trial):
    torch.manual_seed(trial.seed)
    g = torch.Generator().manual_seed(4)
    x = torch.randint(0, 16, (500, 13), generator=g)
    for t in range(2, 13):
        noise = torch.rand(500, generator=g) < 0.35
        x[:, t] = torch.where(noise, x[:, t], (x[:, t - 1] + 3) % 16)
    net = TiedLM(16, trial.suggest_categorical("d", [16, 32]))
    opt = torch.optim.AdamW(net.parameters(), lr=trial.suggest_float("lr", 3e-3, 1e-2, log=True))
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, opt.param_groups[0]["lr"], total_steps=80)
    for epoch in range(8):
        net.train()
        for idx in torch.randperm(400).split(40):
            loss = F.cross_entropy(net(x[idx, :-1]).flatten(0, 1), x[idx, 1:].flatten())
            opt.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            opt.step()
            sched.step()
        net.eval()
        with torch.no_grad():
            val = F.cross_entropy(net(x[400:, :-1]).flatten(0, 1), x[400:, 1:].flatten()).item()
        trial.report(val, epoch)
    return val


def accumulation_with_remainder(trial):
    """Sum losses over micro-batches, divided by the rows of the whole group, the last group included."""
    torch.manual_seed(trial.seed)
    x, y = digits()
    net = nn.Sequential(nn.Linear(64, 48), nn.SiLU(), nn.Linear(48, 10))
    opt = torch.optim.SGD(net.parameters(), lr=trial.suggest_float("lr", 0.1, 1.0, log=True))
    for epoch in range(8):
        for group in torch.randperm(1150).split(64):
            opt.zero_grad()
            for micro in group.split(16):
                (F.cross_entropy(net(x[micro]), y[micro], reduction="sum") / len(group)).backward()
            opt.step()
        total = 0.0
        with torch.inference_mode():
            for idx in torch.arange(1150, 1500).split(64):
                total += F.cross_entropy(net(x[idx]), y[idx], reduction="sum").item()
        trial.report(total / 350, epoch)
    return total / 350


def ema_weights(trial):
    torch.manual_seed(trial.seed)
    x, y = standardised(load_breast_cancer, torch.long, 400)
    net = nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 2))
    ema = copy.deepcopy(net).requires_grad_(False).eval()
    decay = trial.suggest_float("decay", 0.8, 0.95)
    opt = torch.optim.Adam(net.parameters(), lr=trial.suggest_float("lr", 1e-3, 1e-2, log=True))
    for epoch in range(10):
        for idx in torch.randperm(400).split(25):
            opt.zero_grad()
            F.cross_entropy(net(x[idx]), y[idx], label_smoothing=0.05).backward()
            opt.step()
            with torch.no_grad():
                for slow, fast in zip(ema.parameters(), net.parameters(), strict=False):
                    slow.lerp_(fast, 1 - decay)
        with torch.no_grad():
            accuracy = (ema(x[400:]).argmax(1) == y[400:]).float().mean().item()
        trial.report(accuracy, epoch)
    return accuracy


def bfloat_autocast(trial):
    torch.manual_seed(trial.seed)
    x, y = digits()
    net = nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 8, 3),
        nn.GroupNorm(2, 8),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(288, 10),
    )
    opt = torch.optim.Adam(net.parameters(), lr=trial.suggest_float("lr", 1e-3, 1e-2, log=True))
    train = DataLoader(TensorDataset(x[:1000], y[:1000]), 50, shuffle=True, drop_last=True)
    for epoch in range(4):
        for xb, yb in train:
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = F.cross_entropy(net(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            error = (net(x[1000:1400]).argmax(1) != y[1000:1400]).float().mean().item()
        trial.report(error, epoch)
    return error


def best_restored(trial):
    """Early stopping with a deep copy, restored before the final evaluation."""
    torch.manual_seed(trial.seed)
    x, y = standardised(load_diabetes, torch.float32, 300)
    mean, std = y[:300].mean(), y[:300].std()
    net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1))
    opt = torch.optim.Adam(net.parameters(), lr=trial.suggest_float("lr", 1e-3, 1e-2, log=True))

    def rmse():
        with torch.no_grad():
            return F.mse_loss(net(x[300:])[:, 0] * std + mean, y[300:]).sqrt().item()

    best, kept, waited = float("inf"), None, 0
    for epoch in range(30):
        for idx in torch.randperm(300).split(30):
            opt.zero_grad()
            F.mse_loss(net(x[idx])[:, 0], (y[idx] - mean) / std).backward()
            opt.step()
        now = rmse()
        trial.report(now, epoch)
        if now < best:
            best, kept, waited = now, copy.deepcopy(net.state_dict()), 0
        else:
            waited += 1
            if waited >= 5:
                break
    net.load_state_dict(kept)
    return rmse()


def parameter_groups(trial):
    """Own lr for the embedding, no weight decay on biases, a warm-up by LambdaLR each step."""
    torch.manual_seed(trial.seed)
    x, y = unique_tokens(1000, 10, 9)
    emb, head = nn.EmbeddingBag(12, 16, mode="sum"), nn.Linear(16, 2)
    lr = trial.suggest_float("lr", 3e-3, 3e-2, log=True)
    opt = torch.optim.AdamW(
        [
            {"params": emb.parameters(), "lr": 3 * lr},
            {"params": [head.weight], "weight_decay": 0.1},
            {"params": [head.bias], "weight_decay": 0.0},
        ],
        lr=lr,
    )
    warm = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min(1, (s + 1) / 20))
    for epoch in range(8):
        for idx in torch.randperm(700).split(35):
            opt.zero_grad()
            F.cross_entropy(head(emb(x[idx])), y[idx]).backward()
            opt.step()
            warm.step()
        with torch.no_grad():
            accuracy = (head(emb(x[700:])).argmax(1) == y[700:]).float().mean().item()
        trial.report(accuracy, epoch)
    return accuracy


def denoiser(trial):
    """A denoising autoencoder; the noise of the evaluation has a generator of its own, the same at each epoch."""
    torch.manual_seed(trial.seed)
    x, _ = digits()
    net = nn.Sequential(
        nn.Linear(64, trial.suggest_int("code", 12, 40)), nn.ReLU(), nn.LazyLinear(64), nn.Sigmoid()
    )
    net(x[:2])
    opt = torch.optim.Adam(net.parameters(), lr=trial.suggest_float("lr", 1e-3, 1e-2, log=True))
    noise = 0.2 * torch.randn(400, 64, generator=torch.Generator().manual_seed(11))
    for epoch in range(6):
        for idx in torch.randperm(1000).split(50):
            opt.zero_grad()
            clean = x[idx]
            F.mse_loss(net(clean + 0.2 * torch.randn_like(clean)), clean).backward()
            opt.step()
        with torch.no_grad():
            val = F.mse_loss(net(x[1000:1400] + noise), x[1000:1400]).item()
        trial.report(val, epoch)
    return val


def forecaster(trial):
    """A chronological split with a gap; windows of the past in random order; loss by Huber, metric is MAE."""
    torch.manual_seed(trial.seed)
    rng = np.random.default_rng(2)
    s = torch.tensor(np.sin(np.arange(700) / 6) + 0.1 * rng.normal(size=700), dtype=torch.float32)
    w = s.unfold(0, 17, 1)
    past, later = w[:480], w[500:]
    rnn, head = nn.LSTM(1, 16, batch_first=True), nn.Linear(16, 1)
    params = [*rnn.parameters(), *head.parameters()]
    opt = torch.optim.Adam(params, lr=trial.suggest_float("lr", 3e-3, 3e-2, log=True))
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(opt, patience=1)

    def predict(b):
        return head(rnn(b[:, :-1, None])[0][:, -1])[:, 0]

    for epoch in range(6):
        for idx in torch.randperm(480).split(32):
            opt.zero_grad()
            F.huber_loss(predict(past[idx]), past[idx, -1]).backward()
            nn.utils.clip_grad_value_(params, 0.5)
            opt.step()
        with torch.no_grad():
            mae = (predict(later) - later[:, -1]).abs().mean().item()
        plateau.step(mae)
        trial.report(mae, epoch)
    return mae


def weighted_classes(trial):
    """Rare positives, class weights in training, balanced accuracy over counts of the whole validation set."""
    torch.manual_seed(trial.seed)
    g = torch.Generator().manual_seed(8)
    y = (torch.rand(1200, generator=g) < 0.12).long()
    x = torch.randn(1200, 6, generator=g) + 1.2 * y[:, None]
    data = TensorDataset(x, y)
    train, val = Subset(data, range(800)), Subset(data, range(800, 1200))
    weights = 800 / (2.0 * torch.bincount(y[:800]))
    net = nn.Linear(6, 2)
    opt = torch.optim.SGD(net.parameters(), lr=trial.suggest_float("lr", 0.03, 0.3, log=True))
    for epoch in range(6):
        for xb, yb in DataLoader(train, 40, shuffle=True):
            opt.zero_grad()
            F.cross_entropy(net(xb), yb, weight=weights).backward()
            opt.step()
        table = torch.zeros(2, 2)
        with torch.no_grad():
            for xb, yb in DataLoader(val, 128):
                table += torch.bincount(2 * yb + net(xb).argmax(1), minlength=4).view(2, 2)
        balanced = (table.diag() / table.sum(1)).mean().item()
        trial.report(balanced, epoch)
    return balanced


PLANTED = {
    "text_dropout": (text_dropout, "maximize", "dropout in eval"),
    "sorted_classes": (sorted_classes, "minimize", "unshuffled data"),
    "fixed_seed_config": (fixed_seed_config, "minimize", "seed ignored"),
    "picks_on_test": (picks_on_test, "maximize", "test leak"),
    "mean_of_batch_means": (mean_of_batch_means, "minimize", "last-batch bias"),
    "conv_batchnorm": (conv_batchnorm, "maximize", "BN in train mode in eval"),
    "cosine_not_stepped": (cosine_not_stepped, "minimize", "LR never stepped"),
    "accumulates_sum": (accumulates_sum, "minimize", "loss summed in accumulation"),
    "accuracy_minimised": (accuracy_minimised, "minimize", "wrong direction"),
    "oversampled_before_split": (oversampled_before_split, "minimize", "duplicated samples"),
    "best_state_by_reference": (best_state_by_reference, "minimize", "stale checkpoint"),
    "nan_perplexity": (nan_perplexity, "minimize", "NaN metric"),
}
CLEAN = {
    "frozen_backbone": (frozen_backbone, "minimize"),
    "tied_transformer": (tied_transformer, "minimize"),
    "accumulation_with_remainder": (accumulation_with_remainder, "minimize"),
    "ema_weights": (ema_weights, "maximize"),
    "bfloat_autocast": (bfloat_autocast, "minimize"),
    "best_restored": (best_restored, "minimize"),
    "parameter_groups": (parameter_groups, "maximize"),
    "denoiser": (denoiser, "minimize"),
    "forecaster": (forecaster, "minimize"),
    "weighted_classes": (weighted_classes, "maximize"),
}
