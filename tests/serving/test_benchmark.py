"""The benchmark of the service runs and measures both services."""

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
