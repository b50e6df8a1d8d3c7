"""The sixth set, by the same hand in other styles: averages over dropout, graphs, contrasts, folds, streams. On the first run
9 of the 12 mistakes were found, and 1 of the 10 clean ones raised an alarm; the checks were then mended with both in view.
"""

from __future__ import annotations

import contextlib
import io
import math
import random

import torch
import torch.nn.functional as F
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset


def blobs(n, k, d, seed, shift=1.6):
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(0, k, (n,), generator=g)
    return torch.randn(n, d, generator=g) + shift * torch.eye(d)[y], y


def surface(n, seed):
    g = torch.Generator().manual_seed(seed)
    x = torch.rand(n, 4, generator=g) * 2 - 1
    return x, 10 * x[:, 0] * x[:, 1] + 5 * torch.sin(3 * x[:, 2]) + 0.3 * torch.randn(n, generator=g)


def digit_images():
    x, y = load_digits(return_X_y=True)
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(3))
    return torch.tensor(x, dtype=torch.float32)[order] / 16, torch.tensor(y)[order]


# ---------------------------------------------------------------- planted


class FunctionalNet(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.a, self.b, self.p = nn.Linear(10, 64), nn.Linear(64, 4), p

    def forward(self, x):
        return self.b(F.dropout(torch.relu(self.a(x)), self.p))


def functional_dropout(trial):
    """F.dropout without training=self.training: eval() does not turn it off."""
    torch.manual_seed(trial.seed)
    x, y = blobs(800, 4, 10, 1)
    net = FunctionalNet(trial.suggest_float("p", 0.2, 0.6))
    opt = torch.optim.Adam(net.parameters(), trial.suggest_float("lr", 1e-3, 3e-2, log=True))
    for epoch in range(8):
        net.train()
        for b in torch.randperm(500).split(25):
            opt.zero_grad()
            F.cross_entropy(net(x[b]), y[b]).backward()
            opt.step()
        net.eval()
        with torch.no_grad():
            val = F.cross_entropy(net(x[500:]), y[500:]).item()
        trial.report(val, epoch)
    return val


def class_by_class(trial):
    """Data are built class after class, and cut into batches in that order."""
    torch.manual_seed(trial.seed)
    g = torch.Generator().manual_seed(2)
    centres = torch.randn(5, 7, generator=g) * 1.5
    train_x = torch.cat([c + torch.randn(100, 7, generator=g) for c in centres])
    train_y = torch.arange(5).repeat_interleave(100)
    val_y = torch.randint(0, 5, (300,), generator=g)
    val_x = centres[val_y] + torch.randn(300, 7, generator=g)
    size = trial.suggest_categorical("batch_size", [10, 25])
    model = nn.Sequential(nn.Linear(7, 40), nn.Tanh(), nn.Linear(40, 5))
    opt = torch.optim.SGD(model.parameters(), trial.suggest_float("lr", 0.02, 0.2, log=True), momentum=0.9)
    for epoch in range(10):
        for i in range(0, 500, size):
            loss = F.nll_loss(model(train_x[i : i + size]).log_softmax(-1), train_y[i : i + size])
            opt.zero_grad()
            loss.backward()
            opt.step()
        with torch.no_grad():
            acc = (model(val_x).argmax(-1) == val_y).float().mean().item()
        trial.report(acc, epoch)
    return acc


def set_seed(seed=1234):
    random.seed(seed)
    torch.manual_seed(seed)


def helper_without_seed(trial):
    """set_seed() is called without trial.seed, so its default is used in every trial."""
    set_seed()
    x, y = surface(600, 4)
    model = nn.Sequential(nn.Linear(4, trial.suggest_int("units", 16, 64)), nn.ReLU(), nn.LazyLinear(1))
    model(x[:2])
    opt = torch.optim.Adam(model.parameters(), trial.suggest_float("lr", 1e-3, 3e-2, log=True))
    loader = DataLoader(TensorDataset(x[:400], y[:400]), 20, shuffle=True)
    for epoch in range(8):
        for xb, yb in loader:
            opt.zero_grad()
            F.l1_loss(model(xb).squeeze(-1), yb).backward()
            opt.step()
        with torch.no_grad():
            mae = F.l1_loss(model(x[400:]).squeeze(-1), y[400:]).item()
        trial.report(mae, epoch)
    return mae


def wrong_split_key(trial):
    """There is a validation part, but the tuned number is measured on splits["test"]."""
    torch.manual_seed(trial.seed)
    x, y = load_breast_cancer(return_X_y=True)
    x_rest, x_test, y_rest, y_test = train_test_split(x, y, test_size=120, random_state=0, stratify=y)
    x_train, x_val, y_train, y_val = train_test_split(
        x_rest, y_rest, test_size=120, random_state=1, stratify=y_rest
    )
    mean, std = x_train.mean(0), x_train.std(0)
    splits = {
        name: (torch.tensor((a - mean) / std, dtype=torch.float32), torch.tensor(b))
        for name, a, b in [("train", x_train, y_train), ("val", x_val, y_val), ("test", x_test, y_test)]
    }
    model = nn.Sequential(nn.Linear(30, 16), nn.ReLU(), nn.Linear(16, 2))
    opt = torch.optim.NAdam(model.parameters(), trial.suggest_float("lr", 1e-4, 1e-2, log=True))
    for epoch in range(10):
        xs, ys = splits["train"]
        for b in torch.randperm(len(xs)).chunk(15):
            opt.zero_grad()
            F.cross_entropy(model(xs[b]), ys[b]).backward()
            opt.step()
        xs, ys = splits["test"]
        with torch.no_grad():
            loss = F.cross_entropy(model(xs), ys).item()
        trial.report(loss, epoch)
    return loss


class AverageMeter:
    def __init__(self):
        self.sum = self.n = 0

    def update(self, value, n=1):
        self.sum, self.n = self.sum + value * n, self.n + n


def meter_without_n(trial):
    """AverageMeter.update(accuracy) without the batch's size; the last batch has 6 rows, the others 98."""
    torch.manual_seed(trial.seed)
    x, y = blobs(1002, 6, 8, 6, 1.3)
    loader = DataLoader(TensorDataset(x[:800], y[:800]), 40, shuffle=True)
    val_loader = DataLoader(TensorDataset(x[800:], y[800:]), 98)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 6))
    opt = torch.optim.Adam(model.parameters(), trial.suggest_float("lr", 1e-3, 1e-2, log=True))
    for epoch in range(6):
        for xb, yb in loader:
            opt.zero_grad()
            F.cross_entropy(model(xb), yb).backward()
            opt.step()
        meter = AverageMeter()
        with torch.no_grad():
            for xb, yb in val_loader:
                meter.update((model(xb).argmax(1) == yb).float().mean().item())
        trial.report(meter.sum / meter.n, epoch)
    return meter.sum / meter.n


