"""When a prediction is too unsure to be taken at its class: a threshold on the top probability."""

from dataclasses import dataclass

import numpy as np

# What a beat that somebody must look at costs, in wrong classes that nobody looked at. With it, a
# beat is uncertain where about one in ten of its like is wrong, whatever the network's error.
LOOK_COST = 0.1
# Below it another class, or all others together, may be as likely.
LEAST_THRESHOLD = 0.5
# Where the network errs so often that every beat is uncertain, also those of probability 1.
ABOVE_ALL = 1 + 1e-6


@dataclass(frozen=True)
class Certainty:
    """A threshold, and what it does to the beats that it was fitted on.

    Attributes:
        uncertain_below: top probabilities below it are uncertain.
        beats, errors: of how many beats the network took how many for a wrong class.
        uncertain_beats, uncertain_errors: how many of these lie below the threshold.
    """

    uncertain_below: float
    beats: int
    errors: int
    uncertain_beats: int
    uncertain_errors: int

    def figures(self) -> dict[str, float | int]:
        """What a checkpoint's JSON tells; an error of no beats is 0."""
        certain = self.beats - self.uncertain_beats
        return {
            "uncertain_below": self.uncertain_below,
            "look_cost": LOOK_COST,
            "beats": self.beats,
            "certain_share": round(certain / self.beats, 6),
            "error": round(self.errors / self.beats, 6),
            "error_of_certain": round((self.errors - self.uncertain_errors) / max(certain, 1), 6),
            "error_of_uncertain": round(self.uncertain_errors / max(self.uncertain_beats, 1), 6),
        }


def fit(probabilities: np.ndarray, labels: np.ndarray) -> Certainty:
    """The threshold that costs least on these beats (Chow CK, IEEE Trans Inf Theory 16:41, 1970).

    A bound on the error of the certain beats (Geifman & El-Yaniv, 2017) has no threshold for a
    network that is surely wrong on some new patients, and flags nothing where a network is good.

    Args:
        probabilities: (beats, classes), of beats that did not train the network.
        labels: (beats,) int, their classes; at least one beat.
    """
    top, wrong = probabilities.max(axis=1), probabilities.argmax(axis=1) != labels
    order = np.argsort(top)
    steps = np.unique(top)
    # Beats below each step, and below a last one above them all.
    below = np.append(np.searchsorted(top[order], steps), len(top))
    errors_below = np.append(0, np.cumsum(wrong[order]))[below]
    costs = wrong.sum() - errors_below + LOOK_COST * below
    threshold = _between(steps, int(costs.argmin()))
    uncertain = top < threshold
    return Certainty(
        threshold, len(top), int(wrong.sum()), int(uncertain.sum()), int(wrong[uncertain].sum())
    )


def _between(steps: np.ndarray, place: int) -> float:
    """A threshold below the `place`-th of the ascending steps and above the one before it."""
    if place == len(steps):
        return ABOVE_ALL
    if place == 0:
        return LEAST_THRESHOLD
    return max(LEAST_THRESHOLD, (float(steps[place - 1]) + float(steps[place])) / 2)
