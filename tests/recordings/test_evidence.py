"""What timing and shape say, on invented and on real recordings."""

import numpy as np
import pytest

from experiments.recorded_beats import annotated_beats
from heartbeats import mitdb
from recordings.kinds import evidence
from recordings.kinds.beat_timing import TIMING
from recordings.kinds.evidence import SHAPE, differences
from tests.recordings.invented_recording import WIDE, invented, mixed_kinds
from utils.paths import data_folder

N, S, V = range(3)


@pytest.fixture(scope="module")
def seen():
    recording = invented(mixed_kinds())
    view = evidence.view(recording.signal_mv, recording.sampling_hz, recording.r_peaks)
    return recording, view


def test_columns_come_by_name(seen):
    view = seen[1]
    table = view.columns(("qrs_width", "rr_to_mean"))
    assert np.array_equal(table[:, 0], view.shape[:, SHAPE.index("qrs_width")])
    assert np.array_equal(table[:, 1], view.timing[:, TIMING.index("rr_to_mean")])


def test_wide_beats_differ_from_the_usual_shape(seen):
    recording, view = seen
    wide = recording.kinds == WIDE
    likeness, width = view.columns(("qrs_likeness", "qrs_width")).T
    inner = np.arange(len(wide)) > 0  # the filter has not settled at the first beat
    assert likeness[wide].max() < likeness[~wide & inner].min()
    assert width[wide].min() > np.quantile(width[~wide], 0.98)


def test_a_template_does_not_differ_from_itself(seen):
    view = seen[1]
    template = view.clusters.templates[0]
    alone = type(view.windows)(view.windows.times_s, template[None, :], np.ones(1, bool))
    row = dict(zip(SHAPE, differences(alone, template)[0], strict=True))
    for name, value in row.items():
        assert value == pytest.approx(1 if name.endswith("likeness") else 0, abs=1e-5), name


def test_evidence_is_drawn_towards_the_mean_of_the_cluster(seen):
    clusters = seen[1].clusters
    raw = evidence.Evidence(*np.random.default_rng(0).normal(size=(2, len(clusters.labels))))
    as_they_are, all_alike = (evidence.shrunk(clusters, raw, share, share) for share in (0, 1))
    assert np.array_equal(as_they_are.ventricular, raw.ventricular)
    for one in range(clusters.count):
        assert np.ptp(all_alike.supraventricular[clusters.labels == one]) < 1e-12


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.skipif(mitdb.find_folder(data_folder()) is None, reason="no MIT-BIH records here")
@pytest.mark.parametrize(("record", "label", "least_f1"), [("221", V, 0.95), ("100", S, 0.9)])
def test_records_of_ds2(record, label, least_f1):
    made = annotated_beats.read(annotated_beats.folder() / record)
    view = evidence.view(made.signal_mv, made.sampling_hz, made.found)
    said, true = evidence.classes(evidence.of_view(view)) == label, made.found_labels == label
    assert 2 * (said & true).sum() / (said.sum() + true.sum()) > least_f1
