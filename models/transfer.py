"""A trained network's body under a new head, and how much of it learns on.

The parts are told apart by structure alone, so that any network made here can be transferred,
also one whose layers Keras named:

- the body is every layer that reads or gives a sequence, (batch, steps, channels); the head is
  all behind it, and is always made anew;
- a block of the body ends with a layer that shortens the sequence, as each stage of the CNN does,
  and a recurrent layer begins one. The last block is the last that has weights: a CNN's last
  stage, an RNN's last recurrent layer with its normalisation. A body without either is one block.
"""

from models.backend import keras, layers
from utils.errors import InputError


def target_network(source: keras.Model, classes: int, mode: str) -> keras.Model:
    """A network shaped like `source`, ready to be trained on another data set.

    New weights are drawn as `keras.utils.set_random_seed` has it; `source` stays as it is. Frozen
    layers are not trainable, and batch normalisation among them keeps the source's statistics in
    training too.

    Args:
        source: with a layer named `logits`, as `models.heads.classify` makes it.
        classes: how many the target has.
        mode: ``scratch``, ``frozen``, ``last_block`` or ``whole``.

    Raises:
        InputError: `source` has no layer named `logits`, or no body.
    """
    network = _anew(source, classes)
    if mode == "scratch":
        return network
    trained = body(network)
    if not any(layer.weights for layer in trained):
        raise InputError("the source network has no layer with weights that reads a sequence")
    for layer in trained:
        layer.set_weights(source.get_layer(layer.name).get_weights())
    learning = {"frozen": [], "last_block": blocks(network)[-1], "whole": trained}[mode]
    for layer in trained:
        layer.trainable = layer in learning
    return network


def body(network: keras.Model) -> list[layers.Layer]:
    """The layers that read or give a sequence, from input to output."""
    return [
        layer
        for layer in network.layers
        if not isinstance(layer, layers.InputLayer) and _steps(layer.input) is not None
    ]


def blocks(network: keras.Model) -> list[list[layers.Layer]]:
    """The body's blocks that have weights, from input to output."""
    found: list[list[layers.Layer]] = [[]]
    for layer in body(network):
        if _is_recurrent(layer):
            found.append([])
        found[-1].append(layer)
        if _shortens(layer):
            found.append([])
    return [block for block in found if any(layer.weights for layer in block)]


def _anew(source: keras.Model, classes: int) -> keras.Model:
    """The same layers under the same names with new weights, for another number of classes."""
    if "logits" not in {layer.name for layer in source.layers}:
        raise InputError("the source network has no layer named 'logits' to put a new one for")

    def copy(layer: layers.Layer) -> layers.Layer:
        config = layer.get_config()
        if layer.name == "logits":
            config["units"] = classes
        return type(layer).from_config(config)

    return keras.models.clone_model(source, clone_function=copy)


def _steps(tensors) -> int | None:
    """Steps of the longest sequence among a layer's inputs or outputs; None without any."""
    shapes = [tensor.shape for tensor in keras.tree.flatten(tensors)]
    steps = [shape[1] for shape in shapes if len(shape) == 3]
    return max(steps, default=None)


def _shortens(layer: layers.Layer) -> bool:
    """Whether fewer steps come out; one step for the whole beat is a gate's, not a stage's end."""
    before, after = _steps(layer.input), _steps(layer.output)
    return before is not None and after is not None and 1 < after < before


def _is_recurrent(layer: layers.Layer) -> bool:
    return isinstance(layer, (layers.RNN, layers.Bidirectional))
