"""Keras, quiet and with oneDNN: `from models.backend import keras`.

All our modules import Keras from here, so that it is set up whichever of them comes first.
"""

import logging
import os

from utils.quiet import without_lines

# TensorFlow 2.21 greets with notes on its CPU features and on oneDNN, some of which no setting
# silences. They come while it is imported and when it first computes. Errors still show.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# TensorFlow leaves oneDNN off on processors without AVX-512, where too it halves the time of a
# training step: `python -m benchmarks.training_speed`.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
with without_lines("WARNING: All log messages before absl", "I0000"):
    import keras

    keras.ops.zeros(1)

# Each network predicts whole batches and a shorter last one: two traces, of which it warns.
logging.getLogger("tensorflow").setLevel(logging.ERROR)

layers, ops = keras.layers, keras.ops

__all__ = ["keras", "layers", "ops"]
