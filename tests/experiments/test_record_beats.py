"""Beats of whole recordings, on recordings whose beats are known."""

import json
from pathlib import Path

import numpy as np
import pytest

from experiments.recorded_beats import (
    annotated_beats,
    evidence_trees,
    methods,
    network_weights,
    record_beats,
)
from experiments.recorded_beats.annotated_beats import AnnotatedRecord
from models.checkpoints import Checkpoint
from models.facts import CheckpointFacts
from recordings import beat_kinds
from recordings.kinds import evidence
from tests.recordings.invented_recording import EARLY, WIDE, invented, mixed_kinds
from utils.errors import InputError

N, S, V = range(3)
MISSED, INVENTED = 4, 11


class SaysNormal:
    """A network that takes every beat for a normal one."""

    def probabilities(self, signal_mv, sampling_hz, r_peaks, breaks=None):
        return np.tile([0.96, 0.01, 0.01, 0.01, 0.01], (len(r_peaks), 1))


def record(path) -> AnnotatedRecord:
    made = invented(mixed_kinds(260))
    labels = np.select([made.kinds == EARLY, made.kinds == WIDE], [S, V], N)
    found = np.delete(made.r_peaks, MISSED)  # one is missed ...
    found_labels = np.delete(labels, MISSED)
    found_labels[INVENTED] = -1  # ... another too, and one that nobody marked was found there
    return AnnotatedRecord(
        path.name, made.signal_mv, made.sampling_hz, made.r_peaks, labels, found, found_labels
    )


@pytest.fixture
def records(monkeypatch, tmp_path):
    for name in ("100", "101"):
        (tmp_path / f"{name}.hea").touch()
    monkeypatch.setattr(annotated_beats, "folder", lambda: tmp_path)
    monkeypatch.setattr(annotated_beats, "read", record)
    monkeypatch.setattr(methods.classify, "load", lambda checkpoint: SaysNormal())
    facts = CheckpointFacts(
        architecture="cnn", data="mitbih", protocol="patients", weights_digest="0" * 64
    )
    known = Checkpoint(tmp_path / "cnn.json", facts)
    monkeypatch.setattr(methods, "chosen_checkpoint", lambda asked: known)


@pytest.mark.slow
def test_it_prints_and_writes_what_it_measured(records, tmp_path, capsys):
    assert record_beats.main(["--records=100,101", f"--to={tmp_path / 'out'}"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert (
        "4 annotated beats were not found (4 N) and 2 beats were found that are not annotated"
        in printed
    )
    assert "warning: beats of 1 of these 2 records trained the network" in printed
    assert "timing and shape were fitted to 1 of these records" in printed
    found = json.loads((tmp_path / "out" / "record-beats.json").read_text())["parts"]
    names = [one["name"] for one in found["found"]["methods"]]
    assert names == list(methods.HOW)
    assert (tmp_path / "out" / "record-beats.html").stat().st_size > 2000
    rows = (tmp_path / "out" / "records-annotated.csv").read_text().splitlines()
    assert len(rows) == 1 + 2 * len(names)


def test_the_combination_finds_what_the_network_does_not(records):
    parts, _seen = methods.measure(["100"], Checkpoint(Path("cnn.json"), {}))
    scores = {one.name: one.scores for one in parts[0].methods}
    assert scores["network"].classes[V].recall == 0
    for name in ("combined", "timing and shape", "one label a cluster", "clusters by rules"):
        assert scores[name].classes[V].recall > 0.9, name
    assert scores["combined"].classes[S].recall > 0.9


def test_all_annotated_beats_are_scored_and_of_the_found_ones_those_that_are_marked(records):
    parts, _seen = methods.measure(["100"], Checkpoint(Path("cnn.json"), {}))
    assert [len(one.methods[0].labels) for one in parts] == [258, 260]
    assert sum(parts[0].missed.values()) == 2 and sum(parts[1].missed.values()) == 0


def test_a_record_that_is_not_there_is_told(records):
    with pytest.raises(InputError, match="no record 999"):
        methods.measure(["100", "999"], Checkpoint(Path("cnn.json"), {}))


def test_a_reader_names_clusters_by_their_true_classes():
    made = record(Path("100"))
    view = evidence.view(made.signal_mv, made.sampling_hz, made.annotated)
    named = methods.named_by_reader(view.clusters, made.labels)
    for one in range(view.clusters.count):
        own = view.clusters.labels == one
        assert (named[own] == np.bincount(made.labels[own]).argmax()).all()
    unmarked = methods.named_by_reader(view.clusters, np.full(len(made.labels), -1))
    assert (unmarked == N).all()


@pytest.mark.slow
def test_trees_that_never_saw_a_person_know_the_beats(records, monkeypatch):
    monkeypatch.setattr(evidence_trees, "PARTS", 2)
    read = evidence_trees.read(["100", "101"])
    raw = evidence_trees.left_out(read, ["100", "101"])
    reached = evidence_trees.scores(read, raw, 0.5, 0.25)
    assert reached.classes[V].f1 > 0.9 and reached.classes[S].f1 > 0.9
    assert list(evidence_trees.left_out(read, ["101"])) == ["101"]


@pytest.mark.slow
def test_what_is_fitted_is_what_is_used(records, monkeypatch, tmp_path):
    monkeypatch.setattr(evidence, "TREES_FILE", tmp_path / "evidence.npz")
    evidence.trees.cache_clear()
    read = evidence_trees.read(["100", "101"])
    fitted = [evidence_trees.fit(read, question) for question in evidence_trees.QUESTIONS]
    evidence_trees.write(*fitted)
    seen = read[0].seen
    expected = evidence.shrunk(
        seen.clusters,
        evidence.of_each_beat(seen, *fitted),
        evidence.CLUSTER_SHARE_V,
        evidence.CLUSTER_SHARE_S,
    )
    assert np.array_equal(evidence.of_view(seen).ventricular, expected.ventricular)
    evidence.trees.cache_clear()


def test_the_weights_in_use_are_among_those_compared():
    assert beat_kinds.WEIGHTS in network_weights.choices()
