"""Freeing what Keras and TensorFlow keep of networks whose training is over."""

import sys

import keras

GRADIENTS = "CustomGradient-"


def forget_networks() -> None:
    """Let go of all networks that nothing else refers to any more.

    A process that trains one network after the other would otherwise grow by tens of megabytes
    with each: TensorFlow registers a gradient for every graph that Keras traces, under a new name,
    and keeps the graph with it for ever. Python's collector then frees the rest in its own time.
    """
    keras.backend.clear_session(free_memory=False)
    # Not part of TensorFlow's public interface; `tests/training/test_forgetting.py` tells when it
    # moves, and without it only memory is lost.
    if ops := sys.modules.get("tensorflow.python.framework.ops"):
        kept = ops.gradient_registry._registry
        for name in [name for name in kept if name.startswith(GRADIENTS)]:
            del kept[name]
