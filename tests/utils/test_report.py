"""A report: its files agree, old ones go, the page is written last, figures come in panels."""

import json
import re

import pandas as pd
import pytest

from utils import report as kit
from utils.page import columns, heading, note, paragraph, table
from utils.picture import PHONE_INCHES, Picture
from utils.report import Report
from utils.style import new_figure


def stamps(panels: int = 2, width: float = 9, legend: bool = False):
    figure = new_figure(width, 3, "Stamps", "by <colour>")
    for axes in figure.subplots(1, panels, squeeze=False)[0]:
        axes.plot([0, 1], [1, 3], label="red")
    if legend:
        figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center")
    return figure


def a_report(**changes) -> Report:
    values = {
        "title": "Stamps",
        "lead": "Counted by hand.",
        "sections": [heading("Colours"), Picture("colours", stamps(), "Red ones lead.")],
        "made_by": "Made by hand.",
        "tables": {"colours.csv": pd.DataFrame({"colour": ["red"], "stamps": [3]})},
        "numbers": {"stamps.json": {"red": 3}},
    }
    return Report(**values | changes)


@pytest.mark.slow
def test_all_files_are_written_and_named_on_the_page(tmp_path):
    paths = a_report().write(tmp_path / "new" / "folder")
    assert [path.name for path in paths] == [
        "report.html",
        "stamps.json",
        "colours.png",
        "colours.csv",
    ]
    assert {path.name for path in paths[0].parent.iterdir()} == {path.name for path in paths}
    assert json.loads(paths[1].read_text()) == {"red": 3}
    assert "Made by hand. Beside this page: stamps.json, colours.png, colours.csv." in (
        paths[0].read_text()
    )


def test_the_page_is_written_last(tmp_path, monkeypatch):
    def full_disk(figure):
        raise OSError("no space left")

    monkeypatch.setattr(kit, "as_png", full_disk)
    with pytest.raises(OSError, match="no space"):
        a_report().write(tmp_path)
    assert not (tmp_path / "report.html").exists()


@pytest.mark.slow
def test_a_table_that_is_gone_takes_its_old_file_along(tmp_path):
    a_report().write(tmp_path)
    report = a_report(tables={"colours.csv": None})
    assert "colours.csv" not in report.html()
    report.write(tmp_path)
    assert not (tmp_path / "colours.csv").exists()


def test_pictures_may_stay_on_the_page_alone(tmp_path):
    paths = a_report(pngs=False).write(tmp_path)
    assert "colours.png" not in {path.name for path in paths}
    assert "<figure" in paths[0].read_text() and "colours.png" not in paths[0].read_text()


def test_a_title_is_text_and_not_a_part_of_the_drawing():
    html = Picture("colours", stamps(), "Red <ones> lead.").html()
    assert "<strong>Stamps</strong><br>by &lt;colour&gt;" in html
    assert "Red &lt;ones&gt; lead." in html
    figure = stamps()
    Picture("colours", figure).html()
    assert [text.get_visible() for text in figure.texts] == [True, True]  # the PNG has it


def test_each_panel_has_a_window_of_its_own():
    html = Picture("colours", stamps(panels=3, legend=True)).html()
    windows = re.findall(r'<svg viewBox="([^"]+)"><use href="#([^"]+)"/>', html)
    assert len(windows) == 3 + 1  # and the one entry of the legend
    lefts = [float(box.split()[0]) for box, _id in windows[1:]]
    assert lefts == sorted(lefts) and lefts[0] < lefts[-1]
    assert all(html.count(f'<g id="{target}">') == 1 for _box, target in windows)


def test_a_panel_drawn_over_another_shares_its_window():
    figure = stamps(panels=2)
    figure.axes[0].twinx().plot([0, 1], [5, 6])
    html = Picture("colours", figure).html()
    assert html.count("<svg") == 1 + 2 and html.count("<use href") == 3


def test_a_wide_figure_of_one_panel_is_drawn_again_for_a_phone():
    figure = stamps(panels=1)
    html = Picture("colours", figure).html()
    widths = [float(box.split()[2]) for box in re.findall(r'viewBox="([^"]+)"', html)]
    assert len(widths) == 2 and widths[1] < 72 * PHONE_INCHES + 10 < widths[0]
    assert tuple(figure.get_size_inches()) == (9, 3)
    assert Picture("colours", stamps(panels=1, width=5)).html().count("<svg") == 1


def test_a_figure_of_several_panels_may_be_drawn_again_as_a_whole():
    html = Picture("colours", stamps(panels=2), stack="narrow").html()
    assert html.count("<svg") == 2 and "<use href" not in html


def test_a_figure_may_stay_whole():
    html = Picture("colours", stamps(), stack="none").html()
    assert html.count("<svg") == 1 and '<figure class="whole">' in html


def test_columns_of_panels_stay_together():
    figure = new_figure(9, 5, "Stamps")
    for axes in figure.subplots(2, 3).ravel():
        axes.plot([0, 1])
    html = Picture("colours", figure, stack="columns").html()
    assert html.count("<svg") == 1 + 3 and html.count("<use href") == 6


def test_long_words_of_a_table_wrap_and_tables_scroll_in_themselves():
    html = table(["colour", "stamps"], [["red", 3], ["r" * 40, 4]])
    assert html.startswith('<div class="scroll"><table>')
    assert '<td class="text">red</td>' in html and '<td class="text long">rrr' in html


def test_parts_escape_what_they_are_given():
    html = "".join([paragraph("<a>", strong=True), note("<b>"), *columns([heading("<c>")])])
    for letter in "abc":
        assert f"&lt;{letter}&gt;" in html
