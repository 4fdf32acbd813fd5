"""WFDB files read channel by channel, and what is said of those that are damaged."""

from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecg.record import read_adc, read_annotations, read_comments, read_leads
from utils.errors import InputError

HZ = 250
ADC = np.random.default_rng(0).integers(-900, 900, (2000, 2))


@pytest.fixture
def path(tmp_path) -> Path:
    wfdb.wrsamp(
        "rec",
        HZ,
        ["mV", "uV"],
        ["II", "V5"],
        d_signal=ADC,
        fmt=["16", "16"],
        adc_gain=[200.0, 0.2],
        baseline=[10, -5],
        comments=["age: 50"],
        write_dir=str(tmp_path),
    )
    return tmp_path / "rec"


@pytest.mark.parametrize("channel", [0, 1])
def test_the_converters_integers(path, channel):
    signal = read_adc(path, channel)
    assert np.array_equal(signal.adc, ADC[:, channel])
    assert (signal.sampling_hz, signal.lead) == (HZ, ["II", "V5"][channel])


def test_leads_by_name_in_millivolts(path):
    leads = read_leads(path, ["v5", "ii"])
    assert leads.sampling_hz == HZ
    expected = np.stack([(ADC[:, 1] + 5) / 0.2 / 1000, (ADC[:, 0] - 10) / 200], axis=1)
    assert np.abs(leads.signal_mv - expected).max() < 1e-12


def test_a_lead_that_is_not_there(path):
    with pytest.raises(InputError, match="no lead V9; its leads: II, V5"):
        read_leads(path, ["V9"])


def test_a_lead_that_is_no_voltage(path):
    header = path.with_suffix(".hea")
    header.write_text(header.read_text().replace("/uV", "/mmHg"))
    with pytest.raises(InputError, match="'mmHg'; expected one of mV, uV, V"):
        read_leads(path, ["V5"])
    assert read_leads(path, ["II"]).signal_mv.shape == (2000, 1)


def test_comments_and_annotations(path):
    wfdb.wrann("rec", "atr", np.array([5, 90]), np.array(["N", "V"]), write_dir=str(path.parent))
    marks = read_annotations(path, "atr")
    assert marks.samples.tolist() == [5, 90] and marks.symbols.tolist() == ["N", "V"]
    assert read_comments(path) == ["age: 50"]
    with pytest.raises(InputError, match="rec.qrs is missing"):
        read_annotations(path, "qrs")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda whole: whole[:-2], "7,998 bytes where rec.hea promises 8,000"),
        (lambda whole: b"\x01" + whole[1:], "channel 0 does not match the checksum"),
        (lambda whole: None, "rec.dat is missing"),
    ],
)
def test_damage_is_told(path, content, message):
    file = path.with_suffix(".dat")
    changed = content(file.read_bytes())
    file.unlink()
    if changed is not None:
        file.write_bytes(changed)
    with pytest.raises(InputError, match=message):
        read_adc(path, 0)


def test_samples_of_a_frame_and_an_offset_count(path):
    """The file is as large as its header says also where a channel has several samples a frame."""
    header = path.with_suffix(".hea")
    text = (
        header.read_text().replace(" 16 200", " 16x3+100 200").replace(" 16 0.2", " 16x3+100 0.2")
    )
    header.write_text(text)
    with pytest.raises(InputError, match="promises 24,100"):
        read_adc(path, 0)
