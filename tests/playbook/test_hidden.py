import numpy as np

import tunewise as tw
from tunewise.playbook import Verdict

SPACE = tw.Space({"lr": tw.Float(1e-4, 1.0, log=True), "x": tw.Float(1, 2)})


def study(overfits):
    made = tw.create_study(sampler="qmc", seed=0, space=SPACE)

    def train(trial):
        u = 1 + np.log10(trial.params["lr"]) / 4
        rng = np.random.default_rng(trial.number)
        steps = np.arange(30)
        fitted = np.exp(-steps / (15 - 12 * u))
        validation = fitted + (
            0.4 * np.maximum(0, u - 0.3) * np.maximum(0, steps - 10) / 20 if overfits else 0
        )
        validation = validation + (0 if overfits else (u - 0.9) ** 2) + 0.003 * rng.standard_normal(30)
        for step in steps:
            trial.report({"value": validation[step], "train_loss": fitted[step] + (u - 0.9) ** 2}, int(step))
        return float(validation[-1])

    made.optimize(train, 40)
    return made.trials


def test_a_rate_that_regularises_by_accident_is_found(found):
    (finding,) = found(study(overfits=True), "P37")
    assert finding.verdict == Verdict.ACT
    assert finding.effect < -0.1
    assert "explicit regulariser" in finding.next_action


def test_where_training_and_validation_agree_nothing_is_hidden(found):
    (finding,) = found(study(overfits=False), "P37")
    assert finding.verdict == Verdict.OK


def test_it_needs_a_training_loss(study_of, found):
    (finding,) = found(study_of(lambda p, rng: p["lr"], 20, space=SPACE), "P37")
    assert finding.verdict == Verdict.NA
    assert finding.needs
