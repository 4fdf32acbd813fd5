"""Which recordings stand out, and the reasons given."""

import pandas as pd

from recordings import patients


def summary(name="a", **changes):
    calm = {
        "name": name,
        "duration_s": 1800.0,
        "beats": 2000,
        "usable_beats": 2000,
        "heart_rate_bpm": {"min": 60, "mean": 70, "max": 90},
        "classes": {"N": 2000, "S": 0, "V": 0, "F": 0, "Q": 0},
        "ectopic_share": 0.0,
        "unknown_beats": 0,
        "irregular_minutes": 0.0,
        "irregular_share": 0.0,
        "unusable_share": 0.0,
        "quality": 0.9,
        "anomaly": 0.1,
        "episodes": {},
    }
    return calm | changes


def test_a_calm_recording_does_not_stand_out():
    row = patients.row(summary())
    assert row["score"] == 0 and not row["flagged"] and row["reasons"] == ""


def test_reasons_say_what_was_found_worst_first():
    row = patients.row(summary(ectopic_share=0.02, irregular_minutes=29.0, episodes={"pause": 1}))
    assert row["flagged"]
    assert row["reasons"] == "29.0 min of irregular rhythm; 2.0% ectopic beats; 1 pause"


def test_more_of_anything_never_scores_less():
    for reason in patients.REASONS:
        values = [0, reason.flagged_from / 2, reason.flagged_from, reason.full_from, 1e6]
        severities = [reason.severity(value) for value in values]
        assert severities == sorted(severities)
        assert severities[0] == 0 and severities[2] == 0.5 and severities[-1] == 1


def test_below_every_threshold_nothing_is_flagged():
    just = {reason.column: 0.99 * reason.flagged_from for reason in patients.REASONS}
    found = patients.judge(just | {"unusable_share": 0, "beats": 100})
    assert not found["flagged"] and found["score"] > 0


def test_a_recording_without_beats_is_flagged_not_scored():
    row = patients.row(
        summary(
            beats=0,
            usable_beats=0,
            heart_rate_bpm=None,
            ectopic_share=None,
            quality=None,
            irregular_share=None,
            unusable_share=1.0,
            anomaly=None,
        )
    )
    assert row["flagged"] and row["score"] == 0
    assert "no heartbeat" in row["reasons"] and "100%" in row["reasons"]


def test_the_table_puts_the_worst_first_and_failures_last():
    rows = [
        patients.row(summary("calm")),
        patients.failed("broken", "cut short"),
        patients.row(summary("ill", ectopic_share=0.3)),
    ]
    table = patients.table(rows)
    assert table["record"].tolist() == ["ill", "calm", "broken"]
    assert table["rank"].tolist() == [1, 2, 3]
    assert tuple(table.columns) == patients.COLUMNS
    assert isinstance(table, pd.DataFrame) and table["error"].tolist() == ["", "", "cut short"]
