"""Evidence for the class of every beat from timing and shape, without the network.

Two sets of boosted trees: is the beat ventricular (V), by shape and timing; if not, is it
supraventricular (S), by timing alone. Both compare a beat with its own recording, as de Chazal P,
Reilly RB, IEEE Trans Biomed Eng 53(12):2535-2543 (2006) and Llamedo M, Martinez JP, IEEE Trans
Biomed Eng 58(3):616-625 (2011) do. They were fitted to the 22 records DS1 of MIT-BIH by
`python -m experiments.recorded_beats.fit_evidence`, and are constrained to be monotone where
medicine says so.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from heartbeats.beat_set import AAMI_CLASSES
from recordings.kinds.beat_timing import TIMING, timing
from recordings.kinds.beat_windows import QRS_FROM_S, QRS_TO_S, BeatWindows, windows
from recordings.kinds.boosted_trees import BoostedTrees, from_arrays
from recordings.kinds.clusters import Clusters, find

P_FROM_S, P_TO_S = -0.24, -0.07
T_FROM_S, T_TO_S = 0.14, 0.42
SHAPE = (
    "qrs_likeness",
    "qrs_difference",
    "qrs_height",
    "qrs_slope",
    "qrs_width",
    "qrs_area",
    "p_likeness",
    "p_difference",
    "p_height",
    "t_likeness",
    "t_difference",
)
# Added to heights before ratios are taken, in usual beat heights: the height of noise alone.
LEAST_HEIGHT = 0.02
TINY = 1e-9
N, S, V = (AAMI_CLASSES.index(name) for name in "NSV")
TREES_FILE = Path(__file__).with_name("evidence.npz")
# The columns of each question. With P wave and shape, the question of S had worse scores on
# patients left out of the fit: DS1 has few patients with such beats.
VENTRICULAR = (
    *SHAPE,
    "rr_to_median",
    "rr_to_mean",
    "rr_to_recording",
    "rr_to_previous",
    "next_to_mean",
    "next_to_rr",
)
SUPRAVENTRICULAR = (
    "rr_to_mean",
    "rr_to_recording",
    "rr_to_previous",
    "next_to_mean",
    "spread",
    "irregularity",
)
# The share of a beat's evidence that is its cluster's mean; chosen on DS1, by leaving out patients
# in turn.
CLUSTER_SHARE_V, CLUSTER_SHARE_S = 0.5, 0.25


@dataclass(frozen=True)
class RecordingView:
    """A recording's beats, described relative to each other.

    Attributes:
        windows: their shapes.
        timing: (beats, measures), the columns named by TIMING.
        clusters: their groups.
        shape: (beats, measures) against the largest group's median, columns named by SHAPE.
    """

    windows: BeatWindows
    timing: np.ndarray
    clusters: Clusters
    shape: np.ndarray

    def columns(self, names: tuple[str, ...]) -> np.ndarray:
        """(beats, names) measures by their names."""
        every = np.column_stack([self.timing, self.shape])
        return every[:, [(*TIMING, *SHAPE).index(name) for name in names]]


@dataclass(frozen=True)
class Evidence:
    """Log odds of classes.

    Attributes:
        ventricular: (beats,), that a beat is V.
        supraventricular: (beats,), that it is S, given that it is not V.
    """

    ventricular: np.ndarray
    supraventricular: np.ndarray


def view(
    signal_mv: np.ndarray,
    sampling_hz: float,
    r_peaks: np.ndarray,
    *,
    usable: np.ndarray | None = None,
    breaks: np.ndarray | None = None,
) -> RecordingView:
    """Describe all beats of a recording.

    Args:
        signal_mv: (samples,) one lead, millivolts, NaN where nothing was recorded.
        sampling_hz: samples per second.
        r_peaks: (beats,) int, ascending sample indices.
        usable: (beats,) bool; the shape of the others does not count. All by default.
        breaks: ascending samples at which gaps of the recording begin.
    """
    shapes = windows(signal_mv, sampling_hz, r_peaks, usable)
    times = timing(r_peaks, sampling_hz, breaks)
    clusters = find(shapes, times)
    if clusters.count == 0:
        return RecordingView(shapes, times, clusters, np.zeros((len(r_peaks), len(SHAPE))))
    measured = differences(shapes, clusters.templates[0])
    usual = np.median(measured[shapes.whole], axis=0)
    measured[~shapes.whole] = usual  # where nothing was recorded, the shape is no evidence
    return RecordingView(shapes, times, clusters, measured)


def of_view(seen: RecordingView) -> Evidence:
    """Evidence of the fitted trees, each beat's shrunk towards the mean of its cluster."""
    raw = of_each_beat(seen, trees("ventricular"), trees("supraventricular"))
    return shrunk(seen.clusters, raw, CLUSTER_SHARE_V, CLUSTER_SHARE_S)


