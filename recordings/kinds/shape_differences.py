"""How a beat's shape differs from the shape that most beats of its recording have."""

from collections.abc import Callable

import numpy as np

from recordings.kinds.beat_windows import QRS_FROM_S, QRS_TO_S, BeatWindows

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
# Added to heights before ratios are taken, in usual beat heights: what noise alone has.
LEAST_HEIGHT = 0.02
TINY = 1e-9


def differences(windows: BeatWindows, template: np.ndarray) -> np.ndarray:
    """Measures of every beat against the template.

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
