"""The benchmarks of the sweep engine run and print their tables."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def printed(module: str, *words: str, folder: Path) -> list[str]:
    """The lines that a benchmark prints."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")}
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{module}", *words],
        cwd=ROOT,
        timeout=900,
        env={**kept, "HOME": str(folder), "WANDB_ERROR_REPORTING": "false"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
def test_overhead_of_a_trial(tmp_path):
    lines = printed("sweep_overhead", "--trials", "3", folder=tmp_path)
    warm, fresh, wandb = (float(line.split()[-1]) for line in lines[1:4])
    assert 0 < warm < fresh < wandb


@pytest.mark.slow
def test_number_of_workers(tmp_path):
    lines = printed("worker_count", "--trials=2", "--beats=500", "--rounds=1", folder=tmp_path)
    assert [line.split()[0] for line in lines[1:]] == ["cnn", "rnn"]


@pytest.mark.slow
def test_growth_of_a_study(tmp_path):
    lines = printed("study_growth", "--trials", "20", "--rows", "30", folder=tmp_path)
    assert len(lines) == 16 and lines[-1].startswith("tpe")
