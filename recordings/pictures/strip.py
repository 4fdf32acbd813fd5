"""The whole recording in rows, as a Holter report shows it: beats coloured by their class."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from ecg.recording import Recording
from recordings.analysis import Analysis
from recordings.pictures.signs import (
    COMMON,
    IRREGULAR,
    IRREGULAR_ALPHA,
    TRACE,
    clock_step_s,
    colour_of,
    hatched,
    legend_of,
    merged,
    occurring,
    ring,
    usable,
)
from recordings.pictures.trace import envelope, level, span_mv
from recordings.wording import clock
from utils.style import GRID, INK, MUTED, PNG_DPI, bare, new_figure, styled

# Recordings up to the first number of seconds have rows of the second.
ROW_LENGTHS_S = ((5, 5), (120, 10), (600, 30), (3600, 60), (6 * 3600, 300), (np.inf, 600))
MOST_ROWS_OF_ONE_PAGE, ROWS_A_PAGE = 72, 36
# Up to the first number of rows, each has the second number of inches.
ROW_INCHES = ((1, 1.5), (4, 0.9), (12, 0.62), (np.inf, 0.4))
# Above a row's trace, as a share of it.
LETTER_SHARE = 0.25
WIDTH_INCHES, AROUND_INCHES = 12.0, 1.35
COLUMNS = int(11 * PNG_DPI)
BARS_MV = (0.1, 0.2, 0.5, 1, 10, 100, 1000, 10000)
# A beat is coloured this far around its R peak, but not beyond the middle to the next beat.
BEFORE_R_S, AFTER_R_S = 0.2, 0.4
# Longer rows have no space for letters over beats, and show ticks instead.
LONGEST_WITH_LETTERS_S = 60
# More marks than these are drawn as pixels: a page should stay small.
MOST_VECTOR_MARKS = 1500


@dataclass(frozen=True)
class Rows:
    """The layout of a recording, or of a page of it: rows of equal length."""

    length_s: float
    low_mv: float
    high_mv: float
    first: int
    count: int

    @property
    def start_s(self) -> float:
        return self.first * self.length_s

    @property
    def end_s(self) -> float:
        return (self.first + self.count) * self.length_s

    @property
    def height_mv(self) -> float:
        """From one row to the next, with space for letters above the trace."""
        return (1 + LETTER_SHARE) * (self.high_mv - self.low_mv)

    def of(self, times_s: np.ndarray) -> np.ndarray:
        return np.floor(times_s / self.length_s).astype(int)

    def zero_mv(self, row):
        """Where on the y axis a row has its 0 mV."""
        return -(row - self.first) * self.height_mv

    @property
    def row_inches(self) -> float:
        return next(inches for most, inches in ROW_INCHES if self.count <= most)

    def reached(self, start_s: float, end_s: float) -> range:
        """The page's rows that a span of time reaches into."""
        last = min(int(np.ceil(end_s / self.length_s)), self.first + self.count)
        return range(max(int(start_s // self.length_s), self.first), last)

    def box(self, row: int, start_s: float, end_s: float) -> list[tuple[float, float]]:
        """The corners of the part of a span of time that lies in a row."""
        left = max(start_s - row * self.length_s, 0)
        right = min(end_s - row * self.length_s, self.length_s)
        low, high = self.zero_mv(row) + self.low_mv, self.zero_mv(row) + self.high_mv
        return [(left, low), (right, low), (right, high), (left, high)]


def strip_figures(analysis: Analysis, recording: Recording) -> list[Figure]:
    """The full disclosure: one figure for up to an hour or two, several for a day.

    Args:
        analysis: what was found.
        recording: the recording that it was found in.
    """
    signal = level(recording.lead_mv(analysis.lead), analysis.sampling_hz)
    span = span_mv(signal, analysis.sampling_hz, merged(analysis.unusable))
    return [_page(analysis, signal, rows) for rows in lay_out(analysis.duration_s, *span)]


@styled
def _page(analysis: Analysis, signal: np.ndarray, rows: Rows) -> Figure:
    height = rows.row_inches * rows.count + AROUND_INCHES
    figure = new_figure(WIDTH_INCHES, height, *_words(analysis, rows))
    axes = figure.subplots()
    beats = _between(usable(analysis.beats), rows)
    irregular_s, unusable_s = (
        spans[(spans[:, 0] < rows.end_s) & (spans[:, 1] > rows.start_s)]
        for spans in (merged(analysis.irregular), merged(analysis.unusable))
    )
    _shade(axes, rows, irregular_s, facecolor=IRREGULAR, alpha=IRREGULAR_ALPHA, lw=0)
    _shade(axes, rows, unusable_s, **hatched())
    _draw_trace(axes, signal, analysis.sampling_hz, rows, beats)
    _mark_beats(axes, rows, beats)
    _name_rows(axes, rows, beats)
    _draw_scale(axes, rows)
    handles = legend_of(beats, irregular_s, unusable_s)
    figure.legend(handles=handles, loc="upper right", ncols=max(len(handles), 1))
    return figure


def _words(analysis: Analysis, rows: Rows) -> tuple[str, str]:
    title = f"{analysis.name}, the whole recording"
    if rows.end_s < analysis.duration_s or rows.first:
        end_s = min(rows.end_s, analysis.duration_s)
        title = f"{analysis.name}, {clock(rows.start_s)} to {clock(end_s)}"
    length = f"{rows.length_s:g} s" if rows.length_s < 120 else f"{rows.length_s / 60:g} minutes"
    bar = f"bar at the first row: {_bar_mv(rows):g} mV"
    subtitle = f"lead {analysis.lead}, {length} a row, drift removed; {bar}; right: beats a minute"
    return title, subtitle


def _between(beats: pd.DataFrame, rows: Rows) -> pd.DataFrame:
    return beats[(beats["time_s"] >= rows.start_s) & (beats["time_s"] < rows.end_s)]


def _shade(axes: Axes, rows: Rows, spans_s: np.ndarray, **look) -> None:
    """Shade these times, with a rectangle in each of their rows."""
    boxes = [
        rows.box(row, start, end) for start, end in spans_s for row in rows.reached(start, end)
    ]
    if boxes:
        axes.add_collection(PolyCollection(boxes, zorder=0, **look), autolim=False)


def _draw_trace(
    axes: Axes, signal: np.ndarray, sampling_hz: float, rows: Rows, beats: pd.DataFrame
) -> None:
    """All rows as a few long lines: a grey one, and one of each class over it."""
    times, row_of, values = _points(signal, sampling_hz, rows)
    heights = np.clip(values, rows.low_mv, rows.high_mv) + rows.zero_mv(row_of)
    offsets = times - row_of * rows.length_s
    axes.plot(offsets, heights, color=TRACE, lw=0.6, rasterized=True, zorder=2)
    names = beats["class"].to_numpy()
    owner = _owner(times, beats["time_s"].to_numpy(float))
    for name in occurring(beats):
        if name == COMMON:
            continue
        own = owner >= 0
        own[own] = names[owner[own]] == name
        axes.plot(
            offsets,
            np.where(own, heights, np.nan),
            color=colour_of(name),
            lw=0.9,
            rasterized=True,
            zorder=3,
        )


def _points(
    signal: np.ndarray, sampling_hz: float, rows: Rows
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times, rows and values of the envelope's points; a value of NaN ends each row."""
    times, of_row, values = [], [], []
    for row in range(rows.first, rows.first + rows.count):
        begin, end = (round(edge * rows.length_s * sampling_hz) for edge in (row, row + 1))
        # The sample behind a row's end joins it to the edge.
        places, heights = envelope(signal[begin : end + 1], COLUMNS)
        times.append(np.append(places + begin, end) / sampling_hz)
        of_row.append(np.full(len(places) + 1, row))
        values.append(np.append(heights, np.nan))
    return np.concatenate(times), np.concatenate(of_row), np.concatenate(values)


def _owner(times_s: np.ndarray, beats_s: np.ndarray) -> np.ndarray:
    """The beat that each time belongs to, -1 between beats."""
    if not len(beats_s):
        return np.full(len(times_s), -1)
    after = np.searchsorted(beats_s, times_s)
    before = np.clip(after - 1, 0, None)
    after = np.clip(after, None, len(beats_s) - 1)
    nearer = np.abs(beats_s[after] - times_s) < np.abs(times_s - beats_s[before])
    nearest = np.where(nearer, after, before)
    distance = times_s - beats_s[nearest]
    return np.where((distance >= -BEFORE_R_S) & (distance <= AFTER_R_S), nearest, -1)


def _mark_beats(axes: Axes, rows: Rows, beats: pd.DataFrame) -> None:
    """A letter over each beat that is not normal, or a tick where rows are long; rings."""
    times = beats["time_s"].to_numpy(float)
    row_of = rows.of(times)
    offsets = times - row_of * rows.length_s
    heights = rows.zero_mv(row_of) + rows.high_mv + LETTER_SHARE / 2 * rows.height_mv
    names, unknown = beats["class"].to_numpy(), beats["unknown"].to_numpy(bool)
    as_pixels = int((names != COMMON).sum() + unknown.sum()) > MOST_VECTOR_MARKS
    for name in occurring(beats):
        if name == COMMON:
            continue
        own = names == name
        letters = rows.length_s <= LONGEST_WITH_LETTERS_S
        axes.plot(
            offsets[own],
            heights[own],
            ls="",
            color=colour_of(name),
            mew=0 if letters else 0.8,
            marker=f"$\\mathbf{{{name}}}$" if letters else "|",
            ms=5.5 if letters else 4,
            rasterized=as_pixels,
            zorder=4,
            clip_on=False,
        )
    if unknown.any():
        zeros = rows.zero_mv(row_of[unknown])
        axes.plot(offsets[unknown], zeros, rasterized=as_pixels, zorder=4, **ring())


def _name_rows(axes: Axes, rows: Rows, beats: pd.DataFrame) -> None:
    """Clock times on the left, heart rates on the right, seconds below."""
    numbers = np.arange(rows.first, rows.first + rows.count)
    axes.set_yticks(rows.zero_mv(numbers), [clock(row * rows.length_s) for row in numbers])
    rates = (60 / beats["rr_s"].astype(float)).groupby(rows.of(beats["time_s"].to_numpy(float)))
    for row, rate in rates.median().dropna().items():
        axes.text(
            1.004 * rows.length_s,
            rows.zero_mv(row),
            f"{rate:.0f}",
            color=MUTED,
            va="center",
            size=8.5,
        )
    step = clock_step_s(rows.length_s, 10)
    ticks = np.arange(0, rows.length_s + 1e-9, step)
    minutes = rows.length_s >= 120
    axes.set_xticks(ticks, [f"{tick / 60 if minutes else tick:g}" for tick in ticks])
    axes.set_xlabel("minutes" if minutes else "seconds", color=MUTED)
    axes.grid(True, axis="x", color=GRID, lw=0.5)
    bottom = rows.zero_mv(rows.first + rows.count - 1) + rows.low_mv
    axes.set_xlim(-0.012 * rows.length_s, 1.03 * rows.length_s)
    axes.set_ylim(bottom, rows.high_mv + LETTER_SHARE * rows.height_mv)
    bare(axes)


def _bar_mv(rows: Rows) -> float:
    """The largest round amplitude that is not higher than a row."""
    return max(bar for bar in BARS_MV if bar <= max(rows.high_mv - rows.low_mv, BARS_MV[0]))


def _draw_scale(axes: Axes, rows: Rows) -> None:
    """A bar before the first row, so that heights can be read."""
    place = -0.006 * rows.length_s
    axes.plot(
        [place, place], [0, _bar_mv(rows)], color=INK, lw=1.6, solid_capstyle="butt", clip_on=False
    )


# Layout


def lay_out(duration_s: float, low_mv: float, high_mv: float) -> list[Rows]:
    """The pages of a recording; short recordings have short rows, so that beats are wide.

    Args:
        duration_s: of the recording.
        low_mv, high_mv: what each row shows.
    """
    length_s = next(length for most, length in ROW_LENGTHS_S if duration_s <= most)
    total = max(int(np.ceil(duration_s / length_s - 1e-9)), 1)
    a_page = total if total <= MOST_ROWS_OF_ONE_PAGE else ROWS_A_PAGE
    return [
        Rows(length_s, low_mv, high_mv, first, min(a_page, total - first))
        for first in range(0, total, a_page)
    ]
