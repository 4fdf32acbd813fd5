"""A process that trains many networks does not grow with each."""

import gc
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from models import cnn
from tests.training.test_loop import SMALL, bumps
from training import loop
from training.settings import CnnSettings
from training.tracked_run import clear_session

ROOT = Path(__file__).parents[2]
SETTINGS = CnnSettings(**SMALL, epochs=1)


def graphs() -> int:
    """How many traced graphs live."""
    gc.collect()
    return sum(type(one).__name__ == "FuncGraph" for one in gc.get_objects())


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's own leak")
@pytest.mark.slow
def test_no_graph_outlives_its_training():
    beats = bumps(200, 0)
    clear_session()
    before = graphs()
    for _ in range(3):
        keras.utils.set_random_seed(0)
        network = cnn.build(SETTINGS, 187, 5)
        loop.fit(network, beats, beats, SETTINGS)
        del network
    kept = graphs() - before
    clear_session()
    assert graphs() <= before < before + kept


# Its own process: what earlier tests left behind would count, too.
FIFTY_TRIALS = """
import json, psutil
from training import train_cnn
flags = ["--data=synthetic", "--train_limit=200", "--epochs=1", "--stages=1", "--width=4"]
memory = []
for seed in range(50):
    assert train_cnn.main([*flags, f"--seed={seed}", "--tracking=silent"]) == 0
    memory.append(psutil.Process().memory_info().rss / 2**20)
print(json.dumps(memory))
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_memory_stays_level_over_fifty_trials(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FIFTY_TRIALS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "ECG_RUNS": str(tmp_path)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    memory = json.loads(done.stdout.splitlines()[-1])
    # Libraries fill their caches in the first trials; then Python's collector, which comes in its
    # own time, makes a sawtooth of some 100 MB: its peaks must not rise.
    assert max(memory[30:]) < max(memory[10:30]) + 40, memory
    slope = np.polyfit(np.arange(40), memory[10:], 1)[0]
    assert slope < 1.0, f"{slope:.2f} MB a trial"