def only_head_eval(trial):
    """head.eval() is called, but the batch norm is in the encoder, which stays in train mode."""
    torch.manual_seed(trial.seed)
    x, y = surface(700, 7)
    encoder = nn.Sequential(
        nn.Linear(4, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 32), nn.BatchNorm1d(32), nn.ReLU()
    )
    head = nn.Linear(32, 1)
    opt = torch.optim.AdamW(
        [{"params": encoder.parameters()}, {"params": head.parameters(), "lr": 1e-2}],
        lr=trial.suggest_float("lr", 1e-3, 2e-2, log=True),
    )
    for epoch in range(8):
        encoder.train()
        head.train()
        for b in torch.randperm(500).split(25):
            opt.zero_grad()
            F.mse_loss(head(encoder(x[b]))[:, 0], y[b]).backward()
            opt.step()
        head.eval()
        error = 0.0
        with torch.no_grad():
            for b in torch.arange(500, 700).split(10):
                error += F.mse_loss(head(encoder(x[b]))[:, 0], y[b], reduction="sum").item()
        trial.report(error / 200, epoch)
    return error / 200


def interval_typo(trial):
    """The schedule's interval is written "epochs", the loop asks for "epoch" or "batch": it is never stepped."""
    torch.manual_seed(trial.seed)
    cfg = {
        "lr": trial.suggest_float("lr", 0.01, 0.2, log=True),
        "gamma": trial.suggest_float("gamma", 0.5, 0.9),
        "interval": "epochs",
        "epochs": 10,
    }
    x, y = blobs(700, 5, 9, 8)
    model = nn.Sequential(nn.Linear(9, 32), nn.ReLU(), nn.Linear(32, 5))
    opt = torch.optim.SGD(model.parameters(), cfg["lr"], momentum=0.8)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(opt, cfg["gamma"])
    for epoch in range(cfg["epochs"]):
        for b in torch.randperm(500).split(25):
            opt.zero_grad()
            F.cross_entropy(model(x[b]), y[b]).backward()
            opt.step()
            if cfg["interval"] == "batch":
                scheduler.step()
        if cfg["interval"] == "epoch":
            scheduler.step()
        with torch.no_grad():
            acc = (model(x[500:]).argmax(1) == y[500:]).float().mean().item()
        trial.report(acc, epoch)
    return acc


