"""The Trainer searches with tunewise, and a callback serves a loop of one's own."""

import pytest
import torch

import tunewise as tw

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def trainer(tmp_path):
    from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

    config = BertConfig(
        vocab_size=32, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=8, num_labels=2,
    )  # fmt: skip
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(0, 32, (32, 8), generator=generator)
    data = [{"input_ids": row, "labels": row[0] % 2} for row in ids]
    arguments = TrainingArguments(
        str(tmp_path), num_train_epochs=2, per_device_train_batch_size=8, eval_strategy="epoch", save_strategy="no",
        report_to=[], use_cpu=True, disable_tqdm=True, logging_strategy="no",
    )  # fmt: skip
    return lambda **more: Trainer(
        args=arguments, train_dataset=data, eval_dataset=data,
        model_init=lambda _=None: BertForSequenceClassification(config), **more,
    )  # fmt: skip


def space(trial):
    return {"learning_rate": trial.suggest_float("learning_rate", 1e-4, 1e-2, log=True)}


def test_hyperparameter_search(trainer):
    from tunewise.integrations.transformers import search_backend

    with search_backend(sampler="random", seed=0) as backend:
        best = trainer().hyperparameter_search(
            hp_space=space, n_trials=2, direction="minimize", backend="optuna"
        )
    study = backend.study
    assert best.objective == min(t.value for t in study.trials)
    assert best.hyperparameters == study.best_params
    assert list(study.trials[0].curves["value"]) == [4, 8]


def test_hyperparameter_search_prunes(trainer):
    from tunewise.integrations.transformers import search_backend

    with search_backend(sampler="random", seed=0, pruner="median") as backend:
        trainer().hyperparameter_search(hp_space=space, n_trials=1, direction="minimize", backend="optuna")
    assert backend.study.trials[0].state.name == "COMPLETE"


def test_the_backend_is_given_back(trainer):
    from transformers.hyperparameter_search import ALL_HYPERPARAMETER_SEARCH_BACKENDS

    from tunewise.integrations.transformers import search_backend

    before = dict(ALL_HYPERPARAMETER_SEARCH_BACKENDS)
    with pytest.raises(ZeroDivisionError), search_backend():
        assert dict(ALL_HYPERPARAMETER_SEARCH_BACKENDS) != before
        1 / 0  # noqa: B018
    assert dict(ALL_HYPERPARAMETER_SEARCH_BACKENDS) == before


def test_the_callback_reports_and_prunes(trainer):
    from tunewise.integrations.transformers import TrialCallback

    def objective(trial):
        trainer(callbacks=[TrialCallback(trial)]).train()

    study = tw.create_study(pruner=tw.pruners.Threshold(upper=0.0), seed=0)
    study.optimize(objective, n_trials=1)
    assert study.trials[0].state.name == "PRUNED"
    assert list(study.trials[0].curves["eval_loss"]) == [4]
