"""Trees as arrays answer as scikit-learn's own do."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from recordings.kinds import boosted_trees


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((800, 4))
    answers = (rows[:, 0] * rows[:, 1] + 0.3 * rng.standard_normal(800) > 0).astype(int)
    model = HistGradientBoostingClassifier(max_iter=25, max_leaf_nodes=7, random_state=0)
    return model.fit(rows, answers), rng.standard_normal((500, 4))


def test_they_answer_alike(fitted):
    model, rows = fitted
    ours = boosted_trees.from_fitted(model).log_odds(rows)
    assert np.allclose(ours, model.decision_function(rows), atol=1e-9)
    assert (ours > 0).any() and (ours < 0).any()


def test_arrays_bring_them_back(fitted, tmp_path):
    model, rows = fitted
    trees = boosted_trees.from_fitted(model)
    np.savez(tmp_path / "trees.npz", **trees.as_arrays("first"), **trees.as_arrays("second"))
    with np.load(tmp_path / "trees.npz", allow_pickle=False) as arrays:
        again = boosted_trees.from_arrays(dict(arrays), "second")
    assert np.array_equal(again.log_odds(rows), trees.log_odds(rows))


def test_no_rows_are_no_error(fitted):
    assert boosted_trees.from_fitted(fitted[0]).log_odds(np.empty((0, 4))).shape == (0,)
