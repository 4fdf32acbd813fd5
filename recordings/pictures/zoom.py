"""A few seconds of the recording on ECG paper, where most is to be seen, with all wave marks."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from ecg.recording import Recording
from recordings.analysis import Analysis
from recordings.pictures.signs import (
    COMMON,
    clock_axis,
    colour_of,
    hatched,
    merged,
    ring,
    unusable_patch,
    usable,
)
from recordings.pictures.strip import COLUMNS
from recordings.pictures.trace import envelope
from recordings.wording import clock
from utils.style import GRID, INK, MUTED, new_figure, styled

LENGTH_S = 9.0
# A beat nearer to an edge than this is incomplete; the first beat lies a little further in.
EDGE_S, FIRST_S = 0.45, 0.55
# The score of a window: each class with a certain beat of good quality counts 1, and a beat of
# unknown kind counts half. A bad signal costs more than a class adds, so that artefacts lose.
UNKNOWN_SCORE, QUALITY_SCORE, WAVES_SCORE, UNUSABLE_SCORE = 0.5, 1.5, 0.3, -3.0
SEEN_WELL, SURE = 0.5, 0.8
PEAKS = ["p_peak_s", "qrs_peak_s", "t_peak_s"]

WIDTH_INCHES = 12.0
# On paper 25 mm are 1 s and 10 mm are 1 mV, so 1 mV is as long as 0.4 s. If a picture would be too
# low or too high, amplitudes are drawn larger or smaller.
MV_IN_SECONDS = 0.4
LOWEST_INCHES, HIGHEST_INCHES, AROUND_INCHES = 1.1, 3.4, 1.5
NARROWEST_MV = 0.3
# The paper's squares of 5 mm, and their lines; fifths of them are drawn faintly.
STRONG_S, STRONG_MV, MOST_SQUARES = 0.2, 0.5, 40
STRONG_LINE, FAINT_LINE = 0.7, 0.25
WAVES = {"p": ("P wave", "#56b4e9"), "qrs": ("QRS", "#8a97a3"), "t": ("T wave", "#f0e442")}
# Shades end below the letters, at this height in the picture.
WAVE_ALPHA, SHADE_TOP = 0.3, 0.84
# A beat nearer to an edge has no space for its letter.
LETTER_S = 0.06


@styled
def zoom_figure(analysis: Analysis, recording: Recording) -> Figure:
    """The segment of `best_window`, with the onset, peak and end of every wave.

    Args:
        analysis: what was found.
        recording: the recording that it was found in.
    """
    start_s, end_s = best_window(analysis)
    times, trace = _piece(analysis, recording, start_s, end_s)
    low, high = _range_mv(trace)
    gain, inches = _scale(high - low, end_s - start_s)
    square_mv = _square_mv(high - low)
    figure = new_figure(
        WIDTH_INCHES,
        inches + AROUND_INCHES,
        f"{analysis.name}, {clock(start_s)} to {clock(end_s)}",
        _words(analysis, square_mv, gain),
    )
    axes = figure.subplots()
    _draw_paper(axes, (start_s, end_s), (low, high), square_mv)
    unusable_s = merged(analysis.unusable)
    unusable_s = unusable_s[(unusable_s[:, 0] < end_s) & (unusable_s[:, 1] > start_s)]
    for start, end in unusable_s:
        axes.axvspan(start, end, **hatched())
    axes.plot(times, trace, color=INK, lw=1.0, zorder=3)
    beats = usable(analysis.beats)
    beats = beats[beats["time_s"].between(start_s + LETTER_S, end_s - LETTER_S)]
    handles = _draw_waves(axes, beats, times, trace)
    _name_beats(axes, beats, (low, high))
    axes.set(xlim=(start_s, end_s), ylim=(low, high), ylabel="mV")
    clock_axis(axes, start_s, end_s)
    if len(unusable_s):
        handles.append(unusable_patch())
    figure.legend(handles=handles, loc="upper right", ncols=max(len(handles), 1))
    return figure


def _words(analysis: Analysis, square_mv: float, gain: float) -> str:
    """What the paper's squares are, and how to read the marks."""
    as_on_paper = abs(gain - 1) < 0.05
    height = "" if as_on_paper else f", amplitudes {gain:.2g} times as large as on paper"
    return (
        f"lead {analysis.lead}; squares: {STRONG_S:g} s and {square_mv:g} mV{height}\n"
        "shades: from a wave's onset to its end; dots: peaks; letters: classes; ring: unknown kind"
    )


def _piece(
    analysis: Analysis, recording: Recording, start_s: float, end_s: float
) -> tuple[np.ndarray, np.ndarray]:
    """Times and values of the lead there, with the median as 0 mV."""
    hz = analysis.sampling_hz
    begin = int(start_s * hz)
    signal = recording.lead_mv(analysis.lead)[begin : int(np.ceil(end_s * hz)) + 1]
    places, values = envelope(signal, COLUMNS)
    if np.isfinite(values).any():
        values = values - np.nanmedian(signal)
    return (places + begin) / hz, values


def _range_mv(trace: np.ndarray) -> tuple[float, float]:
    """The range of the trace without single spikes, with space for letters above."""
    known = trace[np.isfinite(trace)]
    if not len(known):
        return -0.5, 0.5
    low, high = np.percentile(known, [0.1, 99.9])
    span = max(high - low, NARROWEST_MV)
    return float(low - 0.12 * span), float(high + 0.3 * span)


