"""How good drawn beats are: neither copies of training beats nor far from them, nor easily told.

No network takes part; what counts in the end is the score of one trained with them.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neighbors import NearestNeighbors

FOLDS = 3
MOST_BEATS = 2000


@dataclass(frozen=True)
class MixtureQuality:
    """Drawn beats of one class against the training beats that the mixture was fitted to.

    Attributes:
        nearest_real: median Euclidean distance of a training beat to its nearest other one.
        nearest_drawn: median distance of a drawn beat to its nearest training beat.
        copies: share of drawn beats that are nearer to a training beat than 95 % of the training
            beats are to each other.
        strays: share of drawn beats that are farther from all training beats than 95 % of the
            training beats are from each other.
        auc_linear: area under the ROC curve of a logistic regression that tells real from drawn
            beats, cross-validated; 0.5 is none the wiser.
        auc_trees: the same of gradient boosted trees, which also see spreads and corners.
    """

    nearest_real: float
    nearest_drawn: float
    copies: float
    strays: float
    auc_linear: float
    auc_trees: float

    def sentence(self) -> str:
        """What it says, in words."""
        return (
            f"{self.copies:.1%} near-copies and {self.strays:.1%} strays (5 % each among real "
            f"beats); told from real ones with an AUC of {self.auc_linear:.2f} by a linear model, "
            f"{self.auc_trees:.2f} by trees"
        )


def measure(real: np.ndarray, drawn: np.ndarray, seed: int) -> MixtureQuality:
    """Compare drawn with training beats of one class.

    Args:
        real, drawn: (beats, samples) float32; as many of each are compared, 2,000 at the most.
        seed: draws the beats and the folds.
    """
    rng = np.random.default_rng(seed)
    count = min(len(real), len(drawn), MOST_BEATS)
    real, drawn = (beats[rng.permutation(len(beats))[:count]] for beats in (real, drawn))
    nearest = NearestNeighbors(n_neighbors=2).fit(real)
    among_real = nearest.kneighbors(real)[0][:, 1]
    to_real = nearest.kneighbors(drawn)[0][:, 0]
    near, far = np.quantile(among_real, (0.05, 0.95))
    return MixtureQuality(
        nearest_real=float(np.median(among_real)),
        nearest_drawn=float(np.median(to_real)),
        copies=float((to_real < near).mean()),
        strays=float((to_real > far).mean()),
        auc_linear=_auc(LogisticRegression(max_iter=500), real, drawn, seed),
        auc_trees=_auc(HistGradientBoostingClassifier(max_iter=50), real, drawn, seed),
    )


def _auc(classifier, real: np.ndarray, drawn: np.ndarray, seed: int) -> float:
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    truth = np.repeat([0, 1], [len(real), len(drawn)])
    beats = np.concatenate([real, drawn])
    return float(cross_val_score(classifier, beats, truth, cv=folds, scoring="roc_auc").mean())
