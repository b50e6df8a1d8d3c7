"""The Lightning callback reports, prunes and marks divergence."""

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import tunewise as tw

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def train():
    import lightning as L

    from tunewise.integrations.lightning import TrialCallback

    data = TensorDataset(torch.randn(64, 4), torch.randint(0, 2, (64,)))

    class Net(L.LightningModule):
        def __init__(self, lr, broken):
            super().__init__()
            self.model, self.lr, self.broken = nn.Linear(4, 2), lr, broken

        def training_step(self, batch, _):
            return nn.functional.cross_entropy(self.model(batch[0]), batch[1])

        def validation_step(self, batch, _):
            loss = nn.functional.cross_entropy(self.model(batch[0]), batch[1])
            self.log("val_loss", loss * (float("nan") if self.broken else 1.0))

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), self.lr)

    def objective(trial, broken=False, monitor="val_loss"):
        L.seed_everything(trial.seed, verbose=False)
        trainer = L.Trainer(
            max_epochs=3, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
            enable_model_summary=False, callbacks=[TrialCallback(trial, monitor)],
        )  # fmt: skip
        trainer.fit(
            Net(trial.suggest_float("lr", 0.01, 0.1), broken), DataLoader(data, 16), DataLoader(data, 32)
        )

    return objective


def test_every_validation_is_reported(train):
    study = tw.create_study(goals={"val_loss": "minimize"}, seed=0)
    study.optimize(train, n_trials=1)
    record = study.trials[0]
    assert list(record.curves["val_loss"]) == [4, 8, 12]
    assert record.value == record.curves["val_loss"][12]


def test_the_pruner_ends_it(train):
    study = tw.create_study(pruner=tw.pruners.Threshold(upper=0.0), seed=0)
    study.optimize(train, n_trials=1)
    assert study.trials[0].state.name == "PRUNED"
    assert list(study.trials[0].curves["value"]) == [4]


def test_divergence_is_infeasible(train):
    study = tw.create_study(seed=0)
    study.optimize(lambda trial: train(trial, broken=True), n_trials=1)
    assert study.trials[0].state.name == "INFEASIBLE"


def test_a_metric_that_was_not_logged_is_named(train):
    with pytest.raises(tw.errors.SettingError, match="'val_error' is not among the logged metrics"):
        tw.create_study(seed=0).optimize(lambda trial: train(trial, monitor="val_error"), n_trials=1)
