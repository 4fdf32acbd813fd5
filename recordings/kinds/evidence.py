"""What timing and shape within a recording say of the class of every beat, without the network.

Two sets of boosted trees: is it ventricular (V), by shape and timing; if not, is it
supraventricular (S), by timing alone. Both compare a beat with its own recording, as de Chazal P,
Reilly RB, IEEE Trans Biomed Eng 53(12):2535-2543 (2006) and Llamedo M, Martinez JP, IEEE Trans
Biomed Eng 58(3):616-625 (2011) do. They were fitted to the 22 records DS1 of MIT-BIH by
`python -m studies.fit_evidence`, and are bound to be monotone where medicine says so.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from heartbeats.beat_set import AAMI_CLASSES
from recordings.kinds import boosted_trees
from recordings.kinds.beat_timing import TIMING, timing
from recordings.kinds.beat_windows import BeatWindows, windows
from recordings.kinds.boosted_trees import BoostedTrees
from recordings.kinds.clusters import Clusters, find
from recordings.kinds.shape_differences import SHAPE, differences

N, S, V = (AAMI_CLASSES.index(name) for name in "NSV")
TREES_FILE = Path(__file__).with_name("evidence.npz")
# The columns that each question may look at. With P wave and shape, the question of S fared worse
# on patients left out of the fit: DS1 has few with such beats.
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
# How much of a beat's evidence is its cluster's mean; chosen on DS1, patients left out in turn.
CLUSTER_SHARE_V, CLUSTER_SHARE_S = 0.5, 0.25


@dataclass(frozen=True)
class RecordingView:
    """A recording's beats as they look beside each other.

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
    """Natural logarithms of odds.

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
    """Look at all beats of a recording.

    Args:
        signal_mv: (samples,) one lead, millivolts, NaN where nothing was recorded.
        sampling_hz: samples per second.
        r_peaks: (beats,) int, ascending sample indices.
        usable: (beats,) bool; the shape of the others does not count. All by default.
        breaks: ascending samples at which the recording stops being a recording.
    """
    shapes = windows(signal_mv, sampling_hz, r_peaks, usable)
    times = timing(r_peaks, sampling_hz, breaks)
    clusters = find(shapes, times)
    if clusters.count == 0:
        return RecordingView(shapes, times, clusters, np.zeros((len(r_peaks), len(SHAPE))))
    measured = differences(shapes, clusters.templates[0])
    usual = np.median(measured[shapes.whole], axis=0)
    measured[~shapes.whole] = usual  # a beat that was not recorded says nothing by its shape
    return RecordingView(shapes, times, clusters, measured)


def of(seen: RecordingView) -> Evidence:
    """What the fitted trees say, each beat's answer drawn towards the mean of its cluster."""
    raw = asked(seen, trees("ventricular"), trees("supraventricular"))
    return drawn(seen.clusters, raw, CLUSTER_SHARE_V, CLUSTER_SHARE_S)


def asked(
    seen: RecordingView, ventricular: BoostedTrees, supraventricular: BoostedTrees
) -> Evidence:
    """What these trees say of every beat by itself."""
    return Evidence(
        ventricular.log_odds(seen.columns(VENTRICULAR)),
        supraventricular.log_odds(seen.columns(SUPRAVENTRICULAR)),
    )


def drawn(clusters: Clusters, raw: Evidence, share_v: float, share_s: float) -> Evidence:
    """Every beat's evidence, these shares of it replaced by the mean of its cluster."""
    return Evidence(
        _towards_mean(clusters, raw.ventricular, share_v),
        _towards_mean(clusters, raw.supraventricular, share_s),
    )


def classes(of_beats: Evidence) -> np.ndarray:
    """(beats,) int labels N, S or V by the evidence alone."""
    ectopic = np.where(of_beats.supraventricular > 0, S, N)
    return np.where(of_beats.ventricular > 0, V, ectopic)


@cache
def trees(question: str) -> BoostedTrees:
    """The trees for ``ventricular`` or ``supraventricular``."""
    with np.load(TREES_FILE) as arrays:
        return boosted_trees.from_arrays(dict(arrays), question)


def _towards_mean(clusters: Clusters, values: np.ndarray, share: float) -> np.ndarray:
    means = clusters.spread(clusters.means(values), values)
    return (1 - share) * values + share * means
