"""The programs run on the second backend too."""

import os
import subprocess
import sys

import pytest

pytest.importorskip("jax")


@pytest.mark.slow
@pytest.mark.parametrize("program", ["train_cnn", "train_rnn"])
def test_training_runs_on_jax(tmp_path, program):
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            f"training.{program}",
            "--data=synthetic",
            "--train_limit=500",
            "--epochs=2",
            "--width=8",
            "--tracking=silent",
        ],
        env={**os.environ, "KERAS_BACKEND": "jax", "ECG_RUNS": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    checkpoint = tmp_path / "checkpoints" / "synthetic-patients" / f"{program[6:]}.json"
    assert '"backend": "jax"' in checkpoint.read_text()
