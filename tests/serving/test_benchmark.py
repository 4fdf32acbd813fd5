"""The benchmarks of the service run and measure."""

import re

import pytest

from tests.test_benchmarks import printed


@pytest.mark.slow
def test_it_measures_both_services(tmp_path):
    lines = printed("service", "--beats", "2000", "--requests", "20", folder=tmp_path)
    text = "\n".join(lines)
    assert "2,000 beats" in text and "/page/analyse" in text and "largest memory" in text
    ratio = float(re.search(r"answers ([\d.]+) times as many", text).group(1))
    assert ratio > 2


@pytest.mark.slow
def test_it_measures_replacements(tmp_path):
    text = "\n".join(printed("service_replacement", "--replacements", "2", folder=tmp_path))
    assert re.search(r"the new weights answered after [\d.]+ s, .*; no request failed", text)
    longest = float(re.search(r"during 2 .* the longest .* ([\d.]+) ms", text).group(1))
    assert longest < 1000  # a busy machine; without `gc.freeze` it takes a third of a second alone
