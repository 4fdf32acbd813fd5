"""New beats of rare classes, drawn from a mixture of Gaussians fitted to a class's training beats.

A beat is a point: the times of its next QRS complex and of its end, and the principal components
of its curve over a common time axis. Timing and curve are drawn together, so a drawn beat has
sharp complexes and a sharp end, with zeros behind it. A mixture of the padded samples themselves
blurs both.

The common time axis: a cut beat begins at its own R peak and contains the next one, at any
distance. Averages and principal components of beats that are only padded, or only stretched to one
length, smear the next complex. So both QRS complexes are moved to the same places. Between these
landmarks time is stretched evenly, as in Ramsay JO, Li X, Curve registration, J R Stat Soc B 60
(1998), 351-363; the complexes themselves keep their duration.

scikit-learn and SciPy are imported where they are called: training imports this module, and most
trainings fit no mixture.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from heartbeats.beat_set import beat_lengths
from utils.errors import InputError

if TYPE_CHECKING:
    from sklearn.decomposition import PCA
    from sklearn.mixture import GaussianMixture

QRS_S = 0.16
# The next complex is searched behind this share of the beat.
EARLIEST_NEXT = 0.55
# Where the common time axis has the next complex, as a share of a whole row.
COMMON_NEXT = 0.75
# A larger class is fitted to this many of its beats, drawn at random: more only take time.
MOST_BEATS = 2000
FEWEST_BEATS = 20
# A component should have at least this many beats for each dimension of its ellipsoid.
BEATS_PER_DIMENSION = 2
# Starts of each fit, of which the likeliest is kept. The search for the number of Gaussians ends
# when this many more of them have brought nothing.
STARTS = 2
PATIENCE = 3


@dataclass(frozen=True)
class Timing:
    """Times of the next QRS complex and of the end in each beat.

    Attributes:
        next_qrs: (beats,) float64, samples from the R peak to the middle of the next QRS complex.
        tail: (beats,) float64, samples from there to the beat's last sample.
    """

    next_qrs: np.ndarray
    tail: np.ndarray

    def lengths(self) -> np.ndarray:
        """(beats,) int: samples of each beat."""
        return np.rint(self.next_qrs + self.tail).astype(int) + 1


@dataclass(frozen=True)
class ClassMixture:
    """A mixture of Gaussians of one class's beats.

    Attributes:
        class_name: the class.
        sampling_hz: samples per second of its beats.
        pca: maps a curve over the common time axis to its principal components.
        time_scale: factor of the logarithms of the two times, so that they spread as far as the
            first component.
        longest: samples of the longest beat of the fit.
        gaussians: of (components + 2) dimensions.
        bic: number of Gaussians -> Bayesian information criterion; the lowest was taken.
    """

    class_name: str
    sampling_hz: float
    pca: "PCA"
    time_scale: float
    longest: int
    gaussians: "GaussianMixture"
    bic: dict[int, float]

    def draw(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """(count, samples) float32 new beats in [0, 1], with zeros behind each one's end."""
        points = _draw_points(self.gaussians, count, rng)
        curves = points[:, :-2] @ self.pca.components_ + self.pca.mean_
        timing = _to_timing(points[:, -2:] / self.time_scale, self.longest)
        return _scaled(from_common_time(curves, timing, self.sampling_hz), timing.lengths())


def fit(
    signals: np.ndarray,
    class_name: str,
    *,
    sampling_hz: float,
    seed: int,
    variance: float = 0.99,
    most_components: int = 12,
) -> ClassMixture:
    """Fit a mixture to the training beats of one class; BIC chooses the number of Gaussians.

    Args:
        signals: (beats, samples) float32 of the class, training beats only.
        class_name: for messages.
        sampling_hz: samples per second.
        seed: draws the beats of a large class, and the start of the fit.
        variance: the share of the curves' variance that the principal components keep.
        most_components: the largest number of Gaussians tried.

    Raises:
        InputError: the class has too few beats.
    """
    if len(signals) < FEWEST_BEATS:
        raise InputError(
            f"class '{class_name}' has {len(signals)} training beats; a mixture needs at least "
            f"{FEWEST_BEATS}: leave the class out of the mixture, or oversample it instead"
        )
    signals = _at_most(signals, MOST_BEATS, seed)
    timing = find_timing(signals, sampling_hz)
    curves = to_common_time(signals, timing, sampling_hz)
    pca = _fit_pca(curves, variance)
    components, times = pca.transform(curves), _to_columns(timing, seed)
    time_scale = float(components[:, 0].std() / times.std(axis=0).mean())
    points = np.column_stack([components, time_scale * times])
    gaussians, bic = _fit_gaussians(points, most_components, seed)
    longest = int(timing.lengths().max())
    return ClassMixture(class_name, sampling_hz, pca, time_scale, longest, gaussians, bic)


