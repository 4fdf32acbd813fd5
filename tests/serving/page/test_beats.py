"""Beats on the page: what is shown, chosen, opened and downloaded is what the API says."""

import numpy as np
import pytest

from heartbeats import mitdb, synthetic
from heartbeats.cutting import cut_beats
from tests.serving.page.opened_page import assert_same, predictions, table_of
from utils.paths import data_folder

pytestmark = pytest.mark.slow


def test_the_example_is_predicted_as_by_the_api(opened, example):
    opened.page.click("#try-beats")
    opened.wait_for_results()
    rows = table_of(opened.downloaded("Download all as CSV"))
    predicted = predictions(opened.address, example)
    assert_same(rows, predicted)
    assert [row["true"] for row in rows] == ["NSVFQ"[one["true_label"]] for one in predicted]
    assert f"{len(rows)} beats:" in opened.page.inner_text("#results-sentence")
    assert "Research software, not a medical device" in opened.page.inner_text("header")
    assert opened.page.query_selector("table.confusion")


def test_filters_and_sorting_choose_and_order_the_beats(opened, example):
    opened.upload("beats.csv", example)
    opened.wait_for_results()
    page = opened.page
    predicted = predictions(opened.address, example)
    counts = {name: sum(one["class"] == name for one in predicted) for name in "NSVFQ"}
    kept = max(counts, key=lambda name: (name != "N", counts[name]))
    page.locator(".filters .toggle", has_text=f"{kept} {counts[kept]}").first.click()
    assert f"of {counts[kept]} beat" in opened.shown()
    assert set(opened.column("class")[::2]) == {kept}
    page.click("th.probability button")
    shown = [float(text) for text in opened.column("probability")]
    assert shown == sorted(shown)
    page.click("th.probability button")
    assert [float(text) for text in opened.column("probability")][:9] == sorted(
        (round(one["probability"], 3) for one in predicted if one["class"] == kept), reverse=True
    )[:9]
    rows = table_of(opened.downloaded("Download those shown"))
    assert len(rows) == counts[kept] and {row["predicted"] for row in rows} == {kept}
    page.get_by_role("button", name="Show all").click()
    page.get_by_label("Greatest probability").fill("70")
    unsure = sum(one["probability"] <= 0.7 for one in predicted)
    assert opened.shown().startswith("0 of" if not unsure else "1–")
    assert len(opened.column("shape")) == min(50, max(unsure, 0))


def test_a_beat_is_opened_and_left_by_keyboard(opened):
    opened.page.click("#try-beats")
    opened.wait_for_results()
    page = opened.page
    page.focus("table.beats tbody tr:first-child button")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.inner_text("#beat-title").startswith("Row 3 ")
    assert page.locator(".probabilities li").count() == 5
    assert "nearest typical beat" in page.inner_text("#beat")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#beat-title").startswith("Row 4 ")
    page.keyboard.press("Escape")
    assert not page.is_visible("#beat")
    opened.wait_for_focus_on("4")
    page.keyboard.press("End")
    opened.wait_for_focus_on(opened.shown().split(" of ")[1].split()[0])


@pytest.mark.real_data
@pytest.mark.skipif(mitdb.find_folder(data_folder()) is None, reason="no MIT-BIH records")
def test_real_beats_get_the_same_from_page_and_api(opened):
    recording = mitdb.read_recording(mitdb.find_folder(data_folder()) / "208")
    wanted = recording.labels >= 0
    signals, _kept = cut_beats(recording.adc, recording.onsets, wanted, step=3)
    text = "\n".join(",".join(f"{value:.6g}" for value in beat) for beat in signals[:300])
    opened.upload("208.csv", text.encode())
    opened.wait_for_results()
    predicted = predictions(opened.address, text.encode())
    assert_same(table_of(opened.downloaded("Download all as CSV")), predicted)
    assert len({one["class"] for one in predicted}) >= 3


def test_a_file_that_is_dropped_is_taken(opened):
    beats = synthetic.load(beats=400, patients=4)
    text = "\n".join(",".join(f"{value:.4f}" for value in beat) for beat in beats.signals[:20])
    opened.page.evaluate(
        """text => {
          const held = new DataTransfer();
          held.items.add(new File([text], "dropped.csv"));
          document.getElementById("drop").dispatchEvent(
            new DragEvent("drop", { dataTransfer: held, bubbles: true, cancelable: true }));
        }""",
        text,
    )
    opened.wait_for_results()
    assert opened.page.inner_text("#results-title") == "dropped.csv"
    assert opened.shown() == "1–20 of 20 beats"


def test_an_anomaly_detector_tells_what_is_unlike_normal_beats(opened):
    page = opened.page
    page.select_option("#model", "ecg5000-ucr/lstm_autoencoder")
    clock_s = np.linspace(0, 1, 140)
    beats = [np.round(0.5 + 0.5 * np.sin(waves * clock_s), 4) for waves in range(3, 23)]
    text = "\n".join(",".join(map(str, beat)) for beat in beats)
    opened.upload("waves.csv", text.encode())
    opened.wait_for_results()
    rows = table_of(opened.downloaded("Download all as CSV"))
    assert len(rows) == len(beats) and {row["predicted"] for row in rows} <= {
        "normal",
        "anomalous",
    }
    page.locator("thead button", has_text="Anomaly score").click()
    page.focus("table.beats tbody tr:first-child button")
    page.keyboard.press("Enter")
    highest = max(float(row["anomaly_score"]) for row in rows)
    assert f"Anomaly score {highest:.3f}" in page.inner_text("#beat")
    assert "threshold" in page.inner_text("#beat")
