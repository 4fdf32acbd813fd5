"""The synthetic heartbeats: reproducible, imbalanced, and no task for a linear model."""

import numpy as np
import pytest

from heartbeats import splits, synthetic
from heartbeats.beat_set import AAMI_CLASSES, BeatSet


@pytest.fixture(scope="module")
def generated() -> BeatSet:
    return synthetic.load()


@pytest.mark.slow
def test_beats_are_scaled_and_padded_like_the_real_ones(generated: BeatSet):
    beats, samples = generated.signals.shape
    assert 11_500 < beats < 12_500 and samples == 187
    assert generated.signals.dtype == np.float32
    assert generated.signals.min() == 0 and generated.signals.max() == 1
    assert np.mean(generated.signals[:, -1] == 0) > 0.8
    uncut = generated.beat_lengths() < samples
    assert (generated.signals[uncut].max(axis=1) == 1).all()


@pytest.mark.slow
def test_everything_says_synthetic(generated: BeatSet):
    assert generated.name == "synthetic" and generated.is_synthetic
    assert generated.class_names == AAMI_CLASSES
    assert generated.official_test is None
    for names in (generated.records, generated.patients):
        assert all(name.startswith("synthetic") for name in np.unique(names))


def test_classes_are_as_rare_as_in_real_recordings(generated: BeatSet):
    shares = generated.class_counts() / len(generated)
    expected = [0.83, 0.025, 0.066, 0.007, 0.073]
    np.testing.assert_allclose(shares, expected, rtol=0.2)


def test_symbols_agree_with_labels(generated: BeatSet):
    symbols = {"N": "NLR", "S": "AJ", "V": "V", "F": "F", "Q": "/"}
    for label, name in enumerate(AAMI_CLASSES):
        assert set(generated.symbols[generated.labels == label]) == set(symbols[name])


def test_times_rise_within_each_record(generated: BeatSet):
    for record in np.unique(generated.records):
        assert (np.diff(generated.times_s[generated.records == record]) > 0).all()


@pytest.mark.parametrize("seed", range(5))
def test_every_part_of_a_split_by_patient_has_every_class(generated: BeatSet, seed: int):
    train, validation = splits.development(generated, "patients", seed=seed)
    test = splits.held_out(generated, "patients")
    for part, fewest in ((train, 30), (validation, 4), (test, 10)):
        assert np.bincount(generated.labels[part], minlength=5).min() >= fewest


def test_patients_have_beats_of_their_own(generated: BeatSet):
    """A normal beat is closer to its own patient's mean than to nearly all others'."""
    normal = generated.select(generated.labels == 0)
    patients, owner = np.unique(normal.patients, return_inverse=True)
    early = normal.signals[:, :60]  # the QRS and T: later samples tell the heart rate
    means = np.stack([early[owner == number].mean(axis=0) for number in range(len(patients))])
    sample = np.random.default_rng(0).choice(len(early), 500, replace=False)
    distances = np.linalg.norm(early[sample, None] - means, axis=2)
    own = distances[np.arange(500), owner[sample]]
    rank = (distances < own[:, None]).sum(axis=1)
    assert np.median(rank) <= 3


def test_same_seed_same_bytes():
    first, again, other = (synthetic.load(seed, beats=400, patients=4) for seed in (1, 1, 2))
    for field in ("signals", "labels", "records", "times_s", "symbols"):
        assert getattr(first, field).tobytes() == getattr(again, field).tobytes()
    assert first.signals.tobytes() != other.signals.tobytes()


def test_asking_for_more_patients_keeps_the_persons():
    few, many = (synthetic.load(0, beats=100 * n, patients=n) for n in (4, 6))
    ours, theirs = (
        np.median(beats.signals[(beats.patients == "synthetic-01") & (beats.labels == 0)], axis=0)
        for beats in (few, many)
    )
    assert np.corrcoef(ours[:80], theirs[:80])[0, 1] > 0.98


def test_sources_are_files_that_exist():
    files = synthetic.source_files()
    assert len(files) >= 6 and all(file.is_file() for file in files)


@pytest.mark.slow
def test_a_linear_model_does_clearly_worse_than_a_small_cnn(generated: BeatSet):
    import keras
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import f1_score

    from heartbeats.balance import class_weights
    from models.cnn import CnnArchitecture, build

    train, _validation = splits.development(generated, "patients", seed=0)
    test = splits.held_out(generated, "patients")
    x, y = generated.signals, generated.labels
    linear = LogisticRegression(C=1, max_iter=300).fit(x[train], y[train])
    keras.utils.set_random_seed(0)
    cnn = build(CnnArchitecture(width=12), samples=187, classes=5)
    cnn.compile(keras.optimizers.AdamW(2e-3), "sparse_categorical_crossentropy")
    weights = class_weights(np.bincount(y[train], minlength=5), "square_root")[y[train]]
    # After six epochs luck still moves the score by 0.1, and the processor's threads are luck.
    cnn.fit(x[train, :, None], y[train], 64, 10, verbose=0, sample_weight=weights)
    deep = cnn.predict(x[test, :, None], batch_size=1024, verbose=0).argmax(axis=1)
    score_linear = f1_score(y[test], linear.predict(x[test]), average="macro")
    score_deep = f1_score(y[test], deep, average="macro")
    assert 0.4 < score_linear < 0.8
    assert score_deep > score_linear + 0.1
