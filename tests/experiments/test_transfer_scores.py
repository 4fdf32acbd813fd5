"""A transfer experiment's scores, what is said of them, and its report."""

import json

import numpy as np
import pytest

from experiments.transfer import report as transfer_report
from experiments.transfer.results import CellResult, TransferResults, score_beats, score_records
from experiments.transfer.transfer import check_classes
from heartbeats.beat_set import BeatSet
from utils.errors import InputError

MODES = ("scratch", "frozen", "whole")
FRACTIONS = (0.1, 1.0)


def a_test(records: bool = True) -> BeatSet:
    """Ten records of 12 beats, half of them of each class."""
    rng = np.random.default_rng(0)
    owners = np.repeat(np.arange(10), 12)
    names = owners.astype(str)
    return BeatSet(
        "ptb",
        rng.random((120, 187), dtype=np.float32),
        (owners % 2).astype(np.uint8),
        ("normal", "abnormal"),
        120.0,
        records=names if records else None,
        patients=names if records else None,
    )


def guesses(beats: BeatSet, hit_rate: float, seed: int) -> np.ndarray:
    """(beats, 2) probabilities; the share `hit_rate` of them on the right side."""
    rng = np.random.default_rng(seed)
    hit = rng.random(len(beats)) < hit_rate
    of_truth = np.where(hit, 0.8, 0.2)
    abnormal = np.where(beats.labels == 1, of_truth, 1 - of_truth)
    return np.stack([1 - abnormal, abnormal], axis=1)


def some_results(gain: float = 0.2, seeds: int = 5, unit: str = "patients") -> TransferResults:
    beats = a_test(unit == "patients")
    results, predicted = [], []
    for seed in range(seeds):
        for fraction in FRACTIONS:
            for place, mode in enumerate(MODES):
                hit_rate = 0.6 + 0.1 * fraction + gain * place / 2
                probabilities = guesses(beats, hit_rate, 100 * seed + place)
                results.append(
                    CellResult(
                        mode,
                        fraction,
                        seed,
                        units=3,
                        of_units=30,
                        records=3,
                        beats=36,
                        seconds=1.0,
                        by_beat=score_beats(beats, probabilities),
                        by_record=score_records(beats, probabilities),
                    )
                )
                predicted.append(probabilities.argmax(axis=1))
    part = {
        "patients": 10,
        "records": 10,
        "beats": 120,
        "of_class": {"normal": 60, "abnormal": 60},
    }
    facts = {
        "source": "mitbih",
        "target": "ptb",
        "arch": "cnn",
        "protocol_meaning": "split by x",
        "unit": unit,
        "synthetic": False,
        "source_protocol": "kaggle",
        "steps": 10,
        "batch_size": 4,
        "source_checkpoint": "cnn.json",
        "source_score": 0.9,
        "parts": {"training": part, "test": part},
        "tuning": {"fraction": 0.1, "seeds": [1000]},
    }
    tried = {mode: {1e-3: [0.7], 3e-3: [0.6]} for mode in MODES}
    rates = dict.fromkeys(MODES, 1e-3)
    return TransferResults(facts, tried, rates, tuple(results), tuple(predicted), beats)


def test_a_record_is_its_beats_mean():
    beats = a_test()
    probabilities = guesses(beats, 0.8, 0)
    by_record = score_records(beats, probabilities)
    mean = probabilities[beats.records == "3"].mean(axis=0)
    assert (
        by_record.count == 10 and by_record.accuracy >= score_beats(beats, probabilities).accuracy
    )
    flipped = probabilities.copy()
    flipped[beats.records == "3"] = mean  # the mean is all that matters
    assert score_records(beats, flipped) == by_record


def test_records_with_beats_of_two_classes_or_unknown_are_not_scored():
    mixed = a_test()
    mixed.labels[0] = 1 - mixed.labels[0]
    assert score_records(mixed, guesses(mixed, 0.8, 0)) is None
    unknown = a_test(records=False)
    assert score_records(unknown, guesses(unknown, 0.8, 0)) is None


def test_auc_of_several_classes_is_the_mean_over_those_that_occur():
    labels = np.array([0, 0, 1, 1], np.uint8)
    beats = BeatSet("x", np.zeros((4, 5), np.float32), labels, ("N", "S", "V"), 120.0)
    perfect = np.eye(3)[labels]
    assert score_beats(beats, perfect).auc == 1.0
    assert score_beats(beats, perfect[:, [1, 0, 2]]).auc == 0.0


def test_one_class_is_refused():
    beats = a_test()
    with pytest.raises(InputError, match="test part of 'ptb' .* found: normal"):
        check_classes(beats.select(beats.labels == 0), "test")
    with pytest.raises(InputError, match="no beat at all"):
        check_classes(beats.select(beats.labels == 9), "test")


@pytest.mark.slow
def test_the_verdict_follows_the_spread():
    clear = some_results(gain=0.25).sentences()
    assert clear[0].startswith("whole minus scratch at 10 %") and "ahead with 5 of 5" in clear[0]
    assert "better by more than the spread" in clear[0]
    assert "not more than the spread" in some_results(gain=0.0).sentences()[0]
    assert "worse by more than the spread" in some_results(gain=-0.25).sentences()[0]
    assert "one seed has no spread" in some_results(seeds=1).sentences()[0]


def test_a_gain_is_paired_by_seed():
    results = some_results()
    gain = next(one for one in results.gains if (one.mode, one.fraction) == ("whole", 0.1))
    ours, theirs = (results.scores(mode, 0.1, "macro_f1") for mode in ("whole", "scratch"))
    assert gain.differences == pytest.approx(ours - theirs)
    assert gain.spread >= (ours - theirs).std(ddof=1)
    assert gain.over_tests.low < gain.mean < gain.over_tests.high


@pytest.mark.slow
def test_the_report_holds_everything(tmp_path):
    results = some_results()
    paths = transfer_report.write(tmp_path, results)
    assert {path.name for path in paths} == {
        "report.html",
        "scores.json",
        "learning_curves.png",
        "confusion.png",
        "table.csv",
        "trainings.csv",
    }
    page = paths[0].read_text()
    assert results.sentences()[0] in page.replace("&#x27;", "'")
    for text in ("split by x", "10 %", "by record", "steps of 4 beats"):
        assert text in page
    content = json.loads((tmp_path / "scores.json").read_text())
    assert len(content["trainings"]) == 30 and content["rates"]["whole"]["chosen"] == 1e-3
    assert CellResult.from_json(content["trainings"][0]) == results.trainings[0]


@pytest.mark.slow
def test_a_split_by_beat_is_warned_of(tmp_path):
    transfer_report.write(tmp_path, some_results(unit="beats", seeds=1))
    page = (tmp_path / "report.html").read_text()
    assert "every score flatters" in page and "by record" not in page
