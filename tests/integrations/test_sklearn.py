"""The search estimator behaves as GridSearchCV does."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.metrics import make_scorer
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator
from torch import nn

import tunewise as tw
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


EXPECTED_FAILURES = {
    "check_supervised_y_2d": "cross_validate hides the inner estimator's warning; GridSearchCV fails it likewise"
}

EXPECTED_SKIPS = {
    "check_array_api_input",  # runs where SCIPY_ARRAY_API=1
    "check_classifiers_multilabel_output_format_predict_proba",  # RidgeClassifier has no probabilities
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("inner", "parameter", "expected"),
    [(RidgeClassifier(), "alpha", {}), (Ridge(), "alpha", EXPECTED_FAILURES)],
    ids=["classifier", "regressor"],
)
def test_scikit_learns_own_checks(inner, parameter, expected):
    estimator = TunewiseSearchCV(inner, {parameter: tw.Float(0.1, 10, log=True)}, n_trials=2, cv=2)
    results = check_estimator(estimator, expected_failed_checks=expected, on_fail=None, on_skip=None)
    by_status = {}
    for result in results:
        by_status.setdefault(result["status"], set()).add(result["check_name"])
    assert by_status.get("failed", set()) == set()
    assert by_status.get("xfail", set()) == set(expected)
    assert by_status.get("skipped", set()) <= EXPECTED_SKIPS
    assert len(by_status["passed"]) >= 35


def test_what_no_fold_can_score_is_said():
    broken = make_scorer(lambda truth, predicted: float("nan"))
    with pytest.raises(ValueError, match="None of 6 configurations could be scored"):
        search(scoring=broken).fit(X, y)


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
