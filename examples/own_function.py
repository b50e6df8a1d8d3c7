"""Tune any function of your own: no PyTorch, no project, just a study.

Run it twice: the second run goes on where the first ended.
"""

import math

import tunewise as tw


def train(trial: tw.Trial) -> float:
    """A made-up training of 20 epochs; put your own here and return its validation error."""
    lr = trial.suggest_float("lr", 1e-4, 1.0, log=True)
    width = trial.suggest_int("width", 8, 512, log=True)
    if lr > 0.5:
        trial.mark_infeasible("the loss became NaN")  # divergence is a result, and the sampler learns from it
    floor = 0.05 + 0.02 * math.log10(lr / 0.03) ** 2 + 0.3 / width
    for epoch in range(1, 21):
        error = floor + math.exp(-epoch * math.sqrt(lr))
        trial.report(error, epoch)
        if trial.should_prune():
            raise tw.TrialPruned
    return error


if __name__ == "__main__":
    study = tw.create_study(
        "own", storage="sqlite:///own.db", sampler="gp", pruner="median", seed=0, load_if_exists=True
    )
    study.optimize(train, n_trials=30)
    best = study.best_trial
    print(
        f"{len(study.trials)} trials; the best is trial {best.number} with {best.value:.4f} at {best.params}"
    )
