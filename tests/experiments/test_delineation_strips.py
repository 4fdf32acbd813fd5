"""What recordings say of the waves of their beats."""

from types import SimpleNamespace

import numpy as np
import pytest

from ecg.files.ludb import MarkedLead
from experiments.delineation import strips
from experiments.delineation.strips import ABSENT, PRESENT, QRS, UNKNOWN, P, T


@pytest.fixture
def strip(monkeypatch):
    """Three complexes; the middle one has no P wave, and nobody looked at the ends."""
    lead = MarkedLead(
        signal_mv=np.zeros(2000),
        p=np.array([[1380, 1400, 1425]]),
        qrs=np.array([[480, 500, 520], [980, 1000, 1020], [1480, 1500, -1]]),
        t=np.array([[600, 650, 700], [1100, 1150, 1200]]),
    )
    monkeypatch.setattr(strips, "r_peaks", lambda *_: np.array([505, 1001, 1498, 1900]))
    return strips._of_lead(lead)


def test_waves_belong_to_the_beat_they_surround(strip):
    assert strip.marks[2, P].tolist() == [1380, 1400, 1425]
    assert strip.marks[1, QRS].tolist() == [980, 1000, 1020]
    assert strip.marks[0, T].tolist() == [600, 650, 700]
    assert np.isnan(strip.marks[2, QRS]).tolist() == [False, False, True]


def test_where_nobody_looked_nothing_is_known(strip):
    assert strip.presence[:, P].tolist() == [UNKNOWN, ABSENT, PRESENT, UNKNOWN]
    assert strip.presence[:, QRS].tolist() == [PRESENT, PRESENT, PRESENT, UNKNOWN]
    assert strip.presence[:, T].tolist() == [PRESENT, PRESENT, UNKNOWN, UNKNOWN]


def test_rhythm_and_symbols_tell_of_p_waves():
    marks = SimpleNamespace(
        symbol=list("+NV+N~N"),
        aux_note=["(N\0", "", "", "(AFIB\0", "", "", ""],
        sample=np.arange(7) * 100,
    )
    samples, presence = strips._presence_of_mitdb(marks, True)
    assert samples.tolist() == [100, 200, 400, 600]
    assert presence[:, P].tolist() == [PRESENT, ABSENT, ABSENT, ABSENT]
    _samples, elsewhere = strips._presence_of_mitdb(marks, False)
    assert elsewhere[:, P].tolist() == [UNKNOWN, ABSENT, ABSENT, ABSENT]
    assert (presence[:, T] == UNKNOWN).all()
