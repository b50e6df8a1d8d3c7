"""The same study in MLflow, Weights & Biases (offline) or TensorBoard; each callback writes a run for each trial.

python examples/integrations/trackers.py mlflow        # then: mlflow ui --backend-store-uri sqlite:///runs/mlflow.db
python examples/integrations/trackers.py wandb         # then: wandb sync runs/wandb/offline-run-*
python examples/integrations/trackers.py tensorboard   # then: tensorboard --logdir runs/tensorboard
"""

import argparse
from pathlib import Path

import torch.nn.functional as F
from torch import nn

import tunewise as tw
from tunewise.torch import TorchTrial, evaluate, training
from tunewise.torch.digits import load_digits

train_set, val_set, _ = load_digits()


@training(max_steps=100, batch_size=64)
def train(trial: TorchTrial) -> None:
    width = trial.suggest_int("width", 16, 128, log=True)
    net = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10)).to(trial.device)
    optimizer = trial.optimizer(net.parameters(), "nesterov")
    for x, y in trial.batches(train_set):
        loss = F.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if trial.eval_due:
            trial.log(net, train_loss=loss, **evaluate(net, val_set))


def tracker(name: str, folder: Path):
    if name == "mlflow":
        from tunewise.integrations.mlflow import MLflowCallback

        return MLflowCallback("digits", tracking_uri=f"sqlite:///{folder}/mlflow.db")
    if name == "wandb":
        from tunewise.integrations.wandb import WandbCallback

        return WandbCallback("digits", mode="offline", dir=str(folder))
    from tunewise.integrations.tensorboard import TensorBoardCallback

    return TensorBoardCallback(folder / "tensorboard")


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("tracker", choices=["mlflow", "wandb", "tensorboard"])
parser.add_argument("--trials", type=int, default=10)
parser.add_argument("--out", type=Path, default=Path("runs"))
args = parser.parse_args()
args.out.mkdir(parents=True, exist_ok=True)
study = tw.create_study("digits", goals={"error": "minimize"}, pruner="median", seed=0)
study.optimize(train, n_trials=args.trials, callbacks=[tracker(args.tracker, args.out.resolve())])
print(f"{len(study.trials)} trials in {args.out}; the best has an error of {study.best_value:.3f}")
