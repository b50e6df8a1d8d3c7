"""Lightning's Trainer as the training of a trial: reports after each validation, prunes, and marks divergence.

python examples/integrations/lightning_trainer.py --trials 5
"""

import argparse

import lightning as L
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader

import tunewise as tw
from tunewise.integrations.lightning import TrialCallback
from tunewise.torch.digits import load_digits

train_set, val_set, _ = load_digits()


class Digits(L.LightningModule):
    def __init__(self, width: int, lr: float) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))
        self.lr = lr

    def training_step(self, batch, _):
        return F.cross_entropy(self.net(batch[0]), batch[1])

    def validation_step(self, batch, _):
        logits = self.net(batch[0])
        # Lightning weights the mean over batches by batch_size
        self.log("val_error", (logits.argmax(1) != batch[1]).float().mean(), batch_size=len(batch[1]))

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), self.lr)


def train(trial: tw.Trial) -> None:
    L.seed_everything(trial.seed, verbose=False)
    model = Digits(
        trial.suggest_int("width", 16, 128, log=True), trial.suggest_float("lr", 1e-4, 1e-1, log=True)
    )
    trainer = L.Trainer(
        max_epochs=5, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, callbacks=[TrialCallback(trial, "val_error")],
    )  # fmt: skip
    trainer.fit(model, DataLoader(train_set, 50, shuffle=True), DataLoader(val_set, 350))


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--trials", type=int, default=10)
study = tw.create_study("lightning", goals={"val_error": "minimize"}, pruner="median", seed=0)
study.optimize(train, n_trials=parser.parse_args().trials)
print(f"{len(study.trials)} trials; the best has an error of {study.best_value:.3f} with {study.best_params}")
