"""Boosted decision trees as plain arrays: fitted once with scikit-learn, then run by NumPy alone.

A fitted scikit-learn model can only be stored as a pickle, which runs code when it is read and
depends on the version of the library. Arrays have neither fault.

Source of the method: Friedman JH, Greedy function approximation: a gradient boosting machine. Ann
Stat 29(5):1189-1232 (2001).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier


@dataclass(frozen=True)
class BoostedTrees:
    """A two-class model whose log odds are a sum over trees.

    Attributes:
        feature: (trees, nodes) int, the column that a node compares.
        threshold: (trees, nodes), a row goes left if its value is at most this.
        left, right: (trees, nodes) int, the next nodes; a leaf points to itself.
        value: (trees, nodes), what a leaf adds to the sum.
        start: (), the first term of the sum.
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray
    start: np.ndarray

    def log_odds(self, rows: np.ndarray) -> np.ndarray:
        """(rows,) float64 for (rows, columns) finite values; above 0 means yes is more likely."""
        total = np.full(len(rows), float(self.start))
        every = np.arange(len(rows))
        for feature, threshold, left, right, value in zip(
            self.feature, self.threshold, self.left, self.right, self.value, strict=True
        ):
            node = np.zeros(len(rows), int)
            while True:
                goes_left = rows[every, feature[node]] <= threshold[node]
                following = np.where(goes_left, left[node], right[node])
                if np.array_equal(following, node):
                    break
                node = following
            total += value[node]
        return total

    def as_arrays(self, name: str) -> dict[str, np.ndarray]:
        """All arrays, with names that begin with `name`, for `numpy.savez`."""
        return {f"{name}_{key}": value for key, value in asdict(self).items()}


def from_arrays(arrays: Mapping[str, np.ndarray], name: str) -> BoostedTrees:
    """The inverse of `as_arrays`."""
    return BoostedTrees(**{key: arrays[f"{name}_{key}"] for key in BoostedTrees.__annotations__})


def from_fitted(model: HistGradientBoostingClassifier) -> BoostedTrees:
    """The trees of a fitted two-class model without categories."""
    # scikit-learn has no public access to the nodes; tests compare these predictions with its own.
    trees = [stage[0].nodes for stage in model._predictors]
    nodes = max(len(tree) for tree in trees)

    def padded(key: str, kind: type) -> np.ndarray:
        table: np.ndarray = np.zeros((len(trees), nodes), kind)
        for row, tree in zip(table, trees, strict=True):
            row[: len(tree)] = np.where(tree["is_leaf"], _of_leaf(key, tree), tree[key])
        return table

    return BoostedTrees(
        feature=padded("feature_idx", np.int16),
        threshold=padded("num_threshold", np.float64),
        left=padded("left", np.int16),
        right=padded("right", np.int16),
        value=padded("value", np.float64),
        start=np.asarray(model._baseline_prediction, float).reshape(()),
    )


def _of_leaf(key: str, tree: np.ndarray) -> np.ndarray:
    """Defined values for a leaf: it points to itself, whatever it compares."""
    if key in ("left", "right"):
        return np.arange(len(tree))
    return tree[key] if key == "value" else np.zeros(len(tree))