def total_loss_accumulated(trial):
    """total += mean loss of each micro-batch, and total.backward(): the step grows with the number of them."""
    torch.manual_seed(trial.seed)
    x, y = surface(720, 9)
    k = trial.suggest_int("micro_batches", 2, 6)
    model = nn.Sequential(nn.Linear(4, 48), nn.SiLU(), nn.Linear(48, 1))
    opt = torch.optim.SGD(model.parameters(), trial.suggest_float("lr", 1e-3, 1e-2, log=True))
    for epoch in range(8):
        opt.zero_grad()
        total = 0.0
        for i, b in enumerate(torch.randperm(480).split(10)):
            total = total + F.mse_loss(model(x[b]).flatten(), y[b])
            if (i + 1) % k == 0:
                total.backward()
                opt.step()
                opt.zero_grad()
                total = 0.0
        with torch.no_grad():
            val = F.mse_loss(model(x[480:]).flatten(), y[480:]).item()
        trial.report(val, epoch)
    return val


def error_maximised(trial):
    """The mean absolute error goes to a study that maximises."""
    torch.manual_seed(trial.seed)
    x, y = load_diabetes(return_X_y=True)
    x, y = torch.tensor(x * 20, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)
    model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1))
    nn.init.constant_(model[2].bias, float(y[:300].mean()))
    opt = torch.optim.Adam(model.parameters(), trial.suggest_float("lr", 3e-3, 3e-2, log=True))
    for epoch in range(12):
        for b in torch.randperm(300).split(20):
            opt.zero_grad()
            F.smooth_l1_loss(model(x[b]).ravel(), y[b]).backward()
            opt.step()
        with torch.no_grad():
            mae = (model(x[300:]).ravel() - y[300:]).abs().mean().item()
        trial.report(mae, epoch)
    return mae


class Rows(Dataset):
    def __init__(self, x, y, rows):
        self.x, self.y, self.rows = x, y, rows

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        return self.x[self.rows[i]], self.y[self.rows[i]]


