"""The one way to predict: the same numbers whoever asks, however they are computed."""

from pathlib import Path

import numpy as np
import pytest

from models import calibration, checkpoints
from models.predictor import (
    ANOMALY_DETECTOR,
    CLASSIFIER,
    SIZES,
    Classifier,
    Predictions,
    Predictor,
    padded,
    predict,
    predict_with_embedding,
)
from utils.errors import InputError

SHIPPED = checkpoints.PRETRAINED_FOLDER
CNN = SHIPPED / "mitbih-kaggle-light" / "cnn.json"
DETECTOR = SHIPPED / "ecg5000-ucr" / "lstm_autoencoder.json"


@pytest.fixture(scope="module")
def beats() -> np.ndarray:
    """Typical beats of all classes, and two that are like none."""
    known = calibration.load(checkpoints.read(CNN)).typical_signals
    strange = np.random.default_rng(0).random((2, known.shape[1]), dtype=np.float32)
    return np.concatenate([known, strange])


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.load(str(CNN))


@pytest.mark.slow
def test_a_notebook_gets_classes_and_what_to_think_of_them(predictor, beats):
    found = predictor.predict(beats)
    assert predictor.kind == CLASSIFIER and predictor.id == "mitbih-kaggle-light/cnn"
    assert len(found) == len(beats) and found.probabilities.shape == (len(beats), 5)
    assert set(found.names) <= set("NSVFQ") and found.names[0] == "N"
    assert found.out_of_distribution[-2:].all() and not found.out_of_distribution[:-2].all()
    assert found.nearest[:-2].tolist() == list(range(len(beats) - 2))
    assert (found.top_probability == found.probabilities.max(axis=1)).all()
    assert found.uncertain.dtype == bool and found.anomaly_score is None


@pytest.mark.slow
def test_it_gives_what_its_parts_give(predictor, beats):
    network, hz = predictor.network, predictor.beat_format.sampling_hz
    found = predictor.predict(beats)
    probabilities, embeddings = predict_with_embedding(network, beats, hz)
    assert np.array_equal(found.probabilities, probabilities)
    scores = predictor.calibration.ood.scores(embeddings, beats)
    assert np.array_equal(found.ood_score, scores)
    assert np.array_equal(predictor.probabilities(beats), predict(network, beats, hz))


@pytest.mark.slow
def test_low_latency_is_faster_and_no_different(predictor, beats):
    quick = Predictor.load(CNN, low_latency=True)
    for count in (1, SIZES[0] + 1):
        slow, fast = predictor.predict(beats[:count]), quick.predict(beats[:count])
        assert len(fast) == count
        assert np.allclose(slow.probabilities, fast.probabilities, atol=2e-6)
        assert np.allclose(slow.ood_score, fast.ood_score, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_an_autoencoder_finds_anomalies():
    detector = Predictor.load(DETECTOR)
    noise = np.random.default_rng(0).random((3, 140), dtype=np.float32)
    found = detector.predict(noise)
    assert detector.kind == ANOMALY_DETECTOR and set(found.names) == {"anomalous"}
    assert (found.anomaly_score > detector.threshold).all() and found.probabilities is None
    with pytest.raises(InputError, match="finds anomalies and gives no classes"):
        Classifier(checkpoints.read(DETECTOR))


def test_batches_are_filled_to_a_few_sizes():
    for beats, rows in ((1, 8), (8, 8), (9, 64), (512, 512), (513, 1024)):
        filled = padded(np.ones((beats, 3), np.float32))
        assert filled.shape == (rows, 3) and filled.sum() == 3 * beats


def test_a_missing_file_is_told():
    with pytest.raises(InputError, match="no checkpoint there"):
        Predictor.load(Path("nowhere.json"))


def test_parts_join_to_the_whole():
    probabilities = np.arange(10.0).reshape(5, 2)
    whole = Predictions(("N", "V"), np.ones(5, int), probabilities, ood_score=np.arange(5.0))
    joined = Predictions.joined([whole.part(slice(0, 2)), whole.part(slice(2, 5))])
    assert np.array_equal(joined.labels, whole.labels)
    assert np.array_equal(joined.probabilities, whole.probabilities)
    assert np.array_equal(joined.ood_score, whole.ood_score)
    assert joined.anomaly_score is None and joined.class_names == ("N", "V")
