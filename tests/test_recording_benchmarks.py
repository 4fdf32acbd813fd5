"""The benchmarks on real recordings run, and what they print meets the README's claims."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import delineation, irregular_rhythm, r_peaks
from heartbeats import mitdb
from utils.paths import data_folder

ROOT = Path(__file__).parent.parent
pytestmark = [
    pytest.mark.slow,
    pytest.mark.real_data,
    pytest.mark.skipif(mitdb.find_folder(data_folder()) is None, reason="no MIT-BIH records"),
]


def numbers(line: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", line)]


def test_r_peaks_of_all_records(capsys):
    assert r_peaks.main(["--no-noise", "--without", "XQRS", "NeuroKit2"]) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if "ours       all" in line)
    beats, sensitivity, ppv = (float(word.replace(",", "")) for word in row.split()[3:6])
    f1_at_50_ms, offset_ms = (float(word) for word in row.split()[8:10])
    assert beats == 109_494
    assert sensitivity >= 99.7 and ppv >= 99.7 and f1_at_50_ms >= 98.5 and offset_ms <= 8


def test_irregular_rhythm_of_ds2(capsys):
    assert irregular_rhythm.main(["--no-measures", "--rows", "1", "--detected-only"]) == 0
    found = capsys.readouterr().out
    row = next(
        line for line in found.splitlines() if line.startswith("DS2, as shipped: intervals and")
    )
    sensitivity, specificity = numbers(row.split(":")[1])[:2]
    assert sensitivity >= 97 and specificity >= 92


@pytest.mark.skipif(not (data_folder() / "ludb").is_dir(), reason="no LUDB")
def test_wave_marks_of_some_records(capsys):
    assert delineation.main(["--records", "2,4,6", "--without-neurokit"]) == 0
    out = capsys.readouterr().out
    row = next(line for line in out.splitlines() if "QRS onset" in line)
    assert numbers(row)[1] >= 99  # sensitivity, lead II


def test_an_hour_takes_seconds_and_little_memory():
    # As a command of its own: a process begins with the largest memory of the one that started it.
    command = [sys.executable, "-m", "benchmarks.day_long", "--hours", "1"]
    done = subprocess.run(
        [*command, "--without", "XQRS", "NeuroKit2"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    row = next(line for line in done.stdout.splitlines() if line.startswith("ours"))
    assert numbers(row)[-2] < 1000  # MB