def overlapping_slices(trial):
    """Rows 900 to 1099 are in both the training and the validation part."""
    torch.manual_seed(trial.seed)
    x, y = digit_images()
    train, valid = Rows(x, y, range(1100)), Rows(x, y, range(900, 1300))
    model = nn.Sequential(nn.Linear(64, trial.suggest_int("hidden", 24, 64)), nn.ReLU(), nn.LazyLinear(10))
    model(x[:2])
    opt = torch.optim.Adam(model.parameters(), trial.suggest_float("lr", 1e-3, 1e-2, log=True))
    for epoch in range(6):
        for xb, yb in DataLoader(train, 50, shuffle=True):
            opt.zero_grad()
            F.cross_entropy(model(xb), yb).backward()
            opt.step()
        right = 0
        with torch.no_grad():
            for xb, yb in DataLoader(valid, 100):
                right += int((model(xb).argmax(1) == yb).sum())
        trial.report(right / len(valid), epoch)
    return right / len(valid)


def saved_every_ten(trial):
    """Saved only each tenth epoch, of nine: the first epoch's weights are restored and judged as the 'best'."""
    torch.manual_seed(trial.seed)
    x, y = blobs(800, 4, 6, 12)
    model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 4))
    opt = torch.optim.Adam(model.parameters(), trial.suggest_float("lr", 3e-4, 3e-3, log=True))
    disk, best = io.BytesIO(), math.inf

    def validate():
        with torch.no_grad():
            return F.cross_entropy(model(x[500:]), y[500:]).item()

    for epoch in range(9):
        for b in torch.randperm(500).split(25):
            opt.zero_grad()
            F.cross_entropy(model(x[b]), y[b]).backward()
            opt.step()
        val = validate()
        trial.report(val, epoch)
        if val < best:
            best = val
            if epoch % 10 == 0:
                torch.save(model.state_dict(), disk)
    disk.seek(0)
    model.load_state_dict(torch.load(disk))
    return validate()


def group_std(trial):
    """Mean over groups of the residuals' std; a group with one row has an unbiased std of NaN."""
    torch.manual_seed(trial.seed)
    x, y = surface(600, 13)
    groups = torch.arange(200) % 9
    groups[17] = 9
    model = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 1))
    opt = torch.optim.Adam(model.parameters(), trial.suggest_float("lr", 1e-3, 2e-2, log=True))
    for epoch in range(6):
        for b in torch.randperm(400).split(20):
            opt.zero_grad()
            F.mse_loss(model(x[b])[:, 0], y[b]).backward()
            opt.step()
        with torch.no_grad():
            residual = model(x[400:])[:, 0] - y[400:]
        score = torch.stack([residual[groups == g].std() for g in range(10)]).mean().item()
        trial.report(score, epoch)
    return score


# ---------------------------------------------------------------- clean


def mc_dropout(trial):
    """Dropout on purpose in evaluation: the mean of 30 passes, with masks from a fixed seed that leaves the training's alone."""
    torch.manual_seed(trial.seed)
    x, y = blobs(800, 4, 8, 21)
    net = nn.Sequential(
        nn.Linear(8, 48), nn.ReLU(), nn.Dropout(trial.suggest_float("p", 0.1, 0.3)), nn.Linear(48, 4)
    )
    opt = torch.optim.Adam(net.parameters(), trial.suggest_float("lr", 1e-3, 1e-2, log=True))
    for epoch in range(6):
        for b in torch.randperm(500).split(25):
            opt.zero_grad()
            F.cross_entropy(net(x[b]), y[b]).backward()
            opt.step()
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            p = torch.stack([net(x[500:]).softmax(1) for _ in range(30)]).mean(0)
        nll = F.nll_loss(p.log(), y[500:]).item()
        trial.report(nll, epoch)
    return nll


