"""What the pictures of a recording show of beats that are known."""

import dataclasses
import io
import re
import time
from functools import partial

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from recordings.database_page import MOST_ROWS, patients_figure
from recordings.pictures import draw_all
from recordings.pictures.beat_shapes import class_beats_figure
from recordings.pictures.rhythm_plots import rhythm_figure
from recordings.pictures.signs import colour_of, merged
from recordings.pictures.strip import lay_out, strip_figures
from recordings.pictures.trace import envelope, level, span_mv
from recordings.pictures.zoom import LENGTH_S, best_window, zoom_figure
from recordings.wording import clock
from tests.evaluation.test_plots import texts
from tests.recordings.examples import analysis_of, make, without_beats
from utils.picture import as_svg


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for one in figure.legends for text in one.get_texts()]


def line_of(axes, colour: str):
    """The one trace, not the marks, of this colour."""
    lines = [one for one in axes.get_lines() if to_hex(one.get_color()) == colour]
    return next(one for one in lines if one.get_linestyle() == "-")


def marks_of(axes, name: str) -> np.ndarray:
    return np.concatenate(
        [
            one.get_xdata()
            for one in axes.get_lines()
            if to_hex(one.get_color()) == colour_of(name) and one.get_linestyle() == "None"
        ]
    )


@pytest.mark.parametrize("columns", [1, 7, 100, 499])
def test_an_envelope_keeps_every_extreme(columns):
    signal = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    signal[300] = 50
    places, values = envelope(signal, columns)
    assert len(values) <= 2 * columns
    assert values.min() == signal.min() and values.max() == signal.max()
    assert (np.diff(places) >= 0).all()
    block = -(-1000 // columns)
    assert abs(places[values.argmax()] - 300) <= block


def test_an_envelope_of_few_samples_is_the_signal_itself():
    signal = np.arange(10, dtype=np.float32)
    places, values = envelope(signal, 5)
    assert np.array_equal(places, signal) and np.array_equal(values, signal)


def test_an_envelope_has_gaps_only_where_nothing_was_recorded():
    signal = np.ones(1000, np.float32)
    signal[400:600] = np.nan
    places, values = envelope(signal, 50)
    inside = (places > 420) & (places < 580)
    assert np.isnan(values[inside]).all()
    assert np.isfinite(values[(places < 390) | (places > 610)]).all()


def test_drift_is_taken_away_and_beats_stay():
    _analysis, recording = make(seconds=30)
    signal = recording.signal_mv[:, 0]
    drift = 3 * np.sin(2 * np.pi * np.arange(len(signal)) / 360 / 20).astype(np.float32)
    changed = level(signal + drift, 360)
    inside = slice(360, -360)
    assert np.abs(changed - level(signal, 360))[inside].max() < 0.1 * np.ptp(signal)


def test_one_artefact_does_not_set_the_scale():
    signal = level(make(seconds=200)[1].signal_mv[:, 0], 360)
    low, high = span_mv(signal, 360, np.zeros((0, 2)))
    signal[5000:5010] = 80
    signal[20000:25000] *= 40
    harmed = span_mv(signal, 360, np.array([[55.0, 70.0]]))
    assert harmed[1] - harmed[0] < 1.5 * (high - low)


def test_spans_that_overlap_or_touch_are_one():
    spans = pd.DataFrame({"start_s": [20, 0, 5, 10], "end_s": [21, 9, 6, 12.0]})
    assert merged(spans).tolist() == [[0, 9], [10, 12], [20, 21]]
    spans = pd.DataFrame({"start_s": [0, 5], "end_s": [5, 8.0]})
    assert merged(spans).tolist() == [[0, 8]]
    assert merged(spans.iloc[:0]).shape == (0, 2)


def test_clock_times():
    assert [clock(s) for s in (0, 59.9999999, 61, 86400)] == [
        "0:00:00",
        "0:01:00",
        "0:01:01",
        "24:00:00",
    ]


@pytest.mark.parametrize("duration_s", [2, 10, 90, 1805.6, 7200, 86400])
def test_rows_hold_the_whole_recording_once(duration_s):
    pages = lay_out(duration_s, -1, 1)
    assert pages[0].start_s == 0
    assert pages[-1].end_s >= duration_s > pages[-1].end_s - pages[-1].length_s
    for before, after in zip(pages, pages[1:], strict=False):
        assert before.end_s == after.start_s
    assert all(page.count <= 72 for page in pages)


def test_a_span_is_cut_where_rows_end():
    page = lay_out(120, -1, 1)[0]  # rows of 10 s
    boxes = [page.box(row, 8.0, 21.0) for row in page.reached(8.0, 21.0)]
    assert [(box[0][0], box[1][0]) for box in boxes] == [(8, 10), (0, 10), (0, 1)]


def test_the_strip_colours_each_beat_with_its_class():
    analysis, recording = make(seconds=60)
    axes = strip_figures(analysis, recording)[0].axes[0]
    for name in "SVF":
        own = analysis.beats[analysis.beats["class"] == name]["time_s"].to_numpy()
        assert len(own)
        assert sorted(marks_of(axes, name)) == pytest.approx(sorted(own % 10))
        line = line_of(axes, colour_of(name))
        drawn = np.isfinite(line.get_ydata())
        reach = np.abs(line.get_xdata()[drawn][:, None] - (own % 10)).min(axis=1)
        assert drawn.any() and reach.max() < 0.6 + 0.01


def test_the_strip_draws_the_trace_where_the_signal_is():
    analysis, recording = make(seconds=20, shares={})
    axes = strip_figures(analysis, recording)[0].axes[0]
    line = max(axes.get_lines(), key=lambda one: len(one.get_xdata()))
    xs, ys = line.get_xdata(), line.get_ydata()
    ends = np.flatnonzero(np.isnan(ys))
    assert len(ends) == 2  # two rows
    first = ys[: ends[0]]
    signal = level(recording.signal_mv[:, 0], 360)[:3600]
    assert xs[np.nanargmax(first)] == pytest.approx(signal.argmax() / 360, abs=0.02)
    assert np.nanmedian(first) > np.nanmedian(ys[ends[0] + 1 :])  # rows run downwards


def test_legends_list_only_what_occurs():
    plain = strip_figures(*make(seconds=20, shares={}))[0]
    assert [text.split(" ")[0] for text in legend(plain)] == ["N"]
    full = strip_figures(*make(irregular=[(5, 30)], unusable=[(40, 50)]))[0]
    words = legend(full)
    assert {"irregular rhythm", "unusable"} < set(words)
    assert [word[0] for word in words[:4]] == ["N", "S", "V", "F"]


def test_hatches_are_seen_in_svg_too():
    """Where a hatch has a face, SVG gives both the face's transparency."""
    svg = as_svg(strip_figures(*make(seconds=20, unusable=[(5, 8)]))[0], "strip")
    pattern = svg[svg.index("<pattern") : svg.index("</pattern>")]
    assert 'fill="none"' in pattern and "stroke: var(--muted)" in pattern
    assert re.search(r"fill: url\(#\w+\)", svg) and "fill-opacity" not in pattern


def test_unusable_beats_are_not_drawn():
    analysis, recording = make(unusable=[(20, 40)])
    axes = strip_figures(analysis, recording)[0].axes[0]
    inside = analysis.beats["time_s"].between(20, 40) & (analysis.beats["class"] == "V")
    drawn = len(marks_of(axes, "V"))
    assert inside.any()
    assert drawn == (analysis.beats["class"] == "V").sum() - inside.sum()


def test_unknown_beats_have_rings():
    analysis, recording = make(seconds=30)
    beats = analysis.beats.assign(unknown=np.arange(len(analysis.beats)) == 3)
    figure = strip_figures(dataclasses.replace(analysis, beats=beats), recording)[0]
    rings = [one for one in figure.axes[0].get_lines() if one.get_marker() == "o"]
    assert rings[0].get_xdata() == pytest.approx([beats["time_s"][3] % 10])
    assert "unknown (1)" in legend(figure)


def test_the_tachogram_is_broken_at_unusable_segments():
    analysis, _recording = make(unusable=[(20, 40)])
    axes = rhythm_figure(analysis).axes[0]
    times = np.concatenate([one.get_offsets()[:, 0] for one in axes.collections[2:]])
    assert ((times > 20) & (times < 40)).sum() == 0
    after = analysis.beats["time_s"][analysis.beats["time_s"] > 40].iloc[0]
    assert not np.isclose(times, after).any()  # its interval begins in the segment


def test_a_pause_is_inside_the_axes_and_a_missed_segment_is_not():
    analysis, _recording = make(seconds=300, shares={})
    rr_s = analysis.beats["rr_s"].to_numpy(copy=True)
    rr_s[100] = 60.0
    figure = rhythm_figure(dataclasses.replace(analysis, beats=analysis.beats.assign(rr_s=rr_s)))
    assert figure.axes[0].get_ylim()[1] < 5
    assert any("1 beyond the axes" in text for text in texts(figure))


def test_the_poincare_plot_pairs_neighbours():
    analysis, _recording = make(seconds=30, shares={})
    axes = next(one for one in rhythm_figure(analysis).axes if one.get_xlabel() == "RR in s")
    rr_s = analysis.beats["rr_s"].to_numpy()[1:]
    pairs = np.asarray(axes.collections[0].get_offsets())
    np.testing.assert_allclose(pairs, np.column_stack([rr_s[:-1], rr_s[1:]]))
    assert axes.get_xlim() == axes.get_ylim()


def test_events_have_lanes():
    analysis, _recording = make(
        irregular=[(10, 20)], episodes=[("pause", 3.0, 6.0, 2, "3 s"), ("pause", 9.0, 12.0, 2, "")]
    )
    written = texts(rhythm_figure(analysis))
    assert "irregular (1)" in written and "pause (2)" in written
    assert "no event" in texts(rhythm_figure(make(seconds=20)[0]))


def test_mean_beats_are_those_of_their_class():
    analysis, recording = make(seconds=120)
    figure = class_beats_figure(analysis, recording)
    counts = analysis.beats["class"].value_counts()
    titles = [axes.get_title("left") for axes in figure.axes if axes.get_title("left")]
    assert titles == [f"{name} ({counts[name]})" for name in "NSVF"]
    for axes, name in zip(figure.axes, "NSVF", strict=False):
        mean = line_of(axes, colour_of(name))
        times_ms = mean.get_xdata()
        own = analysis.beats["sample"][analysis.beats["class"] == name]
        heights = recording.signal_mv[own, 0]
        at_r = mean.get_ydata()[np.abs(times_ms).argmin()]
        assert np.sign(at_r) == np.sign(np.median(heights))
        assert abs(times_ms[np.abs(mean.get_ydata()).argmax()]) < 60 or name == "F"


def test_a_beat_ends_before_the_next_qrs():
    analysis, recording = make(seconds=60, shares={})
    axes = class_beats_figure(analysis, recording).axes[0]
    mean = line_of(axes, colour_of("N"))
    behind = mean.get_ydata()[mean.get_xdata() > 400]
    peak = np.abs(mean.get_ydata()).max()
    assert len(behind) == 0 or np.abs(behind).max() < 0.6 * peak


def test_the_closer_look_shows_most_classes():
    analysis, _recording = make(seconds=120, seed=3)
    start_s, end_s = best_window(analysis)
    assert end_s - start_s == pytest.approx(LENGTH_S)
    beats = analysis.beats

    def classes_in(first: float) -> int:
        inside = beats["time_s"].between(first + 0.45, first + LENGTH_S - 0.45)
        return beats["class"][inside].nunique()

    assert classes_in(start_s) == max(
        classes_in(min(t - 0.55, 120 - LENGTH_S)) for t in beats["time_s"]
    )
    assert best_window(analysis) == (start_s, end_s)


def test_the_closer_look_avoids_what_is_unusable_and_bad():
    analysis, _recording = make(seconds=60, shares={}, unusable=[(0, 25)])
    assert best_window(analysis)[0] >= 24.9
    beats = analysis.beats.assign(quality=np.where(analysis.beats["time_s"] > 42, 0.9, 0.2))
    assert best_window(dataclasses.replace(analysis, beats=beats))[0] >= 41


def test_the_closer_look_is_not_drawn_to_what_the_network_only_guesses():
    analysis, _recording = make(seconds=60, shares={})
    beats = analysis.beats
    late = beats["time_s"] > 45
    sure = beats.assign(**{"class": np.where(late, "V", "N")})
    assert best_window(dataclasses.replace(analysis, beats=sure))[1] > 45
    guessed = sure.assign(probability=np.where(late, 0.4, 0.9))
    assert best_window(dataclasses.replace(analysis, beats=guessed))[1] < 45


def test_the_closer_look_marks_every_wave():
    analysis, recording = make(seconds=9, shares={})
    axes = zoom_figure(analysis, recording).axes[0]
    dots = [one for one in axes.get_lines() if one.get_marker() == "o"]
    for line, wave in zip(dots, ("p", "qrs", "t"), strict=True):
        peaks = analysis.beats[f"{wave}_peak_s"].dropna()
        assert np.isin(np.round(line.get_xdata(), 6), np.round(peaks, 6)).all()
        assert len(line.get_xdata()) >= len(peaks) - 2


def test_absent_p_waves_are_not_drawn():
    analysis, recording = make(seconds=20)
    gone = {name: np.nan for name in ("p_onset_s", "p_peak_s", "p_end_s", "p_ms", "pr_ms")}
    figure = zoom_figure(analysis_of(recording, analysis.beats.assign(**gone)), recording)
    assert legend(figure) == ["QRS", "T wave"]


def inverted():
    analysis, recording = make(seconds=20)
    recording.signal_mv[:] *= -1
    return analysis, recording


def with_gap():
    analysis, recording = make(seconds=20, unusable=[(10, 15)])
    recording.signal_mv[3600:5400] = np.nan
    return analysis, recording


def with_one_beat():
    analysis, recording = make(seconds=10)
    return analysis_of(recording, analysis.beats.iloc[:1]), recording


def too_large():
    analysis, recording = make(seconds=10)
    recording.signal_mv[:] *= 1000
    return analysis, recording


CASES = {
    "no beats": without_beats,
    "nothing recorded": partial(without_beats, value=np.nan),
    "one sample": partial(without_beats, seconds=1 / 360),
    "all unusable": partial(make, seconds=20, unusable=[(0, 20)]),
    "one beat": with_one_beat,
    "a gap": with_gap,
}
MORE_CASES = {
    "2 s": partial(make, seconds=2),
    "inverted": inverted,
    "1000 times too large": too_large,
    "1000 Hz": partial(make, seconds=10, hz=1000),
    "100 Hz": partial(make, seconds=10, hz=100),
}


def draw_small(analysis, recording) -> dict[str, Figure]:
    figures = draw_all(analysis, recording)
    for figure in figures.values():
        figure.savefig(io.BytesIO(), format="png", dpi=20)
    return figures


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("error")
@pytest.mark.slow
def test_every_recording_can_be_drawn(name):
    analysis, recording = CASES[name]()
    figures = draw_small(analysis, recording)
    assert {"strip", "zoom"} <= set(figures)
    assert ("rhythm" in figures) == analysis.beats["usable"].any()


@pytest.mark.slow
@pytest.mark.parametrize("name", MORE_CASES)
@pytest.mark.filterwarnings("error")
def test_recordings_of_any_length_rate_and_gain_can_be_drawn(name):
    assert len(draw_small(*MORE_CASES[name]())) == 5


def test_drawing_leaves_the_recording_as_it_was():
    analysis, recording = make(seconds=20, unusable=[(5, 8)])
    signal, beats = recording.signal_mv.copy(), analysis.beats.copy()
    draw_all(analysis, recording)
    assert np.array_equal(recording.signal_mv, signal)
    pd.testing.assert_frame_equal(analysis.beats, beats)


@pytest.mark.slow
def test_a_day_is_drawn_in_seconds_and_stays_small():
    analysis, recording = make(seconds=86400, hz=120, shares={"S": 0.01, "V": 0.02})
    began = time.monotonic()
    figures = draw_all(analysis, recording)
    sizes = [len(as_svg(figure, name)) for name, figure in figures.items()]
    assert time.monotonic() - began < 60  # 11 s on one core
    assert sum(sizes) < 20e6
    assert [name for name in figures if "strip" in name] == [f"strip_{n}" for n in (1, 2, 3, 4)]


def patients(count: int = 4) -> pd.DataFrame:
    score = np.linspace(0.9, 0.1, count)
    return pd.DataFrame(
        {
            "record": [f"r{n}" for n in range(count)],
            "score": score,
            "flagged": score > 0.5,
            "reasons": "x",
            "duration_s": 1800.0,
            "beats": 2000,
            "heart_rate_bpm": 70.0,
            "s_share": 0.1,
            "v_share": 0.2,
            "ectopic_share": 0.35,
            "irregular_minutes": 3.0,
            "irregular_share": 0.1,
            "unknown_share": 0.01,
            "anomaly": 0.4,
            "pauses": 0,
            "ventricular_runs": 1,
            "quality": 0.9,
            "unusable_share": 0.0,
            "error": "",
        }
    )


def test_patients_are_ranked_and_their_ectopic_beats_stacked():
    figure = patients_figure(patients().iloc[::-1])
    score, ectopic = figure.axes[:2]
    assert [label.get_text() for label in score.get_yticklabels()] == ["r0", "r1", "r2", "r3"]
    weights = [label.get_fontweight() for label in score.get_yticklabels()]
    assert weights == ["bold", "bold", "normal", "normal"]
    widths = [bar.get_width() for bar in ectopic.patches]
    assert widths == pytest.approx([10] * 4 + [20] * 4 + [5] * 4)


@pytest.mark.slow
def test_recordings_that_failed_are_told_and_many_are_cut():
    table = patients(100)
    table.loc[99, ["score", "error"]] = [np.nan, "no such file"]
    figure = patients_figure(table)
    assert len(figure.axes[0].get_yticklabels()) == MOST_ROWS
    written = " ".join(texts(figure))
    assert "99 recordings" in written and "1 could not be analysed" in written
    patients_figure(table.iloc[99:]).draw_without_rendering()
