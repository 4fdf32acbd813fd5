"""One-dimensional convolutional networks: plain stacks and residual stages."""

from models.architectures import CnnArchitecture
from models.backend import keras, layers
from models.heads import classify


def build(shape: CnnArchitecture, samples: int, classes: int) -> keras.Model:
    """An uncompiled CNN.

    Input shape: (batch, samples, 1), scaled to [0, 1].
    Output shape: (batch, classes), probabilities that sum to one.
    """
    signal = keras.Input((samples, 1), name="signal")
    return keras.Model(signal, classify(convolve(signal, shape), shape, classes), name="cnn")


def convolve(signal, shape: CnnArchitecture):
    """(batch, samples, 1) -> (batch, steps, channels): the stem and all stages."""
    x = layers.Conv1D(
        shape.width, shape.stem_kernel, strides=shape.stem_stride, padding="same", use_bias=False
    )(signal)
    x = _norm_relu(x)
    for stage in range(shape.stages):
        width = max(4, round(shape.width * shape.width_growth**stage))
        for _ in range(shape.blocks):
            x = _BLOCKS[shape.block](x, width, shape)
        x = _halve(x, shape.pooling)
        x = _drop(x, shape)
    return x


def _plain(x, width: int, shape: CnnArchitecture):
    return _norm_relu(layers.Conv1D(width, shape.kernel, padding="same", use_bias=False)(x))


def _residual(x, width: int, shape: CnnArchitecture):
    """Two convolutions beside a short cut: He et al. 2016, in one dimension."""
    shortcut = x
    if x.shape[-1] != width:
        shortcut = layers.Conv1D(width, 1, use_bias=False)(x)
    y = _norm_relu(layers.Conv1D(width, shape.kernel, padding="same", use_bias=False)(x))
    y = layers.Conv1D(width, shape.kernel, padding="same", use_bias=False)(y)
    y = _norm(y)
    if shape.squeeze_excite:
        y = _squeeze_excite(y, width)
    return layers.ReLU()(layers.Add()([shortcut, y]))


_BLOCKS = {"plain": _plain, "residual": _residual}


def _squeeze_excite(x, width: int):
    """Channels weighed by what the whole beat looks like: Hu et al. 2018."""
    gate = layers.GlobalAveragePooling1D(keepdims=True)(x)
    gate = layers.Dense(max(4, width // 8), activation="relu")(gate)
    gate = layers.Dense(width, activation="sigmoid")(gate)
    return layers.Multiply()([x, gate])


def _norm(x):
    # Keras' momentum of 0.99 lags behind in trials of a few hundred batches.
    return layers.BatchNormalization(momentum=0.95)(x)


def _norm_relu(x):
    return layers.ReLU()(_norm(x))


def _halve(x, pooling: str):
    if x.shape[1] < 2:
        return x
    if pooling == "stride":
        return layers.Conv1D(x.shape[-1], 3, strides=2, padding="same", use_bias=False)(x)
    pool = layers.MaxPooling1D if pooling == "max" else layers.AveragePooling1D
    return pool(2, padding="same")(x)


def _drop(x, shape: CnnArchitecture):
    if shape.dropout == 0:
        return x
    # Element-wise dropout draws a number per value: costly, and far slower under XLA on a CPU.
    kind = layers.SpatialDropout1D if shape.dropout_kind == "spatial" else layers.Dropout
    return kind(shape.dropout)(x)