def graph_full_batch(trial):
    """A two-layer graph convolution, full batch, nodes split by masks."""
    torch.manual_seed(trial.seed)
    g = torch.Generator().manual_seed(22)
    x, y = blobs(240, 3, 6, 22, 0.9)
    adj = (torch.rand(240, 240, generator=g) < torch.where(y[:, None] == y[None], 0.05, 0.01)).float()
    adj = ((adj + adj.T) > 0).float() + torch.eye(240)
    adj = (adj > 0).float()
    d = adj.sum(1).rsqrt()
    a = d[:, None] * adj * d[None]
    mask = torch.arange(240) < 120
    w1, w2, drop = nn.Linear(6, 16), nn.Linear(16, 3), nn.Dropout(0.3)
    opt = torch.optim.Adam(
        [*w1.parameters(), *w2.parameters()],
        trial.suggest_float("lr", 5e-3, 5e-2, log=True),
        weight_decay=5e-4,
    )
    for step in range(60):
        drop.train()
        out = a @ w2(drop(torch.relu(a @ w1(x))))
        opt.zero_grad()
        F.cross_entropy(out[mask], y[mask]).backward()
        opt.step()
        if step % 10 == 9:
            drop.eval()
            with torch.no_grad():
                acc = ((a @ w2(drop(torch.relu(a @ w1(x))))).argmax(1) == y)[~mask].float().mean().item()
            trial.report(acc, step)
    return acc


def contrastive(trial):
    """NT-Xent on two noisy views; judged by nearest centroids of the training part's embeddings."""
    torch.manual_seed(trial.seed)
    x, y = digit_images()
    net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 16))
    tau = trial.suggest_float("tau", 0.1, 0.5)
    opt = torch.optim.Adam(net.parameters(), trial.suggest_float("lr", 1e-3, 5e-3, log=True))
    for epoch in range(6):
        for b in torch.randperm(1000).split(50):
            views = torch.cat([x[b] + 0.2 * torch.randn_like(x[b]) for _ in range(2)])
            z = F.normalize(net(views), dim=1)
            sim = (z @ z.T / tau).masked_fill(torch.eye(len(z), dtype=torch.bool), -1e9)
            opt.zero_grad()
            F.cross_entropy(sim, (torch.arange(len(z)) + len(b)) % len(z)).backward()
            opt.step()
        with torch.no_grad():
            z = F.normalize(net(x[:1400]), dim=1)
            centres = torch.stack([z[:1000][y[:1000] == c].mean(0) for c in range(10)])
            acc = ((z[1000:] @ centres.T).argmax(1) == y[1000:1400]).double().mean().item()
        trial.report(acc, epoch)
    return acc


def variational(trial):
    """ELBO summed over pixels, mean over rows; judged at the posterior's mean."""
    torch.manual_seed(trial.seed)
    x, _ = digit_images()
    enc, dec = (
        nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 16)),
        nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64)),
    )
    opt = torch.optim.Adam(
        [*enc.parameters(), *dec.parameters()], trial.suggest_float("lr", 1e-3, 5e-3, log=True)
    )

    def negative_elbo(v, sample):
        mu, logvar = enc(v).chunk(2, 1)
        z = mu + sample * torch.randn_like(mu) * (logvar / 2).exp() if sample else mu
        kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
        return F.binary_cross_entropy_with_logits(dec(z), v, reduction="sum") + kl

    for epoch in range(6):
        for b in torch.randperm(1200).split(40):
            opt.zero_grad()
            (negative_elbo(x[b], 1) / len(b)).backward()
            opt.step()
        with torch.no_grad():
            val = sum(negative_elbo(v, 0).item() for v in x[1200:1600].split(150)) / 400
        trial.report(val, epoch)
    return val


def lbfgs(trial):
    """A second-order optimiser with a closure, full batch; regression with unnormalised targets."""
    torch.manual_seed(trial.seed)
    x, y = surface(500, 25)
    model = nn.Sequential(nn.Linear(4, 12), nn.Tanh(), nn.Linear(12, 1))
    wd = trial.suggest_float("wd", 1e-5, 1e-3, log=True)
    opt = torch.optim.LBFGS(model.parameters(), lr=trial.suggest_float("lr", 0.1, 0.5, log=True), max_iter=4)

    def closure():
        opt.zero_grad()
        loss = F.mse_loss(model(x[:300])[:, 0], y[:300]) + wd * sum(
            p.square().sum() for p in model.parameters()
        )
        loss.backward()
        return loss

    for step in range(15):
        opt.step(closure)
        with torch.no_grad():
            val = F.mse_loss(model(x[300:])[:, 0], y[300:]).item()
        trial.report(val, step)
    return val


