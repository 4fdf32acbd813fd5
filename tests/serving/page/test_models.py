"""The choice of a model: which one is asked, and that the results name it."""

import pytest

from tests.serving.page.opened_page import WAIT_MS

pytestmark = pytest.mark.slow


def test_results_name_the_model_that_was_chosen(opened, example):
    page = opened.page
    titles = [option.inner_text() for option in page.locator("#model option").all()]
    assert len(set(titles)) == len(titles)
    assert titles[0] == "Automatic: Light CNN for beats"
    assert "Light CNN, Kaggle's split, 154 k parameters" in titles
    assert "CNN, Kaggle's split, 269 k parameters" in titles
    opened.upload("beats.csv", example)
    opened.wait_for_results()
    assert "By mitbih-kaggle-light/cnn in" in page.inner_text("#results-sentence")
    page.select_option("#model", "mitbih-patients/cnn")
    assert "Scored on people that it was not trained on" in page.inner_text("#model-words")
    opened.upload("again.csv", example)
    page.wait_for_selector("#results-title:has-text('again.csv')", timeout=WAIT_MS)
    assert "By mitbih-patients/cnn in" in page.inner_text("#results-sentence")


def test_a_recording_names_the_classifier_that_the_service_took(opened):
    page = opened.page
    page.click("#try-recording")
    opened.wait_for_results()
    assert "By mitbih-kaggle/cnn in" in page.inner_text("#results-sentence")
    page.select_option("#model", "mitbih-kaggle-light/cnn")
    page.click("#try-recording")
    named = "#results-sentence:has-text('By mitbih-kaggle-light/cnn in')"
    page.wait_for_selector(named, timeout=WAIT_MS)  # the old results stay until then


@pytest.mark.parametrize("wanted, there", [("mitbih-kaggle/rnn", True), ("<b>none</b>", False)])
def test_a_link_names_a_model(opened, wanted, there):
    page = opened.page
    page.goto(f"{opened.address}/?model={wanted}")
    page.wait_for_selector("#model option", state="attached", timeout=WAIT_MS)
    if there:
        page.wait_for_selector("#trained-on:has-text('mitbih-kaggle/rnn')")
    else:
        assert f"There is no model {wanted} here" in opened.wait_for_error()
    assert page.input_value("#model") == (wanted if there else "")
