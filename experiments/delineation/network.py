"""The delineator's network in Keras: built, trained, scored, and its weights as stored."""

from typing import Any

import numpy as np
import tensorflow as tf

from ecg.wave_marks import decoding as wave_decoding
from ecg.wave_marks import network as wave_network
from ecg.wave_marks.windows import AFTER, BEFORE, CHANNELS, GRID_S
from experiments.delineation.drawn_windows import Windows, draw, unchanged
from experiments.delineation.strips import ABSENT, PRESENT, UNKNOWN
from models.backend import keras, layers

MARKS, POOLED = 9, 24
BATCH, LEARNING_RATE = 64, 3e-3
# The annotators' own scatter: the target is a hill so wide around each mark.
TARGET_S = 0.010
# Placing marks and seeing whether waves are there weigh about alike.
PRESENCE_WEIGHT = 2.0


def build() -> keras.Model:
    """The network that `ecg.wave_marks.network` runs, to be trained."""
    shown = layers.Input((BEFORE + AFTER, CHANNELS))
    layer, skipped = shown, []
    for depth, (filters, width) in enumerate(wave_network.DOWN):
        if 0 < depth <= wave_network.POOLED_DOWN:
            skipped.append(layer)
            layer = layers.MaxPooling1D(2)(layer)
        layer = _convolution(filters, width, f"down{depth}")(layer)
    for height, (filters, width) in enumerate(wave_network.UP):
        both = [layers.UpSampling1D(2)(layer), skipped.pop()]
        layer = _convolution(filters, width, f"up{height}")(layers.Concatenate()(both))
        if height + 1 == wave_network.PRESENCE_AFTER:
            presence = _presence(layer)
    return keras.Model(shown, [layers.Dense(MARKS, name="marks")(layer), presence])


def _convolution(filters: int, width: int, name: str) -> layers.Layer:
    return layers.Conv1D(
        filters,
        width,
        padding="same",
        activation="relu",
        kernel_initializer="he_normal",
        name=name,
    )


def _presence(layer):
    pooled = [layers.GlobalAveragePooling1D()(layer), layers.GlobalMaxPooling1D()(layer)]
    hidden = layers.Dense(POOLED, activation="relu", name="pooled")(layers.Concatenate()(pooled))
    return layers.Dense(3, name="presence")(hidden)


def weights_of(model: keras.Model) -> dict[str, Any]:
    """What `ecg.wave_marks.network.shipped_weights` reads; half precision is enough."""
    return {
        f"{layer.name}.{part}": value.astype(np.float16)
        for layer in model.layers
        for part, value in zip(("kernel", "bias"), layer.get_weights(), strict=False)
    }


def fit(model: keras.Model, strips: list, epochs: int, rng: np.random.Generator) -> None:
    """Train on freshly drawn windows each epoch, the learning rate falling along a cosine."""
    step = None
    for epoch in range(epochs):
        windows = draw(strips, rng)
        batches = rng.permutation(len(windows.channels) // BATCH * BATCH).reshape(-1, BATCH)
        if step is None:
            step = _step(model, epochs * len(batches))
        losses = [float(step(*_tensors(windows, batch))) for batch in batches]
        print(f"epoch {epoch + 1} of {epochs}: loss {np.mean(losses):.4f}", flush=True)


def _tensors(windows: Windows, batch: np.ndarray) -> tuple[tf.Tensor, ...]:
    parts = (windows.channels, windows.marks_s, windows.presence)
    return tuple(tf.constant(part[batch]) for part in parts)


def _step(model: keras.Model, steps: int):
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)
    optimizer = keras.optimizers.Adam(schedule, clipnorm=1.0)

    @tf.function(reduce_retracing=True)
    def step(channels, marks_s, presence):
        with tf.GradientTape() as tape:
            value = loss(model, channels, marks_s, presence)
        gradients = tape.gradient(value, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return value

    return step


def loss(model: keras.Model, channels, marks_s, presence):
    """Cross-entropy of where each known mark is, and of whether each wave is there."""
    places, there = model(channels, training=True)
    known = tf.math.is_finite(marks_s) & (marks_s > GRID_S[0]) & (marks_s < GRID_S[-1])
    apart_s = tf.constant(GRID_S, tf.float32)[:, None] - tf.where(known, marks_s, 0.0)[:, None]
    target = tf.nn.softmax(-0.5 * (apart_s / TARGET_S) ** 2, axis=1)
    of_place = -tf.reduce_sum(target * tf.nn.log_softmax(places, axis=1), axis=1)
    of_presence = tf.nn.sigmoid_cross_entropy_with_logits(
        labels=tf.cast(presence == PRESENT, tf.float32), logits=there
    )
    return _mean(of_place, known) + PRESENCE_WEIGHT * _mean(of_presence, presence != UNKNOWN)


def _mean(values, counted):
    counted = tf.cast(counted, tf.float32)
    return tf.reduce_sum(values * counted) / (tf.reduce_sum(counted) + 1e-6)


def print_scores(model: keras.Model, strips: list) -> None:
    """Errors of the marks in milliseconds, and how often a wave's presence is right."""
    windows = unchanged(strips)
    places, there = model.predict(windows.channels, batch_size=512, verbose=0)
    marks_s, _confidence = wave_decoding.marks(places, [])
    errors_ms = 1000 * (marks_s.reshape(-1, MARKS) - windows.marks_s)
    errors_ms[np.abs(errors_ms) > 150] = np.nan
    print("mean ms", np.nanmean(errors_ms, axis=0).round(1))
    print("SD ms  ", np.nanstd(errors_ms, axis=0).round(1))
    for wave, name in enumerate(("P", "QRS", "T")):
        said = there[:, wave] > 0
        for kind, meant in ((PRESENT, "present"), (ABSENT, "absent")):
            of_kind = windows.presence[:, wave] == kind
            right = np.mean(said[of_kind] == (kind == PRESENT)) if of_kind.any() else np.nan
            print(f"{name} {meant}: {of_kind.sum()}, {right:.4f} of them told")