def online_stream(trial):
    """Endless fresh data: sequences of Gaussian numbers, is the sum of the first half larger than the other's?"""
    torch.manual_seed(trial.seed)
    g = torch.Generator().manual_seed(trial.seed + 1)
    v = torch.randn(400, 8, generator=torch.Generator().manual_seed(2**40))

    def label(s):
        return (s[:, :4].sum(1) > s[:, 4:].sum(1)).float()

    model = nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 1))
    opt = torch.optim.SGD(
        model.parameters(), trial.suggest_float("lr", 0.05, 0.5, log=True), nesterov=True, momentum=0.9
    )
    for step in range(1, 201):
        s = torch.randn(32, 8, generator=g)
        opt.zero_grad()
        F.soft_margin_loss(model(s)[:, 0], 2 * label(s) - 1).backward()
        opt.step()
        if step % 40 == 0:
            with torch.no_grad():
                acc = ((model(v)[:, 0] > 0).float() == label(v)).float().mean().item()
            trial.report(acc, step)
    return acc


def two_tasks(trial):
    """A classification and a regression head, weighted by learnt uncertainties; judged by the classification's error."""
    torch.manual_seed(trial.seed)
    x, y = blobs(800, 3, 6, 27)
    r = x.sum(1)
    body, cls, reg = nn.Sequential(nn.Linear(6, 32), nn.ReLU()), nn.Linear(32, 3), nn.Linear(32, 1)
    s = nn.Parameter(torch.zeros(2))
    opt = torch.optim.Adam(
        [*body.parameters(), *cls.parameters(), *reg.parameters(), s],
        trial.suggest_float("lr", 1e-3, 1e-2, log=True),
    )
    for epoch in range(6):
        for b in torch.randperm(500).split(25):
            h = body(x[b])
            losses = torch.stack([F.cross_entropy(cls(h), y[b]), F.mse_loss(reg(h)[:, 0], r[b])])
            opt.zero_grad()
            (losses * (-s).exp() + s).sum().backward()
            opt.step()
        with torch.no_grad():
            error = (cls(body(x[500:])).argmax(1) != y[500:]).float().mean().item()
        trial.report(error, epoch)
    return error


def five_folds(trial):
    """Cross-validation with a new model for each fold of equal size; reports the running mean."""
    torch.manual_seed(trial.seed)
    x, y = blobs(500, 4, 8, 28)
    lr, errors = trial.suggest_float("lr", 3e-3, 3e-2, log=True), []
    for k in range(5):
        held = torch.arange(500) // 100 == k
        model = nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 4))
        opt = torch.optim.Adam(model.parameters(), lr)
        xs, ys = x[~held], y[~held]
        for _ in range(5):
            for b in torch.randperm(400).split(20):
                opt.zero_grad()
                F.cross_entropy(model(xs[b]), ys[b]).backward()
                opt.step()
        with torch.no_grad():
            errors.append((model(x[held]).argmax(1) != y[held]).float().mean().item())
        trial.report(sum(errors) / len(errors), k)
    return sum(errors) / 5


@contextlib.contextmanager
def evaluating(model):
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train()


