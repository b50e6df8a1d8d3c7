"""Hugging Face's Trainer, tuned twice: by its own `hyperparameter_search`, and in a loop of your own with a callback.

python examples/integrations/transformers_trainer.py --trials 3
"""

import argparse
import tempfile

import torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

import tunewise as tw
from tunewise.integrations.transformers import TrialCallback, search_backend

generator = torch.Generator().manual_seed(0)
texts = torch.randint(2, 32, (192, 12), generator=generator)
labels = (texts < 10).sum(1) > 2  # a made-up question: are there three or more rare words?
data = [{"input_ids": row, "labels": int(label)} for row, label in zip(texts, labels, strict=True)]
config = BertConfig(
    vocab_size=32, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
    max_position_embeddings=12, num_labels=2,
)  # fmt: skip


def trainer(folder: str, seed: int = 0, lr: float = 1e-3, **more) -> Trainer:
    settings = TrainingArguments(
        folder, num_train_epochs=3, per_device_train_batch_size=16, learning_rate=lr, seed=seed, use_cpu=True,
        eval_strategy="epoch", save_strategy="no", logging_strategy="no", report_to=[], disable_tqdm=True,
    )  # fmt: skip
    return Trainer(
        args=settings, train_dataset=data[:128], eval_dataset=data[128:],
        model_init=lambda _=None: BertForSequenceClassification(config), **more,
    )  # fmt: skip


def space(trial: tw.Trial) -> dict:
    return {"learning_rate": trial.suggest_float("learning_rate", 1e-4, 1e-1, log=True)}


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--trials", type=int, default=10)
n_trials = parser.parse_args().trials

with tempfile.TemporaryDirectory() as folder:
    with search_backend(sampler="qmc", pruner="median", seed=0):
        best = trainer(folder).hyperparameter_search(
            hp_space=space, n_trials=n_trials, direction="minimize", backend="optuna"
        )
    print(f"the Trainer's own search: loss {best.objective:.3f} with {best.hyperparameters}")

    def train(trial: tw.Trial) -> None:
        lr = trial.suggest_float("lr", 1e-4, 1e-1, log=True)
        trainer(folder, trial.seed % 2**31, lr, callbacks=[TrialCallback(trial, "eval_loss")]).train()

    study = tw.create_study("bert", sampler="qmc", pruner="median", seed=0)
    study.optimize(train, n_trials=n_trials)
    print(f"a loop of one's own: loss {study.best_value:.3f} with {study.best_params}")
