"""scikit-learn (and skorch): a search estimator in the shape of GridSearchCV."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from tunewise.errors import MissingExtra
from tunewise.space import Domain, Space
from tunewise.study import Study, create_study

try:
    from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier
    from sklearn.metrics import check_scoring
    from sklearn.model_selection import check_cv, cross_validate
    from sklearn.utils.metaestimators import available_if
    from sklearn.utils.validation import check_is_fitted
except ImportError:
    raise MissingExtra("scikit-learn", "sklearn", "TunewiseSearchCV") from None


def _of_the_best(name: str) -> Any:
    """A method that is there where the searched estimator has it, and calls the best one's."""

    def has(self: TunewiseSearchCV) -> bool:
        return hasattr(getattr(self, "best_estimator_", self.estimator), name)

    def method(self: TunewiseSearchCV, X: Any) -> Any:
        check_is_fitted(self, "best_estimator_")
        return getattr(self.best_estimator_, name)(X)

    method.__name__, method.__doc__ = name, "As the best estimator."
    return available_if(has)(method)


class TunewiseSearchCV(MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]
    """Search an estimator's parameters by cross-validation.

    Args:
        estimator: any estimator of scikit-learn's interface, skorch's nets included.
        space: names of its parameters, to domains: {"C": tunewise.Float(1e-3, 1e3, log=True)}.
        n_trials: configurations to try. cv, scoring: as in ``GridSearchCV``. sampler, storage: as in `create_study`.
        refit: fit the best configuration on all data afterwards.
        random_state: seed of the search, and of the folds where ``cv`` is a number.
        error_score: the score of a configuration that cannot be fitted: "raise", or a number; NaN makes it infeasible.

    Attributes:
        best_params_, best_score_, best_index_, best_estimator_, cv_results_, study_: after `fit`.
    """

    def __init__(
        self,
        estimator: Any,
        space: Mapping[str, Domain],
        n_trials: int = 20,
        cv: Any = None,
        scoring: Any = None,
        sampler: Any = "auto",
        storage: Any = None,
        refit: bool = True,
        random_state: int | None = None,
        error_score: Any = np.nan,
    ) -> None:
        self.estimator = estimator
        self.space = space
        self.n_trials = n_trials
        self.cv = cv
        self.scoring = scoring
        self.sampler = sampler
        self.storage = storage
        self.refit = refit
        self.random_state = random_state
        self.error_score = error_score

    def fit(self, X: Any, y: Any = None, **fit_params: Any) -> TunewiseSearchCV:
        """Search, and refit the best. Raises what fitting raises, or ValueError, where no configuration could be scored."""
        cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        folds = list(cv.split(X, y))
        scorer = check_scoring(self.estimator, self.scoring)
        self.study_: Study = create_study(
            storage=self.storage, direction="maximize", sampler=self.sampler, seed=self.random_state,
            space=Space(dict(self.space)),
        )  # fmt: skip
        rows: list[dict[str, Any]] = []
        unfit: list[ValueError] = []

        def objective(trial: Any) -> float:
            model = clone(self.estimator).set_params(**trial.params)
            try:
                scored = cross_validate(
                    model,
                    X,
                    y,
                    cv=folds,
                    scoring=scorer,
                    error_score=self.error_score,
                    params=fit_params or None,
                )
            except ValueError as error:  # no fold could be fitted
                if self.error_score == "raise":
                    raise
                unfit.append(error)
                trial.mark_infeasible(str(error).strip().splitlines()[-1])
            rows.append(
                {
                    "number": trial.number,
                    "params": trial.params,
                    "scores": scored["test_score"],
                    "seconds": scored["fit_time"],
                }
            )
            return float(np.mean(scored["test_score"]))

        self.study_.optimize(objective, n_trials=self.n_trials)
        if not rows:
            raise unfit[-1]
        if not any(np.isfinite(row["scores"]).all() for row in rows):
            clone(self.estimator).set_params(**rows[-1]["params"]).fit(
                X, y, **fit_params
            )  # says why, most often
            raise ValueError(f"None of {len(rows)} configurations could be scored on every fold.")
        self.cv_results_ = _results(rows)
        best = self.study_.best_trial
        self.best_index_ = next(i for i, row in enumerate(rows) if row["number"] == best.number)
        self.best_score_, self.best_params_ = best.value, dict(best.params)
        self.scorer_, self.n_splits_ = scorer, len(folds)
        if self.refit:
            start = time.perf_counter()
            self.best_estimator_ = clone(self.estimator).set_params(**self.best_params_)
            self.best_estimator_.fit(X, y, **fit_params)
            if hasattr(self.best_estimator_, "n_features_in_"):
                self.n_features_in_ = self.best_estimator_.n_features_in_
            self.refit_time_ = time.perf_counter() - start
        return self

    def score(self, X: Any, y: Any = None) -> float:
        """The score of the best estimator on other data."""
        check_is_fitted(self, "best_estimator_")
        return float(self.scorer_(self.best_estimator_, X, y))

    predict = _of_the_best("predict")
    predict_proba = _of_the_best("predict_proba")
    predict_log_proba = _of_the_best("predict_log_proba")
    decision_function = _of_the_best("decision_function")
    score_samples = _of_the_best("score_samples")
    transform = _of_the_best("transform")
    inverse_transform = _of_the_best("inverse_transform")

    @property
    def classes_(self) -> Any:
        """The classes of the best estimator."""
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.classes_

    def __getstate__(self) -> dict[str, Any]:
        """Without the study, which holds its storage open."""
        state: dict[str, Any] = super().__getstate__()
        return {name: value for name, value in state.items() if name != "study_"}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = self.estimator.__sklearn_tags__()
        tags.estimator_type, tags.classifier_tags = inner.estimator_type, inner.classifier_tags
        tags.regressor_tags, tags.input_tags = inner.regressor_tags, inner.input_tags
        return tags


def _results(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """``cv_results_`` with the keys of GridSearchCV."""
    scores = np.array([row["scores"] for row in rows])
    mean = scores.mean(axis=1)
    order = np.argsort(np.argsort(-np.where(np.isfinite(mean), mean, -np.inf), kind="stable"), kind="stable")
    names = sorted({name for row in rows for name in row["params"]})
    return {
        "params": [row["params"] for row in rows],
        **{
            f"param_{name}": np.ma.array([row["params"].get(name) for row in rows], dtype=object)
            for name in names
        },
        **{f"split{k}_test_score": scores[:, k] for k in range(scores.shape[1])},
        "mean_test_score": mean,
        "std_test_score": scores.std(axis=1),
        "rank_test_score": (order + 1).astype(np.int32),
        "mean_fit_time": np.array([row["seconds"].mean() for row in rows]),
        "std_fit_time": np.array([row["seconds"].std() for row in rows]),
    }
