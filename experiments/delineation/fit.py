"""Fit the delineator's network, and write its weights to ecg/wave_marks/network.npz.

    OMP_NUM_THREADS=1 python -m experiments.delineation.fit [--epochs 40] [--validate]
        [--output FILE]

It learns from the odd records of LUDB, from the DS1 records of MIT-BIH and from PTB-XL without its
test fold. With --validate, every fifth odd record of LUDB is kept back, scored at the end, and no
weights are written unless --output says where. Takes some ten minutes on one core.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from scipy.signal import butter, sosfilt

from ecg import noise
from ecg.files import ludb
from ecg.wave_marks import decoding as wave_decoding
from ecg.wave_marks import network as wave_network
from ecg.wave_marks import windows
from ecg.wave_marks.windows import AFTER, BEFORE, CHANNELS, GRID_S
from experiments.delineation import strips as wave_strips
from experiments.delineation.strips import ABSENT, PRESENT, UNKNOWN, P, Strip, T
from utils.errors import exit_plainly
from utils.paths import data_folder

# A strip of 500 Hz that is taken for one of 400 Hz lasts a quarter longer, and so do its waves.
SLOWEST, FASTEST = 0.8, 1.25
# How often each kind of noise comes, and its mean size as a share of the usual R peak.
NOISE = {
    noise.white: (0.3, 0.03),
    noise.muscle: (0.3, 0.05),
    noise.baseline_wander: (0.6, 0.3),
    noise.mains: (0.2, 0.06),
}
HIGH_PASS_SHARE, HIGH_PASS_HZ = 0.3, (0.05, 0.6)
# The detector's R peaks are off by so much: in all beats of a strip, in each, in a few.
OFF_TOGETHER_S, OFF_EACH_S, OFF_FAR_S, FAR_SHARE = 0.008, 0.004, 0.04, 0.03
ERASED_SHARE = 0.03
# Fibrillation of the atria: small waves of 4 to 9 a second, as shares of the R peak.
FIBRILLATION_HZ, FIBRILLATION_SIZE = (4.0, 9.0), 0.06


@dataclass(frozen=True)
class Windows:
    """What the network is shown and what it should say.

    Attributes:
        channels: (beats, grid, channels) float32.
        marks_s: (beats, 9) float32 seconds from the R peak, NaN where not known.
        presence: (beats, 3) ABSENT, PRESENT or UNKNOWN.
    """

    channels: np.ndarray
    marks_s: np.ndarray
    presence: np.ndarray


def draw(strips: Sequence[Strip], rng: np.random.Generator) -> Windows:
    """One epoch's windows: each strip once, changed at random."""
    return unchanged([_changed(strip, rng) for strip in strips])


def unchanged(strips: Sequence[Strip]) -> Windows:
    """The windows of all beats of which something is known."""
    parts = zip(*(_windows(strip) for strip in strips), strict=True)
    channels, marks, presence = (np.concatenate(part) for part in parts)
    known = (presence != UNKNOWN).any(axis=1)
    return Windows(channels[known], marks[known], presence[known])


def _windows(strip: Strip) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    cut = windows.cut(strip.signal_mv, strip.r_peaks, strip.sampling_hz)
    level = windows.normalised(cut @ _resampling_matrix(strip.sampling_hz))
    bumps = windows.other_beats(strip.r_peaks, strip.sampling_hz)
    marks_s = (strip.marks - strip.r_peaks[:, None, None]) / strip.sampling_hz
    return (
        windows.channels(level, windows.alike(level), bumps),
        marks_s.reshape(-1, 9).astype(np.float32),
        strip.presence,
    )


@cache
def _resampling_matrix(sampling_hz: float) -> np.ndarray:
    return windows.resampling_matrix(sampling_hz)


