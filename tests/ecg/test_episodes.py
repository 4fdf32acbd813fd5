"""Episodes that were put there, and no others."""

import numpy as np
import pytest

from ecg.episodes import EpisodeSettings, episodes
from tests.ecg.rhythms import joined
from utils.errors import InputError


def steady(beats, rr_s=0.8):
    return np.arange(beats) * rr_s


def kinds(found):
    return [episode.kind for episode in found]


def of_classes(text, **given):
    return episodes(steady(len(text)), classes=np.array(list(text)), **given)


def test_a_pause_is_found_with_its_length():
    times_s = joined(steady(20), steady(20), pause_s=3.1)
    [pause] = episodes(times_s)
    assert (pause.kind, pause.beats, pause.detail) == ("pause", 2, "3.1 s without a beat")
    assert (pause.start_s, pause.end_s) == (times_s[19], times_s[20])


def test_a_gap_is_no_pause_and_parts_what_it_is_in():
    times_s = joined(steady(20), steady(20), pause_s=9)
    assert episodes(times_s, gaps=[(times_s[19] + 0.5, times_s[20] - 0.5)]) == []
    fast_s = joined(steady(6, 0.4), steady(6, 0.4), pause_s=0.4)
    assert kinds(episodes(fast_s)) == ["tachycardia"]
    assert episodes(fast_s, gaps=[(fast_s[5] + 0.1, fast_s[5] + 0.2)]) == []


@pytest.mark.parametrize("rr_s, kind", [(0.4, "tachycardia"), (1.5, "bradycardia")])
def test_fast_and_slow_stretches(rr_s, kind):
    times_s = joined(steady(30), steady(20, rr_s), steady(30))
    [found] = episodes(times_s)
    assert found.kind == kind and f"{60 / rr_s:.0f} per minute" in found.detail
    assert abs(found.start_s - times_s[30]) < 3 and abs(found.end_s - times_s[49]) < 3
    assert abs(found.beats - 20) <= 2


def test_one_premature_beat_does_not_end_an_episode():
    times_s = steady(40, 0.4)
    times_s[20] -= 0.15
    assert kinds(episodes(times_s)) == ["tachycardia"]
    late_s = steady(40, 0.8)
    late_s[20] -= 0.3
    assert episodes(late_s) == []


def test_a_few_fast_beats_are_no_tachycardia():
    assert episodes(joined(steady(20), steady(4, 0.4), steady(20))) == []


def test_bigeminy_and_trigeminy():
    [found] = of_classes("NNNNVNVNVNVNNNN")
    assert (found.kind, found.beats, found.start_s) == ("bigeminy", 7, 4 * 0.8)
    [found] = of_classes("NNNVNNVNNVNNNN")
    assert (found.kind, found.beats) == ("trigeminy", 7)
    assert of_classes("NNNVNVNNNNN") == []


@pytest.mark.parametrize("letter", "VS")
def test_couplets_and_runs(letter):
    found = of_classes(f"NNN{letter * 2}NNN{letter * 5}NNN")
    assert kinds(found) == [f"{letter} couplet", f"{letter} run"]
    assert [episode.beats for episode in found] == [2, 5]
    assert "75 per minute" in found[1].detail


def test_a_gap_parts_patterns_and_runs():
    text = "NNVVVNNVNVNVNN"
    assert kinds(of_classes(text)) == ["V run", "bigeminy"]
    assert kinds(of_classes(text, gaps=[(3 * 0.8 + 0.1, 3 * 0.8 + 0.2)])) == [
        "V couplet",
        "bigeminy",
    ]
    assert kinds(of_classes(text, gaps=[(9 * 0.8 + 0.1, 9 * 0.8 + 0.2)])) == ["V run"]


def test_without_classes_there_are_neither_patterns_nor_runs():
    assert episodes(steady(30)) == []


@pytest.mark.parametrize("beats", [0, 1, 2])
def test_few_beats(beats):
    assert episodes(steady(beats), classes=np.full(beats, "N")) == []


def test_in_order_of_time():
    times_s = joined(steady(20), steady(20), steady(30, 0.4), steady(20), pause_s=2.5)
    found = episodes(times_s, classes=np.array(list("N" * 5 + "VV" + "N" * 83)))
    assert [e.start_s for e in found] == sorted(e.start_s for e in found)
    assert {"pause", "tachycardia", "V couplet"} <= set(kinds(found))


def test_what_cannot_be():
    with pytest.raises(InputError, match="'X' for beat 1"):
        of_classes("NXN")
    with pytest.raises(InputError, match="classes for each of 3 beats"):
        episodes(steady(3), classes=np.array(["N"]))
    with pytest.raises(InputError, match="ascending"):
        episodes(np.array([2.0, 1.0]))
    with pytest.raises(InputError, match="slow_bpm"):
        EpisodeSettings(slow_bpm=120)
    with pytest.raises(InputError, match="pause_s"):
        EpisodeSettings(pause_s=0)