def fit_all(
    signals: np.ndarray,
    labels: np.ndarray,
    class_names: Sequence[str],
    rare: Sequence[str],
    *,
    sampling_hz: float,
    seed: int,
) -> dict[int, ClassMixture]:
    """Label -> mixture, for each class named in `rare`; see `fit`.

    Args:
        signals, labels: (beats, samples) and (beats,), training beats only.

    Raises:
        InputError: a class is unknown or has too few beats.
    """
    if unknown := set(rare) - set(class_names):
        raise InputError(
            f"no class '{sorted(unknown)[0]}' to fit a mixture to; "
            f"the data set has {', '.join(class_names)}"
        )
    return {
        (label := class_names.index(name)): fit(
            signals[labels == label], name, sampling_hz=sampling_hz, seed=seed
        )
        for name in rare
    }


# The fit


def _at_most(signals: np.ndarray, most: int, seed: int) -> np.ndarray:
    if len(signals) <= most:
        return signals
    chosen = np.random.default_rng(seed).choice(len(signals), most, replace=False)
    return signals[np.sort(chosen)]


def _to_columns(timing: Timing, seed: int) -> np.ndarray:
    """(beats, 2) logarithms of the times, jittered: a Gaussian collapses on whole samples."""
    times = np.stack([timing.next_qrs, timing.tail], axis=1)
    return np.log(times + np.random.default_rng(seed).uniform(-0.5, 0.5, times.shape))


def _to_timing(columns: np.ndarray, longest: int) -> Timing:
    """The inverse of `_to_columns`; beats end at the length of the longest beat of the fit."""
    next_qrs, tail = np.maximum(np.exp(np.minimum(columns, np.log(longest))), 1).T
    next_qrs = np.minimum(next_qrs, longest - 2)
    return Timing(next_qrs, np.minimum(tail, longest - 1 - next_qrs))


def _fit_pca(curves: np.ndarray, variance: float) -> "PCA":
    from sklearn.decomposition import PCA

    pca = PCA(variance, svd_solver="full").fit(curves)
    affordable = len(curves) // BEATS_PER_DIMENSION - 1
    if pca.n_components_ <= affordable:
        return pca
    return PCA(affordable, svd_solver="full").fit(curves)


def _fit_gaussians(
    points: np.ndarray, most: int, seed: int
) -> "tuple[GaussianMixture, dict[int, float]]":
    """The mixture with the lowest BIC, and the BIC of all that were tried."""
    from sklearn.mixture import GaussianMixture

    beats, dimensions = points.shape
    affordable = beats // (BEATS_PER_DIMENSION * dimensions)
    fits: dict[int, GaussianMixture] = {}
    bic: dict[int, float] = {}
    for count in range(1, max(min(most, affordable), 1) + 1):
        mixture = GaussianMixture(count, n_init=STARTS, reg_covar=1e-5, random_state=seed)
        fits[count] = mixture.fit(points)
        bic[count] = float(mixture.bic(points))
        if count - min(bic, key=bic.__getitem__) >= PATIENCE:
            break
    return fits[min(bic, key=bic.__getitem__)], bic


def _draw_points(gaussians: "GaussianMixture", count: int, rng: np.random.Generator) -> np.ndarray:
    # scikit-learn's own `sample` draws the same points at each call after a fit with a seed.
    shares = gaussians.weights_ / gaussians.weights_.sum()
    parts = [
        rng.multivariate_normal(mean, covariance, count_of_it, method="cholesky")
        for mean, covariance, count_of_it in zip(
            gaussians.means_, gaussians.covariances_, rng.multinomial(count, shares), strict=True
        )
    ]
    return rng.permutation(np.concatenate(parts))


