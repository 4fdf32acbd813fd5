"""The figures of a recording's first page."""

import numpy as np
import pandas as pd
import pytest

from recordings.summary import summarise

NONE = pd.DataFrame({"start_s": [], "end_s": []})
NO_EPISODES = pd.DataFrame({"kind": []})


def table(classes="NNNNNNNNNN", rr_s=1.0):
    beats = len(classes)
    return pd.DataFrame(
        {
            "rr_s": [np.nan, *[rr_s] * (beats - 1)],
            "class": list(classes),
            "usable": True,
            "unknown": False,
            "quality": 0.9,
            "anomaly": 0.1,
            **{name: 100.0 for name in ("p_ms", "pr_ms", "qrs_ms", "qt_ms", "qtc_ms")},
        }
    )


def segments(*ends):
    return pd.DataFrame(ends, columns=["start_s", "end_s"])


def test_beats_are_counted_by_class():
    found = summarise(10, table("NNNNVNNSNN"), NONE, NO_EPISODES, NONE)
    assert found["classes"] == {"N": 8, "S": 1, "V": 1, "F": 0, "Q": 0}
    assert found["ectopic_share"] == 0.2
    assert found["heart_rate_bpm"] == {"min": 60, "mean": 60, "max": 60}


def test_unusable_beats_count_in_nothing_but_the_number_of_beats():
    beats = table("NNNNNVVVVV")
    beats["usable"] = beats["class"] == "N"
    found = summarise(10, beats, NONE, NO_EPISODES, NONE)
    assert found["beats"] == 10 and found["usable_beats"] == 5
    assert found["ectopic_share"] == 0


def test_overlapping_segments_count_once():
    found = summarise(
        600, table(), segments((0, 60), (30, 90), (200, 230)), NO_EPISODES, segments((300, 600))
    )
    assert found["irregular_minutes"] == 2.0
    assert found["irregular_share"] == pytest.approx(120 / 300)
    assert found["unusable_share"] == 0.5


def test_where_nothing_was_measured_there_is_no_figure():
    found = summarise(10, table()[:0], NONE, NO_EPISODES, segments((0, 10)))
    assert found["heart_rate_bpm"] is None and found["ectopic_share"] is None
    assert found["quality"] is None and found["irregular_share"] is None
    assert set(found["intervals"].values()) == {None}


def test_absent_waves_do_not_count():
    beats = table()
    beats.loc[:6, "p_ms"] = np.nan
    found = summarise(10, beats, NONE, NO_EPISODES, NONE)
    assert found["intervals"]["p_ms"] == {"median": 100, "low": 100, "high": 100, "beats": 3}
