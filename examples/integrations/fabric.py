"""Lightning Fabric: it starts the processes and places model and data; the study is rank 0's, as with DDP.

python examples/integrations/fabric.py --trials 3
"""

import argparse

import torch
import torch.nn.functional as F
from lightning.fabric import Fabric
from torch import nn
from torch.utils.data import DataLoader

import tunewise as tw
from tunewise.integrations.distributed import SharedTrial, optimize
from tunewise.torch.digits import load_digits

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--trials", type=int, default=10)
parser.add_argument("--devices", type=int, default=2)
args = parser.parse_args()
fabric = Fabric(accelerator="cpu", devices=args.devices, strategy="ddp")
fabric.launch()
train_set, val_set, _ = load_digits()


def train(trial: SharedTrial) -> float:
    fabric.seed_everything(trial.seed % 2**31, verbose=False)
    lr = trial.suggest_float("lr", 1e-4, 1e-1, log=True)
    net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    model, optimizer = fabric.setup(net, torch.optim.AdamW(net.parameters(), lr))
    loader = fabric.setup_dataloaders(DataLoader(train_set, 32, shuffle=True))
    for epoch in range(5):
        for x, y in loader:
            optimizer.zero_grad()
            fabric.backward(F.cross_entropy(model(x), y))
            optimizer.step()
        with torch.no_grad():  # every rank evaluates all of it here: a small set
            error = (net(val_set.tensors[0]).argmax(1) != val_set.tensors[1]).float().mean().item()
        trial.report(error, epoch)
        if trial.should_prune():
            raise tw.TrialPruned
    return error


study = tw.create_study("fabric", sampler="qmc", pruner="median", seed=0) if fabric.is_global_zero else None
optimize(study, train, args.trials)
if study is not None:
    print(
        f"{len(study.trials)} trials; the best has an error of {study.best_value:.3f} with {study.best_params}"
    )