def _scaled(beats: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Scale each beat's own samples to [0, 1], as the cutting does."""
    _beats, samples = beats.shape
    own = np.arange(samples) < lengths[:, None]
    low = np.where(own, beats, np.inf).min(axis=1, keepdims=True)
    high = np.where(own, beats, -np.inf).max(axis=1, keepdims=True)
    # A beat that fills the row was cut off after it was scaled: it may not reach 0 or 1.
    cut_off = lengths[:, None] >= samples
    low = np.where(cut_off, np.minimum(low, 0), low)
    high = np.where(cut_off, np.maximum(high, 1), high)
    scaled = (beats - low) / np.maximum(high - low, 1e-9)
    return np.where(own, np.clip(scaled, 0, 1), 0).astype(np.float32)


# The common time axis


def find_timing(beats: np.ndarray, sampling_hz: float) -> Timing:
    """Find the next complex: where the slopes of (beats, samples) are steepest, late in a beat."""
    from scipy.ndimage import gaussian_filter1d

    _beats, samples = beats.shape
    lengths = np.maximum(beat_lengths(beats), 3)[:, None]
    places = np.arange(1, samples)
    within = places < lengths  # the step down to the padding is no slope
    steepness = np.where(within, np.diff(beats.astype(float)) ** 2, 0)
    # A Gaussian kernel peaks between both flanks of a complex; a box would be flat there.
    around = gaussian_filter1d(steepness, QRS_S * sampling_hz / 6, axis=1, mode="constant")
    possible = (places >= EARLIEST_NEXT * lengths) & (places < lengths - 1)
    possible[:, 0] |= ~possible.any(axis=1)
    next_qrs = places[np.where(possible, around, -1).argmax(axis=1)].astype(float)
    return Timing(next_qrs, lengths[:, 0] - 1 - next_qrs)


def to_common_time(beats: np.ndarray, timing: Timing, sampling_hz: float) -> np.ndarray:
    """(beats, samples) float64 over the common time axis, from beats as they were cut."""
    _beats, samples = beats.shape
    places = np.arange(samples)
    common = _common_landmarks(samples, sampling_hz)
    return np.stack(
        [
            np.interp(np.interp(places, common, own), places, beat)
            for beat, own in zip(beats, _landmarks(timing, sampling_hz), strict=True)
        ]
    )


def from_common_time(curves: np.ndarray, timing: Timing, sampling_hz: float) -> np.ndarray:
    """(beats, samples) float64, each with its own timing and zeros behind its end.

    Args:
        curves: (beats, samples) over the common time axis.
        timing: of each beat; samples past the last one are lost.
        sampling_hz: samples per second.
    """
    _beats, samples = curves.shape
    places = np.arange(samples)
    common = _common_landmarks(samples, sampling_hz)
    beats = np.empty(curves.shape)
    for beat, curve, own in zip(beats, curves, _landmarks(timing, sampling_hz), strict=True):
        beat[:] = np.interp(np.interp(places, own, common), places, curve)
    return np.where(places < timing.lengths()[:, None], beats, 0)


def _common_landmarks(samples: int, sampling_hz: float) -> np.ndarray:
    qrs = QRS_S * sampling_hz
    middle = COMMON_NEXT * samples
    return np.array([0, qrs, middle - qrs / 2, middle + qrs / 2, samples - 1])


def _landmarks(timing: Timing, sampling_hz: float) -> np.ndarray:
    """(beats, 5): R peak, end of the QRS, begin and end of the next one, last sample."""
    qrs = QRS_S * sampling_hz
    begin = np.minimum(qrs, timing.next_qrs / 2)
    before, behind = np.minimum(qrs / 2, timing.next_qrs / 4), np.minimum(qrs / 2, timing.tail / 2)
    middle, last = timing.next_qrs, timing.next_qrs + timing.tail
    return np.stack([np.zeros(len(last)), begin, middle - before, middle + behind, last], axis=1)
