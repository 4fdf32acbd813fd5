"""How the beats of a published test set are spread over recordings and over time."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2

from heartbeats.beat_set import BeatSet
from utils.errors import InputError


@dataclass(frozen=True)
class Spread:
    """How one class's test beats are spread over the recordings.

    Attributes:
        class_name: the class.
        beats: all of its beats.
        test_share: of them, in the test set.
        statistic: chi-squared, over the recordings, of the test beats against `test_share`.
        freedom: its degrees of freedom, the recordings with such beats less one.
    """

    class_name: str
    beats: int
    test_share: float
    statistic: float
    freedom: int

    @property
    def chance(self) -> float:
        """How often a random draw would be spread at least as unevenly over recordings."""
        return float(chi2.sf(self.statistic, self.freedom))


def check(beats: BeatSet) -> None:
    """Raise InputError unless test set, recordings and times are known."""
    for name in ("official_test", "records", "times_s"):
        if getattr(beats, name) is None:
            raise InputError(
                f"data set '{beats.name}' does not say the {name} of its beats; MIT-BIH's raw "
                "records do: python -m heartbeats.download mitdb"
            )


def spreads(beats: BeatSet) -> list[Spread]:
    """One for each class that has beats."""
    assert beats.records is not None and beats.official_test is not None
    found = []
    for label, name in enumerate(beats.class_names):
        own = np.asarray(beats.labels) == label
        if not own.any():
            continue
        is_test = np.asarray(beats.official_test)[own]
        _, record = np.unique(np.asarray(beats.records)[own], return_inverse=True)
        count, tested = np.bincount(record), np.bincount(record, weights=is_test)
        share = is_test.mean()
        variance = count * share * (1 - share)
        statistic = float(np.sum((tested - count * share) ** 2 / np.maximum(variance, 1e-12)))
        found.append(Spread(name, int(own.sum()), float(share), statistic, len(count) - 1))
    return found


def neighbour_correlation(beats: BeatSet) -> float:
    """Between being a test beat and following one, within recordings; 0 for a random draw."""
    is_test, follows = _in_time(beats)
    return float(np.corrcoef(is_test[1:][follows], is_test[:-1][follows])[0, 1])


def between_training(beats: BeatSet) -> float:
    """The share of test beats whose two neighbours in time are not in the test set."""
    is_test, follows = _in_time(beats)
    inner = is_test[1:-1] & follows[:-1] & follows[1:]
    return float((~is_test[:-2] & ~is_test[2:])[inner].mean())


def _in_time(beats: BeatSet) -> tuple[np.ndarray, np.ndarray]:
    """In the order of time: what is a test beat; what follows on a beat of the same recording."""
    assert beats.records is not None and beats.official_test is not None
    assert beats.times_s is not None
    order = np.lexsort((beats.times_s, beats.records))
    records = np.asarray(beats.records)[order]
    return np.asarray(beats.official_test, bool)[order], records[1:] == records[:-1]