def best_on_disk(trial):
    """Batch norm and dropout, a context that evaluates, the best weights saved as bytes and restored."""
    torch.manual_seed(trial.seed)
    x, y = digit_images()
    model = nn.Sequential(
        nn.Linear(64, 48), nn.BatchNorm1d(48), nn.ReLU(), nn.Dropout(0.2), nn.Linear(48, 10)
    )
    opt = torch.optim.SGD(model.parameters(), trial.suggest_float("lr", 0.01, 0.2, log=True), momentum=0.9)
    decay = torch.optim.lr_scheduler.MultiStepLR(opt, [4, 6], 0.3)

    def error():
        with evaluating(model):
            return 1 - sum(
                (model(a).argmax(1) == b).sum().item()
                for a, b in zip(x[1200:].split(90), y[1200:].split(90), strict=False)
            ) / len(x[1200:])

    best, blob = 2.0, b""
    for epoch in range(8):
        for b in torch.randperm(1200).split(48):
            opt.zero_grad()
            F.cross_entropy(model(x[b]), y[b]).backward()
            opt.step()
        decay.step()
        e = error()
        trial.report(e, epoch)
        if e < best:
            buffer = io.BytesIO()
            torch.save(model.state_dict(), buffer)
            best, blob = e, buffer.getvalue()
    model.load_state_dict(torch.load(io.BytesIO(blob)))
    return error()


def truncated_bptt(trial):
    """Eight contiguous streams in order of time, the state carried over and detached: the order is meant."""
    torch.manual_seed(trial.seed)
    g = torch.Generator().manual_seed(30)
    noise = torch.randint(0, 10, (8, 401), generator=g)
    text = noise.clone()
    for t in range(2, 401):
        keep = torch.rand(8, generator=g) < 0.8
        text[:, t] = torch.where(keep, (text[:, t - 1] + text[:, t - 2]) % 10, noise[:, t])
    emb, rnn, out = nn.Embedding(10, 24), nn.GRU(24, 32, batch_first=True), nn.Linear(32, 10)
    params = [p for m in (emb, rnn, out) for p in m.parameters()]
    opt = torch.optim.Adam(params, trial.suggest_float("lr", 5e-3, 2e-2, log=True))
    for epoch in range(8):
        state = None
        for t in range(0, 300, 20):
            h, state = rnn(emb(text[:, t : t + 20]), state)
            loss = F.cross_entropy(out(h).flatten(0, 1), text[:, t + 1 : t + 21].flatten())
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(params, 1.0)
            opt.step()
            state = state.detach()
        with torch.no_grad():
            h, _ = rnn(emb(text[:, 301:400]))
            val = F.cross_entropy(out(h).flatten(0, 1), text[:, 302:401].flatten()).item()
        trial.report(val, epoch)
    return val


PLANTED = {
    "functional_dropout": (functional_dropout, "minimize", "dropout in eval"),
    "class_by_class": (class_by_class, "maximize", "unshuffled data"),
    "helper_without_seed": (helper_without_seed, "minimize", "seed ignored"),
    "wrong_split_key": (wrong_split_key, "minimize", "test leak"),
    "meter_without_n": (meter_without_n, "maximize", "last-batch bias"),
    "only_head_eval": (only_head_eval, "minimize", "BN in train mode in eval"),
    "interval_typo": (interval_typo, "maximize", "LR never stepped"),
    "total_loss_accumulated": (total_loss_accumulated, "minimize", "loss summed in accumulation"),
    "error_maximised": (error_maximised, "maximize", "wrong direction"),
    "overlapping_slices": (overlapping_slices, "maximize", "duplicated samples"),
    "saved_every_ten": (saved_every_ten, "minimize", "stale checkpoint"),
    "group_std": (group_std, "minimize", "NaN metric"),
}
CLEAN = {
    "mc_dropout": (mc_dropout, "minimize"),
    "graph_full_batch": (graph_full_batch, "maximize"),
    "contrastive": (contrastive, "maximize"),
    "variational": (variational, "minimize"),
    "lbfgs": (lbfgs, "minimize"),
    "online_stream": (online_stream, "maximize"),
    "two_tasks": (two_tasks, "minimize"),
    "five_folds": (five_folds, "minimize"),
    "best_on_disk": (best_on_disk, "minimize"),
    "truncated_bptt": (truncated_bptt, "minimize"),
}