def _changed(strip: Strip, rng: np.random.Generator) -> Strip:
    signal = strip.signal_mv.astype(np.float64)
    size = np.median(np.abs(signal[strip.r_peaks] - np.median(signal))) + 0.05
    if rng.random() < ERASED_SHARE:
        strip, signal = _robbed(strip, signal, size, rng)
    for make, (share, mean) in NOISE.items():
        fits = make is not noise.mains or strip.sampling_hz > 130
        if fits and rng.random() < share:
            signal += size * rng.exponential(mean) * make(len(signal), strip.sampling_hz, rng)
    if rng.random() < HIGH_PASS_SHARE:
        hz = rng.uniform(*HIGH_PASS_HZ)
        high = butter(1, hz, "highpass", fs=strip.sampling_hz, output="sos")
        signal = sosfilt(high, signal - signal[0])
    # Only the interpretation of the time axis changes, so marks in samples stay where they are.
    rate = strip.sampling_hz * rng.choice(np.geomspace(SLOWEST, FASTEST, 9))
    return replace(
        strip, signal_mv=signal, sampling_hz=float(rate), r_peaks=_misplaced(strip, rng)
    )


def _misplaced(strip: Strip, rng: np.random.Generator) -> np.ndarray:
    beats = len(strip.r_peaks)
    off_s = rng.normal(0, OFF_TOGETHER_S) + rng.normal(0, OFF_EACH_S, beats)
    off_s += (rng.random(beats) < FAR_SHARE) * rng.normal(0, OFF_FAR_S, beats)
    moved = strip.r_peaks + np.rint(off_s * strip.sampling_hz).astype(np.int64)
    return np.clip(np.sort(moved), 0, len(strip.signal_mv) - 1)


def _robbed(
    strip: Strip, signal: np.ndarray, size: float, rng: np.random.Generator
) -> tuple[Strip, np.ndarray]:
    """All marked P waves, or all T waves, replaced by lines; the atria may fibrillate then."""
    wave = rng.choice([P, T])
    ends = strip.marks[:, wave][:, [0, 2]]
    whole = np.isfinite(ends).all(axis=1)
    for onset, end in ends[whole].astype(int):
        signal[onset : end + 1] = np.linspace(signal[onset], signal[end], end + 1 - onset)
    marks, presence = strip.marks.copy(), strip.presence.copy()
    marks[whole, wave], presence[whole, wave] = np.nan, ABSENT
    if wave == P and whole.any() and rng.random() < 0.7:
        signal = signal + size * _fibrillation(len(signal), strip.sampling_hz, rng)
    return replace(strip, marks=marks, presence=presence), signal


def _fibrillation(samples: int, sampling_hz: float, rng: np.random.Generator) -> np.ndarray:
    """Waves whose rate and size wander."""
    knots_s = np.arange(0, samples / sampling_hz + 1, 0.25)
    times_s = np.arange(samples) / sampling_hz
    rate_hz = rng.uniform(*FIBRILLATION_HZ) * (1 + rng.normal(0, 0.12, len(knots_s)))
    phase = 2 * np.pi * np.cumsum(np.interp(times_s, knots_s, rate_hz)) / sampling_hz
    swell = np.interp(times_s, knots_s, 1 + rng.normal(0, 0.35, len(knots_s)))
    shape = np.sin(phase) + rng.uniform(0, 0.4) * np.sin(2 * phase + rng.uniform(0, 6.3))
    return rng.exponential(FIBRILLATION_SIZE) * swell * shape


MARKS, POOLED = 9, 24
BATCH, LEARNING_RATE = 64, 3e-3
# The annotators' own scatter: the target is a hill so wide around each mark.
TARGET_S = 0.010
# Placing marks and seeing whether waves are there weigh about alike.
PRESENCE_WEIGHT = 2.0


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Fit, and write or score."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--validate", action="store_true")
    parser.add_argument("--output", type=Path)
    asked = parser.parse_args(argv)
    rng = np.random.default_rng(asked.seed)
    keras.utils.set_random_seed(asked.seed)
    odd = [record for record in ludb.RECORDS if record % 2]
    kept_back = odd[4::5] if asked.validate else []
    folder = data_folder()
    strips = wave_strips.of_ludb(folder, [record for record in odd if record not in kept_back])
    strips += wave_strips.of_mitdb(folder, rng) + wave_strips.of_ptbxl(folder)
    model = build()
    fit(model, strips, asked.epochs, rng)
    output = asked.output or (None if asked.validate else wave_network.WEIGHTS)
    if output:
        np.savez_compressed(output, **weights_of(model))
    if kept_back:
        _print_scores(model, wave_strips.of_ludb(folder, kept_back))
    return 0


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


def _print_scores(model: keras.Model, strips: list) -> None:
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


if __name__ == "__main__":
    raise SystemExit(main())
