"""The loop: callbacks driven by hand, and short real trainings on invented beats."""

import os
import signal
import threading

import keras
import numpy as np
import pytest

from evaluation.metrics import score
from heartbeats.beat_set import AAMI_CLASSES, BeatSet
from heartbeats.features import features
from models import cnn, cnn_lstm
from models.predictor import predict
from training import loop
from training.batches import Batches
from training.epochs import FiniteLoss, FitResult
from training.loop import classification_loss
from training.settings import CnnLstmSettings, CnnSettings
from training.tracked_run import StopRequest, StopWhenAsked

# `flatten`: the invented classes differ by place alone, which averages and maxima forget.
SMALL = {
    "width": 4,
    "stages": 1,
    "dense_units": 0,
    "stem_stride": 4,
    "batch_size": 32,
    "summary": "flatten",
}


def bumps(beats: int, seed: int) -> BeatSet:
    """Five classes told apart by where a bump stands: a net learns them in a few epochs."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 5, beats).astype(np.uint8)
    places = 20 + 35 * labels[:, None] + rng.normal(0, 3, (beats, 1))
    signals = np.exp(-(((np.arange(187) - places) / 6) ** 2)).astype(np.float32)
    return BeatSet("invented", signals, labels, AAMI_CLASSES, 120.0)


@pytest.fixture(scope="module")
def train():
    return bumps(640, 0)


@pytest.fixture(scope="module")
def validation():
    return bumps(200, 1)


def build(settings: CnnSettings) -> keras.Model:
    keras.utils.set_random_seed(settings.seed)
    return cnn.build(settings, 187, 5)


@pytest.mark.slow
def test_training_learns_and_leaves_the_best_weights(train, validation):
    settings = CnnSettings(**SMALL, epochs=4, learning_rate=0.02)
    told, seen = [], []
    model = build(settings)
    result = loop.fit(
        model, train, validation, settings, on_best=told.append, on_epoch=seen.append
    )
    reached = score(validation.labels, predict(model, validation.signals).argmax(1), AAMI_CLASSES)
    assert np.isclose(reached.macro_f1, result.best_score)
    assert np.array_equal(result.predicted, predict(model, validation.signals).argmax(1))
    assert result.best_score == max(epoch["val_macro_f1"] for epoch in result.history) > 0.8
    assert told == sorted(told) and told[-1] == result.best_score
    assert [epoch["epoch"] for epoch in seen] == [1, 2, 3, 4]
    assert {"loss", "val_loss", "val_accuracy", "beats_per_second"} <= set(seen[0])


@pytest.mark.slow
def test_the_same_seed_gives_the_same_run(train, validation):
    settings = CnnSettings(**SMALL, epochs=2)
    runs = [loop.fit(build(settings), train, validation, settings) for _ in range(2)]
    for first, second in zip(runs[0].history, runs[1].history, strict=True):
        assert np.isclose(first["val_loss"], second["val_loss"], rtol=1e-4)
    other = CnnSettings(**SMALL, epochs=2, seed=1)
    third = loop.fit(build(other), train, validation, other)
    assert not np.isclose(
        third.history[-1]["val_loss"], runs[0].history[-1]["val_loss"], rtol=1e-4
    )


@pytest.mark.slow
def test_a_loss_that_is_not_finite_ends_the_run_and_keeps_what_was_reached(train, validation):
    settings = CnnSettings(**SMALL, epochs=50, clip_norm=0, schedule="constant")
    result = FitResult()
    callback = FiniteLoss(result)
    callback.set_model(keras.Sequential())
    callback.on_epoch_begin(2)
    callback.on_train_batch_end(0, {"loss": 0.5})
    assert not result.failed
    callback.on_train_batch_end(6, {"loss": float("nan")})
    assert result.failed and result.ended_by == "the loss became nan in epoch 3, batch 7"
    assert callback.model.stop_training

    poisoned = train.select(np.arange(len(train)))
    poisoned.signals[:] = np.nan
    model = build(settings)
    failed = loop.fit(model, poisoned, validation, settings)
    assert failed.failed and failed.best_score is None and not failed.history
    assert "epoch 1, batch 1" in failed.ended_by


@pytest.mark.slow
def test_patience_ends_the_run(train, validation):
    settings = CnnSettings(**SMALL, epochs=30, patience=2, learning_rate=1e-7)
    result = loop.fit(build(settings), train, validation, settings)
    assert len(result.history) < 30
    assert result.ended_by == "val_macro_f1 did not improve for 2 epochs"


@pytest.mark.slow
def test_a_stop_request_ends_the_run_after_the_batch(train, validation):
    settings = CnnSettings(**SMALL, epochs=50)
    stop = StopRequest()
    epochs = []

    def ask(metrics):
        epochs.append(metrics)
        stop.request()

    result = loop.fit(build(settings), train, validation, settings, on_epoch=ask, stop=stop)
    assert len(epochs) == 2  # the one that asked, and the one that was cut after its first batch
    assert result.ended_by == "stopped by W&B" and result.stopped
    assert result.best_score is not None


@pytest.mark.slow
def test_plateau_lowers_the_rate(train, validation):
    settings = CnnSettings(
        **SMALL, epochs=4, schedule="plateau", plateau_patience=1, learning_rate=1e-7, patience=9
    )
    result = loop.fit(build(settings), train, validation, settings)
    rates = [epoch["learning_rate"] for epoch in result.history]
    assert rates[-1] < rates[0]


class TestStopRequest:
    def test_sigterm_and_one_interrupt_are_one_request(self):
        with StopRequest() as stop:
            os.kill(os.getpid(), signal.SIGTERM)
            assert stop.reason == "asked to stop (SIGTERM)"
            os.kill(os.getpid(), signal.SIGINT)
            assert stop.reason == "asked to stop (SIGTERM)"

    def test_a_second_interrupt_is_meant(self):
        with StopRequest() as stop:
            os.kill(os.getpid(), signal.SIGINT)
            assert stop.reason == "asked to stop (SIGINT)"
            with pytest.raises(KeyboardInterrupt):
                os.kill(os.getpid(), signal.SIGINT)

    def test_handlers_are_put_back(self):
        before = signal.getsignal(signal.SIGTERM)
        with StopRequest():
            assert signal.getsignal(signal.SIGTERM) is not before
        assert signal.getsignal(signal.SIGTERM) is before

    def test_another_thread_may_ask(self):
        stop = StopRequest()
        thread = threading.Thread(target=stop.request)
        thread.start()
        thread.join()
        callback = StopWhenAsked(stop)
        callback.set_model(keras.Sequential())
        callback.on_train_batch_end(0)
        assert callback.model.stop_training


def batches_of(train: BeatSet, settings: CnnSettings) -> Batches:
    return Batches(train, settings, build(CnnSettings(**SMALL)))


class TestBatches:
    def test_an_epoch_serves_each_beat_at_most_once_and_reshuffles(self, train):
        plain = {"augment_stretch": 0, "augment_amplitude": 0, "augment_noise": 0}
        batches = batches_of(train, CnnSettings(batch_size=100, **plain))
        assert len(batches) == 6

        def epoch():
            return np.concatenate([batches[number][0][..., 0] for number in range(6)])

        first = epoch()
        assert len(np.unique(first, axis=0)) == 600
        batches.on_epoch_end()
        assert not np.array_equal(first, epoch())

    def test_labels_stay_with_their_beats(self, train):
        batches = batches_of(train, CnnSettings(augment_stretch=0))
        signals, labels = batches[0]
        assert np.array_equal(np.rint((signals[..., 0].argmax(1) - 20) / 35), labels)

    def test_augmentation_does_not_touch_the_source(self, train):
        before = train.signals.copy()
        batches = batches_of(train, CnnSettings(augment_noise=0.5))
        first, _ = batches[0]
        assert np.array_equal(train.signals, before)
        assert not np.array_equal(first[..., 0], before[batches.order[:128]])
        assert np.array_equal(first, batches[0][0])  # the same batch again is the same

    def test_an_epoch_shows_fewer_of_the_common_class_and_more_of_the_rare(self, train):
        rare = train.select(np.flatnonzero((train.labels != 3) | (np.arange(640) % 8 == 0)))
        many = rare.select(np.flatnonzero((rare.labels == 0) | (np.arange(len(rare)) % 4 == 0)))
        counts = many.class_counts()
        assert counts.argmax() == 0
        settings = CnnSettings(
            batch_size=1, common_share=0.5, rare_filling="copies", rare_share=0.4
        )
        batches = batches_of(many, settings)
        seen = np.bincount(many.labels[batches.order], minlength=5)
        assert seen[0] == round(counts[0] / 2) and len(batches) == seen.sum()
        assert (seen[1:] == np.maximum(counts[1:], round(0.4 * seen[0]))).all()
        first = set(batches.order[many.labels[batches.order] == 0])
        batches.on_epoch_end()
        assert first != set(batches.order[many.labels[batches.order] == 0])

    def test_beats_from_a_mixture_fill_the_rare_class(self, train):
        rare = train.select(np.flatnonzero((train.labels != 3) | (np.arange(640) % 4 == 0)))
        settings = CnnSettings(
            batch_size=1,
            rare_filling="mixture",
            rare_share=0.5,
            augment_stretch=0,
            augment_amplitude=0,
            augment_noise=0,
        )
        batches = batches_of(rare, settings)
        counts, epoch = rare.class_counts(), [batches[place] for place in range(len(batches))]
        labels = np.concatenate([labels for _, labels in epoch])
        wanted = round(0.5 * counts.max())
        assert np.bincount(labels)[3] == wanted > counts[3]
        signals = np.concatenate([inputs[..., 0] for inputs, _ in epoch])
        known = {row.tobytes() for row in rare.signals}
        new = np.array([row.tobytes() not in known for row in signals])
        assert (labels[new] == 3).all() and new.sum() == wanted - counts[3]
        assert np.array_equal(batches[0][0], batches[0][0])

    def test_mixup_blends_labels_as_it_blends_beats(self, train):
        plain = {"augment_stretch": 0, "augment_amplitude": 0, "augment_noise": 0}
        batches = batches_of(train, CnnSettings(augment_mixup=0.4, **plain))
        signals, shares = batches[0]
        own = np.asarray(train.signals)[batches.order[:128]]
        classes = np.asarray(train.labels)[batches.order[:128]]
        assert shares.shape == (128, 5) and np.allclose(shares.sum(axis=1), 1)
        alone = shares.max(axis=1) > 0.999  # blended with a beat of the same class, or hardly
        assert 10 < alone.sum() < 118
        row = np.flatnonzero(~alone)[0]
        weight = shares[row, classes[row]]
        left = (signals[row, :, 0] - weight * own[row]) / (1 - weight)
        partner = np.abs(own - left).max(axis=1).argmin()
        assert np.allclose(own[partner], left, atol=1e-4)
        assert np.isclose(shares[row, classes[partner]], 1 - weight, atol=1e-5)
        assert np.array_equal(batches[0][1], shares)

    def test_a_network_with_a_second_input_gets_features(self, train):
        model = cnn_lstm.build(CnnLstmSettings(width=4, stages=1, feature_units=3), 187, 5)
        inputs, _ = Batches(train, CnnLstmSettings(batch_size=16), model)[0]
        expected = features(inputs["signal"][..., 0], 120.0)
        assert np.array_equal(inputs["features"], expected)


class TestLoss:
    counts = np.array([90, 5, 3, 1, 1])
    labels = np.array([0, 1, 3])
    logits = np.array([[2.0, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 0, 3, 0]], "float32")

    def losses(self, **settings):
        loss = classification_loss(CnnSettings(**settings), self.counts)
        return keras.ops.convert_to_numpy(loss(self.labels, self.logits))

    def cross_entropy(self, logits):
        return np.log(np.exp(logits).sum(1)) - logits[np.arange(3), self.labels]

    def test_plain_is_cross_entropy(self):
        assert np.allclose(self.losses(), self.cross_entropy(self.logits), atol=1e-6)

    def test_weights_multiply(self):
        ratio = self.losses(class_weighting="balanced") / self.losses()
        assert np.allclose(ratio / ratio[0], [1, 18, 90], rtol=1e-4)

    def test_focal_discounts_sure_beats(self):
        hit = np.exp(-self.cross_entropy(self.logits))
        expected = (1 - hit) ** 2 * self.cross_entropy(self.logits)
        assert np.allclose(self.losses(loss="focal"), expected, atol=1e-5)

    def test_logit_adjustment_asks_rare_classes_for_more(self):
        adjusted = self.logits + np.log(self.counts / 100)
        assert np.allclose(
            self.losses(logit_adjustment=1.0), self.cross_entropy(adjusted), atol=1e-5
        )

    def test_prior_correction_keeps_the_optimum_at_the_true_frequencies(self):
        """Shown equally often, classes of equal evidence are still told apart by how often they
        occur: the best constant logits are the log frequencies of the data."""
        shown = np.full(5, 20)
        loss = classification_loss(CnnSettings(), self.counts, shown)
        labels = np.arange(5)  # each class once, as shown

        def mean_loss(logits):
            rows = np.tile(logits, (5, 1)).astype("float32")
            return float(np.mean(keras.ops.convert_to_numpy(loss(labels, rows))))

        best = np.log(self.counts / self.counts.sum())
        rng = np.random.default_rng(0)
        for _ in range(20):
            assert mean_loss(best) < mean_loss(best + rng.normal(0, 0.5, 5))
        assert np.isclose(mean_loss(best), np.log(5), atol=1e-5)

    def test_labels_may_be_shares_of_classes(self):
        loss = classification_loss(CnnSettings(label_smoothing=0.1), self.counts)
        one_hot = np.eye(5, dtype="float32")[self.labels]
        whole = keras.ops.convert_to_numpy(loss(self.labels, self.logits))
        assert np.allclose(loss(one_hot, self.logits), whole)
        others = keras.ops.convert_to_numpy(loss((self.labels + 1) % 5, self.logits))
        blended = 0.7 * one_hot + 0.3 * np.roll(one_hot, 1, axis=1)
        assert np.allclose(loss(blended, self.logits), 0.7 * whole + 0.3 * others, atol=1e-5)

    def test_labels_may_come_as_a_column(self):
        loss = classification_loss(CnnSettings(), self.counts)
        column = keras.ops.convert_to_numpy(loss(self.labels[:, None], self.logits))
        assert np.allclose(column, self.losses())
