"""From probabilities to marks."""

import numpy as np

from ecg.wave_marks.decoding import marks
from ecg.wave_marks.windows import GRID_S

T = 2


def hill(at_s, height=1.0):
    return height * np.exp(-0.5 * ((GRID_S - at_s) / 0.012) ** 2)


def logits_of(probabilities):
    """(1, grid, 9) from nine curves."""
    return np.log(np.stack(probabilities, axis=1)[None] + 1e-6).astype(np.float32)


PLAIN = [hill(at) for at in (-0.18, -0.14, -0.1, -0.04, 0.0, 0.05, 0.15, 0.25, 0.32)]


def test_marks_lie_between_grid_points():
    at = [-0.1813, -0.1421, -0.1007, -0.0402, 0.0013, 0.0478, 0.1543, 0.2499, 0.3226]
    seconds, confidence = marks(logits_of([hill(one) for one in at]), [])
    assert np.abs(seconds.ravel() - at).max() < 0.001
    assert confidence.min() > 0.95


def test_the_marks_of_a_wave_are_chosen_together():
    """Each alone, the peak would come before the onset."""
    t = [
        hill(0.15, 0.4) + hill(0.3, 0.6),
        hill(0.2, 0.6) + hill(0.36, 0.4),
        hill(0.27, 0.9) + hill(0.43, 0.1),
    ]
    (found,), _ = marks(logits_of(PLAIN[:6] + t), [])
    assert np.allclose(found[T], [0.15, 0.2, 0.27], atol=0.005)


def test_neighbours_of_one_shape_choose_one_t_wave():
    def seen(first):
        pairs = ((0.15, 0.3), (0.2, 0.36), (0.27, 0.43))
        return PLAIN[:6] + [hill(a, first) + hill(b, 1 - first) for a, b in pairs]

    beats = np.concatenate([logits_of(seen(first)) for first in (0.7, 0.45, 0.7)])
    alike = [np.array([True, True]), np.array([True])]
    together, alone = marks(beats, alike)[0], marks(beats, [])[0]
    assert abs(alone[1, T, 1] - 0.36) < 0.01
    assert np.abs(together[:, T, 1] - 0.2).max() < 0.01


def test_smeared_marks_are_not_sure():
    flat = np.ones((1, len(GRID_S), 9), np.float32)
    _seconds, confidence = marks(flat, [])
    assert confidence.max() < 0.1
