"""The mean beat of every class and of every cluster, with its spread and a few beats behind it."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ecg.recording import Recording
from recordings.analysis import Analysis
from recordings.pictures.signs import colour_of, occurring, usable
from utils.style import GRID, MUTED, new_figure, styled

# From before a P wave to behind a slow T wave.
BEFORE_R_S, AFTER_R_S = 0.3, 0.55
# A beat ends where the next QRS complex may begin, this long before its R peak.
QRS_S = 0.1
# The mean of this many evenly spaced beats looks like that of all.
MOST_BEATS = 400
EXAMPLES = 8
BAND = (10, 90)
MOST_CLUSTERS = 12
COLUMNS = 6
PANEL_INCHES = (2.0, 2.1)


def class_beats_figure(analysis: Analysis, recording: Recording) -> Figure:
    """The mean beat of each class that occurs."""
    beats = usable(analysis.beats)
    groups = {
        f"{name} ({count:,})": (colour_of(name), beats[beats["class"] == name])
        for name in occurring(beats)
        if (count := int((beats["class"] == name).sum()))
    }
    return _figure(analysis, recording, groups, f"{analysis.name}, mean beats of the classes")


def cluster_beats_figure(analysis: Analysis, recording: Recording) -> Figure:
    """The mean beat of each cluster of shapes, the largest clusters first."""
    beats = usable(analysis.beats)
    beats = beats[beats["cluster"] >= 0]
    groups = {}
    for cluster in beats["cluster"].value_counts().index[:MOST_CLUSTERS]:
        own = beats[beats["cluster"] == cluster]
        name = str(own["cluster_class"].iloc[0])
        mark = ", unknown" if own["unknown"].astype(bool).mean() > 0.5 else ""
        groups[f"{cluster}: {name} ({len(own):,}){mark}"] = (colour_of(name), own)
    return _figure(analysis, recording, groups, f"{analysis.name}, clusters of beats")


@styled
def _figure(
    analysis: Analysis,
    recording: Recording,
    groups: dict[str, tuple[str, pd.DataFrame]],
    title: str,
) -> Figure:
    columns = min(max(len(groups), 3), COLUMNS)
    rows = max(-(-len(groups) // columns), 1)
    width, height = PANEL_INCHES
    subtitle = (
        f"lead {analysis.lead}; line: mean; band: {BAND[0]}th to {BAND[1]}th percentile; thin: "
        "single beats; each beat's median is 0 mV"
    )
    if not groups:
        subtitle = "no usable beat"
    figure = new_figure(max(columns * width + 0.5, 7), rows * height + 1.0, title, subtitle)
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    signal = recording.lead_mv(analysis.lead)
    shapes = {
        name: _cut(signal, analysis, own["sample"].to_numpy(np.int64))
        for name, (_colour, own) in groups.items()
    }
    for axes, (name, (colour, _own)) in zip(panels.flat, groups.items(), strict=False):
        _draw_shape(axes, shapes[name], analysis.sampling_hz, colour)
        axes.set_title(name)
    for axes in panels.flat[len(groups) :]:
        axes.set_axis_off()
    _label(panels, len(groups), shapes)
    return figure


def _cut(signal: np.ndarray, analysis: Analysis, samples: np.ndarray) -> np.ndarray:
    """(beats, samples) around the R peaks, each without its median; NaN where it is over."""
    hz = analysis.sampling_hz
    chosen = samples[np.unique(np.linspace(0, len(samples) - 1, MOST_BEATS).astype(int))]
    reach = np.arange(-round(BEFORE_R_S * hz), round(AFTER_R_S * hz) + 1)
    places = chosen[:, None] + reach
    r_peaks = np.append(analysis.beats["sample"].to_numpy(np.int64), np.iinfo(np.int64).max)
    following = r_peaks[np.searchsorted(r_peaks, chosen, side="right")]
    own = (places >= 0) & (places < np.minimum(len(signal), following - QRS_S * hz)[:, None])
    cut = np.where(own, signal[np.clip(places, 0, len(signal) - 1)], np.nan)
    cut = cut[np.isfinite(cut).mean(axis=1) > 0.5]
    return cut - np.nanmedian(cut, axis=1, keepdims=True)


def _draw_shape(axes: Axes, cut: np.ndarray, sampling_hz: float, colour: str) -> None:
    axes.axvline(0, color=GRID, lw=0.8, zorder=0)
    axes.axhline(0, color=GRID, lw=0.8, zorder=0)
    if not len(cut):
        return
    # After the end of half of the beats, a mean says little.
    most = np.isfinite(cut).mean(axis=0) >= 0.5
    times_ms, cut = _times_ms(cut, sampling_hz)[most], cut[:, most]
    for beat in cut[np.unique(np.linspace(0, len(cut) - 1, EXAMPLES).astype(int))]:
        axes.plot(times_ms, beat, color=MUTED, lw=0.4, alpha=0.45, zorder=1)
    if len(cut) > 2:
        low, high = np.nanpercentile(cut, BAND, axis=0)
        axes.fill_between(times_ms, low, high, color=colour, alpha=0.25, lw=0, zorder=2)
    axes.plot(times_ms, np.nanmean(cut, axis=0), color=colour, lw=1.8, zorder=3)


def _times_ms(cut: np.ndarray, sampling_hz: float) -> np.ndarray:
    return (np.arange(cut.shape[1]) - round(BEFORE_R_S * sampling_hz)) / sampling_hz * 1000


def _label(panels: np.ndarray, used: int, shapes: dict[str, np.ndarray]) -> None:
    known = [cut for cut in shapes.values() if len(cut)]
    if known:
        lows, highs = zip(*(_extent(cut) for cut in known), strict=True)
        air = 0.06 * (max(highs) - min(lows)) + 0.02
        panels.flat[0].set_ylim(min(lows) - air, max(highs) + air)
    panels.flat[0].set_xlim(-1000 * BEFORE_R_S, 1000 * AFTER_R_S)
    panels.flat[0].set_xticks([-200, 0, 200, 400])
    for axes in panels[:, 0]:
        axes.set_ylabel("mV")
    columns = panels.shape[1]
    for place, axes in enumerate(panels.flat[:used]):
        if place + columns >= used:  # nothing below it
            axes.set_xlabel("ms from R")
            axes.tick_params(labelbottom=True)


def _extent(cut: np.ndarray) -> tuple[float, float]:
    """Lowest and highest value of most beats: one artefact does not flatten all panels."""
    low, high = np.nanmin(cut, axis=1), np.nanmax(cut, axis=1)
    return float(np.percentile(low, 5)), float(np.percentile(high, 95))
