"""A network of timm in a training of tunewise; timm brings torchvision along, which must fit the installed torch.

pip install timm
python examples/integrations/timm_model.py --trials 3 --steps 30
"""

import argparse

import timm
import torch.nn.functional as F
from torch.utils.data import TensorDataset

import tunewise as tw
from tunewise.torch import TorchTrial, evaluate, training
from tunewise.torch.digits import load_digits

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--trials", type=int, default=10)
parser.add_argument("--steps", type=int, default=100)
parser.add_argument("--model", default="resnet10t")
args = parser.parse_args()


def pictures(data: TensorDataset) -> TensorDataset:
    """Digits as images (1, 32, 32)."""
    x, y = data.tensors
    return TensorDataset(F.interpolate(x.view(-1, 1, 8, 8), size=32), y)


train_set, val_set, _ = map(pictures, load_digits())


@training(max_steps=args.steps, batch_size=64, evals=3)
def train(trial: TorchTrial) -> None:
    model = timm.create_model(
        args.model, num_classes=10, in_chans=1
    )  # pretrained=True where the weights can be had
    model = model.to(trial.device)
    optimizer = trial.optimizer(model.parameters(), "adamw", trials=args.trials)
    for x, y in trial.batches(train_set):
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if trial.eval_due:
            trial.log(model, train_loss=loss, **evaluate(model, val_set))


study = tw.create_study("timm", goals={"error": "minimize"}, seed=0)
study.optimize(train, n_trials=args.trials)
print(f"{len(study.trials)} trials; the best has an error of {study.best_value:.3f} with {study.best_params}")
