"""The search estimator behaves as GridSearchCV does."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator
from torch import nn

import tunewise as tw
from tunewise.errors import NoTrials
from tunewise.integrations.sklearn import TunewiseSearchCV

X, y = load_iris(return_X_y=True)
SPACE = {"logisticregression__C": tw.Float(1e-3, 1e3, log=True)}


def search(**settings):
    model = make_pipeline(StandardScaler(), LogisticRegression())
    return TunewiseSearchCV(model, SPACE, **{"n_trials": 6, "cv": 3, "random_state": 0, **settings})


def test_it_finds_refits_and_predicts():
    found = search().fit(X, y)
    assert found.best_score_ == max(found.cv_results_["mean_test_score"])
    assert found.cv_results_["rank_test_score"][found.best_index_] == 1
    assert found.best_score_ == pytest.approx(
        cross_val_score(clone(found.estimator).set_params(**found.best_params_), X, y, cv=3).mean()
    )
    assert found.score(X, y) > 0.9
    assert found.predict_proba(X).shape == (150, 3)


def test_the_same_state_gives_the_same_search_and_a_clone_is_unfitted():
    one, two = search().fit(X, y), clone(search()).fit(X, y)
    assert one.best_params_ == two.best_params_
    assert not hasattr(clone(one), "study_")


def test_it_nests_in_cross_validation():
    assert cross_val_score(search(n_trials=2), X, y, cv=2).mean() > 0.8


@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_own_checks():
    estimator = TunewiseSearchCV(LogisticRegression(), {"C": tw.Float(0.1, 10, log=True)}, n_trials=2, cv=2)
    failed = []
    for each, check in estimator_checks_generator(estimator):
        try:
            check(each)
        except NoTrials:
            failed.append(getattr(check, "func", check).__name__)
        except Exception as error:
            failed.append(
                f"{getattr(check, 'func', check).__name__}: {type(error).__name__}: {str(error)[:90]}"
            )
    assert len(failed) <= 6, (
        failed
    )  # checks that expect the inner estimator's own error where no trial could be scored


@pytest.mark.filterwarnings("ignore")
def test_a_configuration_that_cannot_be_fitted_is_infeasible():
    found = TunewiseSearchCV(
        LogisticRegression(),
        {"C": tw.Categorical((-1.0, 1.0))},
        n_trials=6,
        cv=2,
        random_state=0,
        sampler="random",
    ).fit(X, y)
    assert found.best_params_ == {"C": 1.0}
    assert {t.state.name for t in found.study_.trials} == {"COMPLETE", "INFEASIBLE"}


def test_skorch():
    skorch = pytest.importorskip("skorch")
    torch.manual_seed(0)
    net = skorch.NeuralNetClassifier(
        nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3)), criterion=nn.CrossEntropyLoss, max_epochs=5,
        train_split=None, verbose=0,
    )  # fmt: skip
    found = TunewiseSearchCV(net, {"lr": tw.Float(1e-3, 1.0, log=True)}, n_trials=3, cv=2, random_state=0)
    found.fit(X.astype(np.float32), y.astype(np.int64))
    assert 1e-3 <= found.best_params_["lr"] <= 1.0
