"""The pages of a recording and of a database: what stands on them, and that nothing is fetched."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from ecg.episodes import episodes as find_episodes
from recordings import database_page, page
from recordings.pictures import draw_all
from recordings.wording import duration, number, percent
from tests.recordings.examples import make, without_beats
from tests.recordings.test_pictures import patients


@pytest.fixture(scope="module")
def example():
    return make(
        seconds=60,
        irregular=[(5, 25)],
        unusable=[(40, 45)],
        episodes=[("pause", 3.0, 6.0, 2, "3.0 s"), ("bradycardia", 10.0, 40.0, 20, "40 a minute")],
        notes=("The header promises more than there is.",),
    )


def build(analysis, recording, **figures) -> str:
    return page.build(analysis, recording, figures).html()


def database_html(name: str, table: pd.DataFrame, linked: bool = False) -> str:
    return database_page.build(name, table, linked=linked).html()


def shown(html: str) -> str:
    """The words of a page, without style sheet and tags."""
    return re.sub(r"<[^>]+>", " ", re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL))


def test_the_page_says_what_must_be_known_first(example):
    analysis, recording = example
    words = shown(build(analysis, dataclasses.replace(recording, notes=("Units were guessed.",))))
    facts = analysis.summary
    for text in (
        "Recording made",
        "1 min",
        "leads II, V5; measured in II",
        "40 years old",
        f"{facts['heart_rate_bpm']['mean']:.0f} a minute",
        "0.3 min",
        "bradycardia 1",
        "Research software, not a medical device",
        "checkpoint",
        "cnn.json",
    ):
        assert text in words
    first = [
        words.index(note) for note in ("Units were", "The header promises", "no cardiologist")
    ]
    assert first == sorted(first) and first[-1] < words.index("At a glance")


def test_classes_and_intervals_are_counted(example):
    words = " ".join(shown(build(*example)).split())
    beats = example[0].beats[example[0].beats["usable"]]
    for name, count in beats["class"].value_counts().items():
        assert re.search(rf"\b{name} [a-z ]+ {count} ", words), name
    pr = beats["pr_ms"].dropna()
    assert f"PR: P onset to QRS onset {pr.median():.0f} ms" in words
    assert "Q paced" not in words  # none occurs


@pytest.mark.slow
def test_a_page_fetches_nothing_and_runs_nothing(example):
    html = page.build(*example, draw_all(*example)).html()
    assert "<script" not in html
    links = re.findall(r'(?:src|href)="([^"]+)"', html)
    assert all(link.startswith(("#", "data:")) for link in links)
    assert not re.findall(r"url\((?!#)", html)
    assert len(html) < 5e6
    identities = re.findall(r'\bid="([^"]+)"', html)
    assert len(identities) > 10


def test_text_from_files_is_escaped(example):
    analysis, recording = example
    evil = "<script>alert(1)</script>"
    analysis = dataclasses.replace(analysis, name=evil, notes=(evil,), provenance={"x": evil})
    html = build(analysis, dataclasses.replace(recording, subject=evil))
    assert evil not in html
    table = patients(2)
    table["record"], table["reasons"] = evil, evil
    table.loc[1, ["score", "error"]] = [np.nan, evil]
    assert evil not in database_html(evil, table, linked=True)


def test_a_recording_without_beats_has_a_page():
    for value in (0.0, np.nan):
        analysis, recording = without_beats(value=value)
        words = shown(build(analysis, recording))
        assert "No usable heartbeat was found" in words
        assert "Beats by class" not in words and "nan" not in words


def test_absent_waves_have_no_row(example):
    analysis, recording = example
    summary = analysis.summary | {"intervals": {"p_ms": None, "pr_ms": None, "qrs_ms": None}}
    words = shown(build(dataclasses.replace(analysis, summary=summary), recording))
    assert "PR: P onset" not in words and "Intervals" not in words


def test_grave_and_long_episodes_come_first_and_many_are_cut(example):
    rows = [("bigeminy", 100.0 * n, 100.0 * n + 60, 80, "") for n in range(3)]
    rows += [("pause", 10.0 * n, 10.0 * n + 3 + n / 10, 2, "") for n in range(50)]
    episodes = pd.DataFrame(rows, columns=["kind", "start_s", "end_s", "beats", "detail"])
    html = "".join(page.episodes(dataclasses.replace(example[0], episodes=episodes)))
    kinds = re.findall(r'<td class="text">(pause|bigeminy)</td>', html)
    assert kinds == ["pause"] * page.MOST_OF_A_KIND + ["bigeminy"] * 3
    lengths = [float(text) for text in re.findall(r"<td>([\d.]+) s</td>", html)]
    assert lengths[0] == 7.9 and lengths == sorted(lengths, reverse=True)
    assert f"{50 - page.MOST_OF_A_KIND} of pause" in html


def test_runs_of_ventricular_beats_come_before_all_others():
    classes = np.array(list("NNNNNNNNNNVVVVNNNNNNNNNN"))
    found = find_episodes(0.8 * np.arange(len(classes)), classes=classes)
    assert [episode.kind for episode in found] == [page.GRAVE[0]]


def test_segments_and_clusters_have_tables(example):
    words = " ".join(
        shown(
            "".join(
                page.irregular(example[0])
                + page.unusable_segments(example[0])
                + page.clusters(example[0])
            )
        ).split()
    )
    assert "0:00:05 0:00:25 20 s" in words
    assert "noise 0:00:40 0:00:45 5 s" in words
    beats = example[0].beats[example[0].beats["usable"]]
    largest = beats["cluster_class"].value_counts()
    assert f"0 N N {largest['N']:,} {largest['N']:,}" in words


def test_long_strips_share_a_title(example):
    names = ["strip_1", "strip_2", "zoom"]
    html = build(*example, **{name: Figure(figsize=(12, 1)) for name in names})
    assert html.count("<h2>The whole recording</h2>") == 1
    assert html.count("<figure") == 3


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (2.04, "2 s"),
        (59.96, "1 min"),
        (1805.6, "30 min 6 s"),
        (3600, "1 h"),
        (86400, "24 h"),
        (3661, "1 h 1 min"),
    ],
)
def test_lengths_of_time_in_words(seconds, words):
    assert duration(seconds) == words


def test_what_is_not_known_is_a_dash():
    assert percent(None) == number(np.nan, ".1f") == "–"
    assert percent(0) == "0 %" and percent(0.0001) == "0.01 %" and percent(1) == "100.0 %"


@pytest.mark.slow
def test_the_database_page_ranks_tells_reasons_and_failures():
    table = patients(4)
    table["reasons"] = ["31.0% ectopic beats; 2 pauses", "3.0 min of irregular rhythm", "", ""]
    table.loc[3, ["score", "error"]] = [np.nan, "r3.dat is missing"]
    html = database_html("mitdb", table, linked=True)
    words = shown(html)
    for text in (
        "3 recordings",
        "2 flagged",
        "1 recording could not",
        "r3.dat is missing",
        "31.0% ectopic beats; 2 pauses",
        "35.0 %",
    ):
        assert text in words
    assert re.findall(r'<li><a [^>]*href="([^"]+)"', html) == ["r0/report.html", "r1/report.html"]
    assert 'href="r' not in database_html("mitdb", table, linked=False)


def test_a_database_of_nothing_has_a_page():
    table = patients(1)
    table.loc[0, ["score", "error"]] = [np.nan, "broken"]
    words = shown(database_html("x", table))
    assert "No recording is flagged" in words and "nan" not in words