def _scale(range_mv: float, length_s: float) -> tuple[float, float]:
    """The picture's height in inches, and how many times the paper's that is."""
    paper = range_mv * MV_IN_SECONDS * (WIDTH_INCHES - 1) / length_s
    inches = float(np.clip(paper, LOWEST_INCHES, HIGHEST_INCHES))
    return inches / paper, inches


def _square_mv(range_mv: float) -> float:
    """0.5 mV as on paper; ten, a hundred ... times that for amplitudes that no heart has."""
    return STRONG_MV * 10.0 ** max(0, np.ceil(np.log10(range_mv / (MOST_SQUARES * STRONG_MV))))


def _draw_paper(
    axes: Axes, times_s: tuple[float, float], heights_mv: tuple[float, float], square_mv: float
) -> None:
    for step_s, step_mv, width in (
        (STRONG_S, square_mv, STRONG_LINE),
        (STRONG_S / 5, square_mv / 5, FAINT_LINE),
    ):
        upright, level = _multiples(step_s, *times_s), _multiples(step_mv, *heights_mv)
        axes.vlines(upright, *heights_mv, colors=GRID, linewidths=width, zorder=0)
        axes.hlines(level, *times_s, colors=GRID, linewidths=width, zorder=0)


def _multiples(step: float, low: float, high: float) -> np.ndarray:
    return np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step


def _draw_waves(
    axes: Axes, beats: pd.DataFrame, times: np.ndarray, trace: np.ndarray
) -> list[Patch]:
    """Shade every wave from onset to end and dot its peak; handles of the waves that occur."""
    handles = []
    for wave, (name, colour) in WAVES.items():
        marks = beats[[f"{wave}_{mark}_s" for mark in ("onset", "peak", "end")]].to_numpy(float)
        marks = marks[np.isfinite(marks).all(axis=1)]
        if not len(marks):
            continue
        for onset, _peak, end in marks:
            axes.axvspan(onset, end, ymax=SHADE_TOP, fc=colour, alpha=WAVE_ALPHA, lw=0, zorder=1)
        heights = np.interp(marks[:, 1], times, trace)
        axes.plot(marks[:, 1], heights, "o", ms=3.6, mfc=colour, mec=INK, mew=0.7, zorder=4)
        handles.append(Patch(facecolor=colour, alpha=2 * WAVE_ALPHA, lw=0, label=name))
    return handles


def _name_beats(axes: Axes, beats: pd.DataFrame, heights_mv: tuple[float, float]) -> None:
    low, high = heights_mv
    height = high - (1 - SHADE_TOP) / 2 * (high - low)
    for time, name, unknown in beats[["time_s", "class", "unknown"]].itertuples(index=False):
        colour = MUTED if name == COMMON else colour_of(name)
        axes.text(
            time,
            height,
            name,
            color=colour,
            weight="bold",
            size=11,
            ha="center",
            va="center",
            zorder=5,
        )
        if unknown:
            axes.plot(time, height, **(ring() | {"ms": 16}))


# The choice of the seconds


def best_window(analysis: Analysis) -> tuple[float, float]:
    """Start and end in seconds of the best window: most classes, then the best signal.

    Args:
        analysis: what was found in a recording; one that is shorter is shown whole.
    """
    length_s = min(LENGTH_S, analysis.duration_s)
    beats = usable(analysis.beats)
    if beats.empty:
        return 0.0, length_s
    times_s = beats["time_s"].to_numpy(float)
    starts_s = np.clip(times_s - FIRST_S, 0, analysis.duration_s - length_s)
    score = _score_of_beats(beats, times_s, starts_s, length_s)
    score += UNUSABLE_SCORE * _unusable_share(merged(analysis.unusable), starts_s, length_s)
    start_s = float(starts_s[np.argmax(np.round(score, 6))])
    return start_s, start_s + length_s


def _score_of_beats(
    beats: pd.DataFrame, times_s: np.ndarray, starts_s: np.ndarray, length_s: float
) -> np.ndarray:
    """(windows,) the score of the beats inside each window."""
    inside = _sums(times_s, starts_s + EDGE_S, starts_s + length_s - EDGE_S)
    count = np.maximum(inside(np.ones(len(beats))), 1)
    seen, unknown = beats["quality"] >= SEEN_WELL, beats["unknown"].astype(bool)
    sure = seen & ~unknown & (beats["probability"] >= SURE)
    score = UNKNOWN_SCORE * (inside(seen & unknown) > 0)
    for name in beats["class"].unique():
        score = score + (inside(sure & (beats["class"] == name)) > 0)
    found = beats[PEAKS].notna().mean(axis=1)
    return score + (QUALITY_SCORE * inside(beats["quality"]) + WAVES_SCORE * inside(found)) / count


def _sums(times_s: np.ndarray, begins_s: np.ndarray, ends_s: np.ndarray) -> Callable:
    """A function that adds up any values of the beats inside each window."""
    first, last = np.searchsorted(times_s, begins_s), np.searchsorted(times_s, ends_s)
    last = np.maximum(first, last)

    def inside(values) -> np.ndarray:
        total = np.append(0, np.cumsum(np.nan_to_num(np.asarray(values, float))))
        return total[last] - total[first]

    return inside


def _unusable_share(spans_s: np.ndarray, starts_s: np.ndarray, length_s: float) -> np.ndarray:
    share = np.zeros(len(starts_s))
    for start, end in spans_s:
        overlap = np.minimum(starts_s + length_s, end) - np.maximum(starts_s, start)
        share += np.clip(overlap, 0, None) / length_s
    return share
