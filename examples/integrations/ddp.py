"""One trial on several processes (DistributedDataParallel): rank 0 alone speaks to the study, and all ranks decide alike.

torchrun --nproc-per-node 2 examples/integrations/ddp.py --trials 3
"""

import argparse

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler

import tunewise as tw
from tunewise.integrations.distributed import SharedTrial, optimize
from tunewise.torch.digits import load_digits

train_set, val_set, _ = load_digits()


def train(trial: SharedTrial) -> float:
    torch.manual_seed(trial.seed)  # equal weights everywhere
    lr = trial.suggest_float("lr", 1e-3, 1.0, log=True)
    model = DistributedDataParallel(nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)))
    torch.manual_seed(trial.rank_seed)  # dropout and augmentation differ between ranks
    optimizer = torch.optim.SGD(model.parameters(), lr, momentum=0.9)
    order = DistributedSampler(train_set, shuffle=True, seed=trial.seed % 2**31)
    for epoch in range(5):
        order.set_epoch(epoch)
        for x, y in DataLoader(train_set, 32, sampler=order):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        with torch.no_grad():
            mine = slice(dist.get_rank(), None, dist.get_world_size())
            wrong = (model.module(val_set.tensors[0][mine]).argmax(1) != val_set.tensors[1][mine]).sum()
        dist.all_reduce(wrong)  # sums over ranks; an average of averages would be off
        error = wrong.item() / len(val_set)
        trial.report(error, epoch)
        if trial.should_prune():
            raise tw.TrialPruned
    return error


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--trials", type=int, default=10)
n_trials = parser.parse_args().trials
dist.init_process_group("gloo")  # "nccl" on GPUs
first = dist.get_rank() == 0
study = tw.create_study("ddp", sampler="qmc", pruner="median", seed=0) if first else None
optimize(study, train, n_trials)
if study is not None:
    print(
        f"{len(study.trials)} trials; the best has an error of {study.best_value:.3f} with {study.best_params}"
    )
dist.destroy_process_group()
