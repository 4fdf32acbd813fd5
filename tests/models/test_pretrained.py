"""The shipped checkpoints are whole, small, and score what the README says."""

import re
from pathlib import Path

import numpy as np
import pytest

from evaluation import scoring
from heartbeats import ecg5000, mitdb
from models import calibration, checkpoints
from models.predictor import predict_with_embedding
from utils.paths import data_folder

ROOT = Path(__file__).parents[2]
NAMES = ("cnn", "cnn_lstm", "rnn")
FOLDER = checkpoints.PRETRAINED_FOLDER / "mitbih-kaggle"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.slow
def test_it_is_whole_small_and_explains_itself(name):
    checkpoint = checkpoints.read(FOLDER / f"{name}.json")
    assert checkpoint.weights_file.stat().st_size < 5_000_000
    model = checkpoint.load()
    assert model.input_shape == (None, checkpoint.beat_format.samples, 1)
    assert model.output_shape == (None, len(checkpoint.beat_format.class_names))
    assert model.count_params() == checkpoint.facts.parameters
    assert (checkpoint.facts.data, checkpoint.facts.protocol) == ("mitbih", "kaggle")


def test_the_network_for_new_patients_saw_none_of_ds2():
    checkpoint = checkpoints.read(checkpoints.PRETRAINED_FOLDER / "mitbih-patients" / "cnn.json")
    facts = checkpoint.facts
    assert (facts.data, facts.protocol, facts.monitor) == (
        "mitbih",
        "patients",
        "val_loss",
    )
    assert facts.training_beats + facts.validation_beats < 51_020  # all beats of DS1
    assert checkpoint.load().count_params() == facts.parameters


@pytest.mark.parametrize("path", sorted(checkpoints.PRETRAINED_FOLDER.glob("mitbih-*/*.json")))
@pytest.mark.slow
def test_each_classifier_has_a_small_calibration(path):
    checkpoint = checkpoints.read(path)
    found = calibration.load(checkpoint)
    assert found is not None and checkpoint.calibration_file.stat().st_size < 100_000
    assert 0.5 <= found.uncertain_below <= 1
    classes = len(checkpoint.beat_format.class_names)
    assert np.unique(found.typical_labels).tolist() == list(range(classes))
    model = checkpoint.load()
    probabilities, embeddings = predict_with_embedding(model, found.typical_signals)
    # They are beats of the training set that the network knows, so they are not strange to it.
    right = probabilities.argmax(axis=1) == found.typical_labels
    assert right.mean() > 0.9
    assert (found.ood.scores(embeddings, found.typical_signals) <= 1).mean() > 0.9
    noise = np.random.default_rng(0).random((20, checkpoint.beat_format.samples), dtype=np.float32)
    _probabilities, embeddings = predict_with_embedding(model, noise)
    assert (found.ood.scores(embeddings, noise) > 1).all()


def test_no_file_lies_there_that_no_checkpoint_names():
    for folder in FOLDER.parent.iterdir():
        named = set()
        for path in folder.glob("*.json"):
            one = checkpoints.read(path)
            named |= {path, one.weights_file, one.calibration_file}
        assert set(folder.glob("[!.]*")) <= named


def readme_scores() -> dict[str, tuple[float, float]]:
    """Architecture -> accuracy in per cent and macro-F1, from the README's table."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    row = r"\| pretrained (CNN-LSTM|CNN|RNN)[^|]*\| ([\d.]+) [^|]*\| ([\d.]+) "
    return {
        name.lower().replace("-", "_"): (float(accuracy), float(f1))
        for name, accuracy, f1 in re.findall(row, text)
    }


def test_the_readme_has_their_scores():
    assert set(readme_scores()) == set(NAMES)
    assert all(90 < accuracy < 100 and 0.5 < f1 < 1 for accuracy, f1 in readme_scores().values())


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.skipif(mitdb.find_folder(data_folder()) is None, reason="no MIT-BIH records")
def test_the_readme_says_what_they_score(tmp_path, monkeypatch):
    monkeypatch.setenv("ECG_RUNS", str(tmp_path))
    chosen = scoring.choose(files=[FOLDER / f"{name}.json" for name in NAMES])
    assessments = scoring.assess_all(chosen, chosen.test_beats())
    for one in assessments:
        accuracy, macro_f1 = readme_scores()[one.architecture]
        assert 100 * one.scores.accuracy == pytest.approx(accuracy, abs=0.015)
        assert one.scores.macro_f1 == pytest.approx(macro_f1, abs=0.0015)
        assert one.scores.macro_f1 >= (0.925 if one.architecture == "rnn" else 0.935)
        assert len(one.labels) == 21_892


AUTOENCODER = checkpoints.PRETRAINED_FOLDER / "ecg5000-ucr" / "lstm_autoencoder.json"


@pytest.mark.slow
def test_the_autoencoder_is_whole_small_and_knows_its_threshold():
    checkpoint = checkpoints.read(AUTOENCODER)
    assert checkpoint.weights_file.stat().st_size < 5_000_000
    model = checkpoint.load()
    folds = checkpoint.facts.settings["folds"]
    assert model.output_shape == (None, folds, checkpoint.beat_format.samples)
    assert model.count_params() == checkpoint.facts.parameters
    assert checkpoint.facts.threshold > 0


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.skipif(ecg5000.find_folder(data_folder()) is None, reason="no ECG5000")
def test_the_experiments_say_what_the_autoencoder_scores(tmp_path, monkeypatch, capsys):
    import eval as evaluation_program

    monkeypatch.setenv("ECG_RUNS", str(tmp_path))
    assert evaluation_program.main(["--arch", "lstm_autoencoder", "--data=ecg5000"]) == 0
    row = r"lstm_autoencoder +([\d.]+) +([\d.]+) +([\d.]+) +([\d.]+) +([\d.]+) +([\d.]+)"
    found = re.search(row, capsys.readouterr().out)
    assert found
    text = (ROOT / "EXPERIMENTS.md").read_text(encoding="utf-8")
    told = re.search(r"shipped seed 0[^|]*\| ([\d.]+) \| [\d.]+ \| [\d.]+ \| ([\d.]+) ", text)
    assert told
    assert float(found[1]) == pytest.approx(float(told[1]), abs=2e-4)
    assert float(found[6]) == pytest.approx(float(told[2]), abs=2e-3)
