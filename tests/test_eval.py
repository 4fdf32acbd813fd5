"""eval.py: the right beats, the right checkpoint, plain words where something is wrong."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import eval as program
from evaluation import plots, scoring
from evaluation.assessment import Assessment
from evaluation.metrics import better, score
from experiments.transfer import transfer
from experiments.transfer.settings import TransferSettings
from heartbeats import catalog, splits
from heartbeats.beat_set import BeatSet
from models import checkpoints
from models.facts import AutoencoderFacts, CheckpointFacts
from models.predictor import predict
from tests.heartbeats.conftest import make_beats
from training import architectures
from utils.errors import InputError

ROOT = Path(program.__file__).parent
FACTS = {
    "data": "invented",
    "fingerprint": "here",
    "protocol": "kaggle",
    "monitor": "val_macro_f1",
    "class_names": ["N", "S", "V", "F", "Q"],
    "sampling_hz": 120.0,
    "samples": 187,
    "scaling": "to [0, 1]",
    "seed": 0,
    "settings": {"width": 4},
}


def tiny_model(seed: int = 0, bias: float = 0.0) -> keras.Model:
    """A linear model with random weights."""
    keras.utils.set_random_seed(seed)
    layers = [keras.Input((187, 1)), keras.layers.Flatten(), keras.layers.Dense(5, "softmax")]
    model = keras.Sequential(layers)
    if bias:
        model.layers[-1].bias.assign([bias] * 5)
    return model


def keep(folder: Path, architecture: str = "cnn", model: keras.Model | None = None, **changes):
    """Offer a checkpoint of a model, as training does."""
    said = FACTS | {"architecture": architecture, "score": 0.5} | changes
    facts = CheckpointFacts.from_json(said)
    chosen = model or tiny_model()
    checkpoints.offer(
        folder, facts, lambda new, old: better("val_macro_f1", new, old), lambda p: chosen.save(p)
    )
    return folder / f"{architecture}.json"


def has(monkeypatch, beats: BeatSet) -> BeatSet:
    """Let the catalog find these beats, whatever is asked for."""
    monkeypatch.setattr(catalog, "load", lambda name: beats)
    return beats


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch) -> Path:
    """Own folders for all that is read and written, and figures that take no time."""
    monkeypatch.setenv("ECG_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(checkpoints, "PRETRAINED_FOLDER", tmp_path / "pretrained")
    for name in ("confusion_figures", "curves_figure"):
        monkeypatch.setattr(plots, name, lambda assessments: Figure(figsize=(1, 1)))
    return tmp_path


@pytest.fixture
def beats(monkeypatch) -> BeatSet:
    return has(monkeypatch, dataclasses.replace(make_beats(), fingerprint="here"))


def assessed(names=("cnn", "rnn"), **asked) -> list[Assessment]:
    chosen = scoring.choose(names, **asked)
    return scoring.assess_all(chosen, chosen.test_beats())


def own_folder(beats: BeatSet, protocol: str = "kaggle") -> Path:
    return checkpoints.folder_of(beats.name, protocol)


@pytest.mark.slow
def test_best_checkpoints_are_scored_and_reported(beats, place, capsys):
    keep(own_folder(beats), "cnn")
    keep(own_folder(beats), "rnn", tiny_model(seed=1))
    assert program.main([]) == 0
    printed = capsys.readouterr()
    folder = place / "runs" / "reports" / "invented-kaggle"
    content = json.loads((folder / "scores.json").read_text())
    assert [model["name"] for model in content["models"]] == ["cnn", "rnn"]
    assert content["warnings"] == []
    for said in ("macro-F1", "cnn minus rnn", str(folder / "report.html"), "cnn.json"):
        assert said in printed.out
    assert "error" not in printed.err


@pytest.mark.parametrize("protocol", ["kaggle", "patients"])
def test_only_held_out_beats_are_scored(monkeypatch, beats, protocol):
    keep(own_folder(beats, protocol), protocol=protocol)
    test = splits.held_out(beats, protocol)
    (before,) = assessed(protocol=protocol)
    assert len(before.labels) == len(test)
    expected = predict(tiny_model(), beats.signals[test]).argmax(axis=1)
    assert (
        before.scores.macro_f1 == score(beats.labels[test], expected, beats.class_names).macro_f1
    )

    rest = np.setdiff1d(np.arange(len(beats)), test)
    signals, labels = beats.signals.copy(), beats.labels.copy()
    signals[rest] = np.nan  # would give NaN, and so an error
    labels[rest] = 0
    if protocol == "kaggle":  # the split by patient of invented beats looks at labels
        has(monkeypatch, dataclasses.replace(beats, signals=signals, labels=labels))
    else:
        has(monkeypatch, dataclasses.replace(beats, signals=signals))
    (after,) = assessed(protocol=protocol)
    assert np.array_equal(before.probabilities, after.probabilities)
    assert np.array_equal(before.labels, after.labels)


def test_no_checkpoint_is_told_with_the_way_out(beats, capsys):
    assert program.main([]) == 2
    error = capsys.readouterr().err
    assert "no checkpoint for invented under protocol kaggle" in error
    assert "python main.py --data=invented --protocol=kaggle" in error
    assert "python -m training.train_cnn" in error


def test_an_architecture_that_was_asked_for_must_be_there(beats, capsys):
    keep(own_folder(beats), "cnn")
    assert program.main(["--arch", "cnn", "rnn"]) == 2
    assert "no checkpoint of rnn" in capsys.readouterr().err
    assert program.main(["--arch", "all"]) == 0


def test_a_damaged_checkpoint_is_told(beats, capsys):
    path = keep(own_folder(beats))
    weights = checkpoints.read(path).weights_file
    weights.write_bytes(weights.read_bytes()[:-9])
    assert program.main([]) == 2
    assert "is damaged" in capsys.readouterr().err
    path.write_text("{")
    assert program.main(["--checkpoint", str(path)]) == 2
    assert "not a checkpoint's JSON" in capsys.readouterr().err


def test_a_model_that_predicts_nan_is_told(beats):
    keep(own_folder(beats), model=tiny_model(bias=float("nan")))
    with pytest.raises(InputError, match="predicts NaN"):
        assessed()


def test_a_checkpoint_of_other_classes_is_refused(beats, capsys):
    keep(own_folder(beats), class_names=["normal", "not"])
    assert program.main([]) == 2
    assert "its class_names is ['normal', 'not']" in capsys.readouterr().err


def test_training_on_other_data_is_a_warning(beats, place, capsys):
    keep(own_folder(beats), fingerprint="there")
    assert program.main([]) == 0
    assert "warning: cnn was trained on other data" in capsys.readouterr().out
    page = (place / "runs" / "reports" / "invented-kaggle" / "report.html").read_text()
    assert "trained on other data" in page


def test_given_checkpoints_are_scored_under_their_own_protocol(beats, place, capsys):
    path = keep(place / "elsewhere", protocol="patients")
    (one,) = assessed(files=[path])
    assert one.protocol == "patients" and one.warnings == ()
    (other,) = assessed(protocol="kaggle", files=[path])
    assert "flatter" in other.warnings[0]


@pytest.mark.slow
def test_a_fresh_clone_shows_a_demonstration(monkeypatch, place, capsys):
    synthetic = dataclasses.replace(make_beats(), name="synthetic", official_test=None)
    has(monkeypatch, synthetic)
    pretrained = place / "pretrained" / "mitbih-kaggle"
    keep(pretrained, "cnn", data="mitbih")
    keep(pretrained, "rnn", data="mitbih")
    assert program.main([]) == 0
    printed = capsys.readouterr().out
    for said in ("Only a demonstration", "synthetic test beats", "heartbeats.download mitdb"):
        assert said in printed
    assert (place / "runs" / "reports" / "demonstration" / "report.html").exists()
    # Who names the synthetic data, or has trained on them, gets no demonstration.
    assert program.main(["--data=synthetic"]) == 2
    keep(checkpoints.folder_of("synthetic", "patients"), data="synthetic", protocol="patients")
    assert program.main([]) == 0
    assert "demonstration" not in capsys.readouterr().out


@pytest.mark.slow
def test_the_final_report_tells_mean_and_spread_over_seeds(beats, place, capsys):
    for seed in (0, 1, 10):
        for name in ("cnn", "rnn"):
            keep(place / "final" / f"seed-{seed}", name, tiny_model(seed), seed=seed)
    scoring.report_trainings(place / "final", "invented", "kaggle")
    printed = capsys.readouterr().out
    assert "cnn, 3 trainings: accuracy" in printed
    assert (
        printed.index("\ncnn seed 1:")
        < printed.index("\ncnn seed 10:")
        < printed.index("\nrnn seed 0:")
    )
    assert (place / "final" / "report" / "report.html").exists()


def test_a_final_training_that_reached_nothing_is_told(beats, place, capsys):
    scoring.report_trainings(place / "final", "invented", "kaggle")
    assert "nothing to evaluate" in capsys.readouterr().out


@pytest.fixture
def to_predict(place) -> Path:
    """Three beats in a file, and a pretrained network to classify them with."""
    keep(place / "pretrained" / "mitbih-kaggle", data="mitbih")
    rows = np.random.default_rng(0).random((3, 187)).round(6)
    np.savetxt(place / "beats.csv", rows, delimiter=",", fmt="%.6f")
    return place / "beats.csv"


def test_predict_classifies_a_file(to_predict, place, capsys):
    assert program.main(["--predict", str(to_predict)]) == 0
    table = pd.read_csv(place / "runs" / "predictions" / "beats.csv")
    rows = np.loadtxt(to_predict, delimiter=",", dtype=np.float32)
    expected = predict(tiny_model(), rows)
    assert table["predicted"].tolist() == [FACTS["class_names"][k] for k in expected.argmax(1)]
    assert np.allclose(table[[f"p_{name}" for name in "NSVFQ"]], expected, atol=1e-6)
    printed = capsys.readouterr().out
    assert "3 beats by" in printed and "trained on mitbih" in printed


def test_predict_scores_itself_where_there_are_labels(to_predict, place, capsys):
    rows = np.loadtxt(to_predict, delimiter=",")
    labelled = np.column_stack([rows, [0, 1, 2]])
    np.savetxt(to_predict, labelled, delimiter=",")
    assert program.main(["--predict", str(to_predict), "--to", str(place / "p.csv")]) == 0
    assert "against the labels of the file: accuracy" in capsys.readouterr().out
    assert len(pd.read_csv(place / "p.csv")) == 3


def test_predict_tells_a_wrong_width(to_predict, capsys):
    rows = np.loadtxt(to_predict, delimiter=",")
    np.savetxt(to_predict, rows[:, :186], delimiter=",")
    assert program.main(["--predict", str(to_predict)]) == 2
    assert "expected 187 values, or 188 with a label" in capsys.readouterr().err


def test_predict_without_any_checkpoint_is_told(to_predict, monkeypatch, place, capsys):
    monkeypatch.setattr(checkpoints, "PRETRAINED_FOLDER", place / "empty")
    assert program.main(["--predict", str(to_predict)]) == 2
    assert "no checkpoint for mitbih" in capsys.readouterr().err


def test_a_detector_classifies_no_beats(to_predict, place, capsys):
    path = keep(place / "elsewhere", "lstm_autoencoder")
    assert program.main(["--predict", str(to_predict), "--checkpoint", str(path)]) == 2
    assert "finds anomalies and gives no classes" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "fault"),
    [
        (["--arch", "cn"], "unknown 'cn' (did you mean cnn?)"),
        (["--checkpoint", "nowhere.json"], "cannot read 'nowhere.json': there is no such file"),
        (["--predict", "nowhere.csv"], "cannot read 'nowhere.csv'"),
        (["--transfer", "kaggel"], "unknown 'kaggel'"),
    ],
)
def test_what_is_wrong_with_the_flags_is_told_before_anything_is_read(flags, fault, capsys):
    with pytest.raises(SystemExit) as ended:
        program.main(flags)
    assert ended.value.code == 2 and fault in capsys.readouterr().err


def test_help_and_faults_need_no_library():
    """They are answered before Keras, matplotlib, pandas and even NumPy are imported."""
    code = (
        "import sys, eval\n"
        "try: eval.main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'pandas', 'scipy', 'keras', 'tensorflow', 'matplotlib'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert ended.returncode == 0, ended.stderr
    assert "other questions, one at a time" in ended.stdout


def test_its_names_are_those_of_the_tables():
    assert program.CLASSIFIERS == tuple(architectures.ARCHITECTURES)
    assert program.DETECTOR == AutoencoderFacts.ARCHITECTURE


def test_transfer_gets_settings(monkeypatch):
    given = []
    monkeypatch.setattr(transfer, "run_and_report", given.append)
    assert program.main(["--transfer", "ptb", "--arch", "rnn", "--to", "there"]) == 0
    assert given == [TransferSettings(target="ptb", arch="rnn", to="there")]


def test_one_question_at_a_time(capsys):
    with pytest.raises(SystemExit) as ended:
        program.main(["--shift", "--baselines"])
    assert ended.value.code == 2
    assert "not allowed with" in capsys.readouterr().err