def of_each_beat(
    seen: RecordingView, ventricular: BoostedTrees, supraventricular: BoostedTrees
) -> Evidence:
    """Evidence of these trees for every beat by itself."""
    return Evidence(
        ventricular.log_odds(seen.columns(VENTRICULAR)),
        supraventricular.log_odds(seen.columns(SUPRAVENTRICULAR)),
    )


def shrunk(clusters: Clusters, raw: Evidence, share_v: float, share_s: float) -> Evidence:
    """Every beat's evidence, with these shares of it replaced by the mean of its cluster."""
    return Evidence(
        _towards_mean(clusters, raw.ventricular, share_v),
        _towards_mean(clusters, raw.supraventricular, share_s),
    )


def classes(of_beats: Evidence) -> np.ndarray:
    """(beats,) int labels N, S or V by this evidence alone."""
    ectopic = np.where(of_beats.supraventricular > 0, S, N)
    return np.where(of_beats.ventricular > 0, V, ectopic)


@cache
def trees(question: str) -> BoostedTrees:
    """The trees for ``ventricular`` or ``supraventricular``."""
    with np.load(TREES_FILE) as arrays:
        return from_arrays(dict(arrays), question)


def _towards_mean(clusters: Clusters, values: np.ndarray, share: float) -> np.ndarray:
    means = clusters.spread(clusters.means(values), values)
    return (1 - share) * values + share * means


# Shape against the usual shape of the recording


def differences(windows: BeatWindows, template: np.ndarray) -> np.ndarray:
    """Compare the shape of every beat with a template.

    Args:
        windows: from `beat_windows.windows`.
        template: (points,) the usual shape, e.g. the median of the largest cluster.

    Returns:
        (beats, 11) float64, the columns named by SHAPE. Likeness is a correlation; a difference is
        a root mean square in usual beat heights; height, slope, width (the deviation in time of
        the squared signal) and area (the mean size, the largest being 1) are natural logarithms of
        ratios.
    """
    usual, shapes = template[None, :], windows.shapes
    qrs = windows.between(QRS_FROM_S, QRS_TO_S)
    p, t = windows.between(P_FROM_S, P_TO_S), windows.between(T_FROM_S, T_TO_S)
    times_s = windows.times_s[qrs]
    return np.column_stack(
        [
            _likeness(shapes[:, qrs], usual[:, qrs]),
            _difference(shapes[:, qrs], usual[:, qrs]),
            _ratio(_height, shapes[:, qrs], usual[:, qrs]),
            _ratio(_slope, shapes[:, qrs], usual[:, qrs]),
            _ratio(lambda part: _width(part, times_s), shapes[:, qrs], usual[:, qrs]),
            _ratio(_area, shapes[:, qrs], usual[:, qrs]),
            _likeness(shapes[:, p], usual[:, p]),
            _difference(_centred(shapes[:, p]), _centred(usual[:, p])),
            _ratio(_height, shapes[:, p], usual[:, p]),
            _likeness(shapes[:, t], usual[:, t]),
            _difference(shapes[:, t], usual[:, t]),
        ]
    )


def _centred(part: np.ndarray) -> np.ndarray:
    return part - part.mean(axis=1, keepdims=True)


def _likeness(part: np.ndarray, usual: np.ndarray) -> np.ndarray:
    part, usual = _centred(part), _centred(usual)
    size = np.sqrt(np.sum(part**2, axis=1) * np.sum(usual**2, axis=1))
    return np.sum(part * usual, axis=1) / (size + TINY)


def _difference(part: np.ndarray, usual: np.ndarray) -> np.ndarray:
    return np.sqrt(np.mean((part - usual) ** 2, axis=1))


def _ratio(
    measure: Callable[[np.ndarray], np.ndarray], part: np.ndarray, usual: np.ndarray
) -> np.ndarray:
    return np.log(measure(part) / measure(usual))


def _height(part: np.ndarray) -> np.ndarray:
    return np.ptp(part, axis=1) + LEAST_HEIGHT


def _slope(part: np.ndarray) -> np.ndarray:
    return np.abs(np.diff(part, axis=1)).max(axis=1) + LEAST_HEIGHT


def _width(part: np.ndarray, times_s: np.ndarray) -> np.ndarray:
    """How far the complex spreads in time, as the deviation of its squared signal."""
    power = part**2 + TINY
    power /= power.sum(axis=1, keepdims=True)
    middle = power @ times_s
    return np.sqrt(power @ times_s**2 - middle**2 + TINY)


def _area(part: np.ndarray) -> np.ndarray:
    size = np.abs(part)
    return size.mean(axis=1) / (size.max(axis=1) + TINY) + TINY
