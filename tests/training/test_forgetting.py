"""A process that trains many networks does not grow with each."""

import gc

import keras
import numpy as np
import psutil
import pytest

from models import cnn
from tests.training.test_loop import SMALL, bumps
from training import loop, train_cnn
from training.forgetting import forget_networks
from training.settings import CnnSettings

SETTINGS = CnnSettings(**SMALL, epochs=1)


def graphs() -> int:
    """How many traced graphs live."""
    gc.collect()
    return sum(type(one).__name__ == "FuncGraph" for one in gc.get_objects())


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's own leak")
@pytest.mark.slow
def test_no_graph_outlives_its_training():
    beats = bumps(200, 0)
    forget_networks()
    before = graphs()
    for _ in range(3):
        keras.utils.set_random_seed(0)
        network = cnn.build(SETTINGS, 187, 5)
        loop.fit(network, beats, beats, SETTINGS, verbose=0)
        del network
    kept = graphs() - before
    forget_networks()
    assert graphs() <= before < before + kept


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_memory_stays_level_over_fifty_trials(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ECG_RUNS", str(tmp_path))
    flags = ["--data=synthetic", "--train_limit=200", "--epochs=1", "--stages=1", "--width=4"]
    memory = []
    for seed in range(50):
        assert train_cnn.main([*flags, f"--seed={seed}", "--tracking=silent"]) == 0
        memory.append(psutil.Process().memory_info().rss / 2**20)
        capsys.readouterr()
    # Libraries fill their caches in the first trials.
    slope = np.polyfit(np.arange(40), memory[10:], 1)[0]
    assert slope < 1.0, f"{slope:.2f} MB a trial"
    assert memory[-1] < memory[10] + 60
