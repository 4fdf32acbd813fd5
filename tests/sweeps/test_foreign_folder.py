"""A sweep of somebody else's program, in a folder and an environment of their own."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from sweeps import launch, sweep_file
from sweeps.programs import warm_call
from utils.paths import PROJECT_FOLDER

PROGRAM = """\
import sys
import wandb
import utils
from models.net import WHOSE

run = wandb.init()
run.log({"acc": run.config.lr * run.config["trainer.epochs"]})
run.finish()
print("python:", sys.prefix)
print("modules:", utils.WHOSE, WHOSE, [name for name in sys.modules if name.startswith("sweeps")])
"""
SWEEP = """\
program: src/train.py
method: random
run_cap: 2
metric: {name: acc, goal: maximize}
parameters:
  lr: {min: 0.1, max: 0.9}
  trainer.epochs: {value: 2}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A project with modules that have our names, and a `dis.py` that breaks whoever finds it."""
    (tmp_path / "src" / "models").mkdir(parents=True)
    (tmp_path / "src" / "train.py").write_text(PROGRAM)
    (tmp_path / "src" / "utils.py").write_text('WHOSE = "their utils"')
    (tmp_path / "src" / "models" / "net.py").write_text('WHOSE = "their net"')
    for name in ("utils", "dis", "sweeps", "models", "optuna"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('not to be found')")
    (tmp_path / "their.yaml").write_text(SWEEP)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_their_program_runs_in_their_environment_and_finds_their_modules(folder):
    venv.create(folder / "env", symlinks=True)
    (site,) = (folder / "env" / "lib").glob("python*/site-packages")
    ours = sysconfig.get_path("purelib")
    (site / "wandb.pth").write_text(f"import sys; sys.path.append({ours!r})")
    kept = {key: one for key, one in os.environ.items() if not key.startswith(("WANDB", "ECG"))}
    environment = kept | {
        "HOME": str(folder),
        "VIRTUAL_ENV": str(folder / "env"),
        "PATH": f"{folder / 'env' / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": "",
    }
    command = f"import sys; sys.path.insert(0, {str(PROJECT_FOLDER)!r}); import beatsweep as b; "
    done = subprocess.run(
        [sys.executable, "-P", "-c", command + "sys.exit(b.main(['sweep', 'their.yaml']))"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0 and "2 finished" in done.stdout, done.stdout + done.stderr
    log = (folder / "runs" / "sweeps" / "their" / "logs" / "0000.log").read_text()
    assert f"python: {folder / 'env'}" in log
    assert "modules: their utils their net []" in log


def test_a_program_of_theirs_that_bears_our_name_is_theirs(folder):
    words = ("python", "-m", "training.train_cnn", "--lr=1")
    assert warm_call(words) == ("training.train_cnn", ["--lr=1"])
    (folder / "training").mkdir()
    (folder / "training" / "train_cnn.py").write_text("")
    assert warm_call(words) is None
    assert warm_call(("python", "-m", "training.nothing")) is None


@pytest.mark.parametrize("variable", ["VIRTUAL_ENV", "CONDA_PREFIX"])
def test_python_is_that_of_the_active_environment(folder, monkeypatch, variable):
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    sweep, before = sweep_file.read(Path("their.yaml")), os.environ["PATH"]

    def path(is_ours: bool = False) -> str:
        made = launch.prepare(sweep, folder, "s", "r", 0, {}, "g", threads=1, is_ours=is_ours)
        return made.environment["PATH"]

    assert path() == f"{Path(sys.executable).parent}:{before}"  # none is active
    monkeypatch.setenv(variable, str(folder / "env"))
    assert path() == before
    assert path(is_ours=True) == f"{Path(sys.executable).parent}:{before}"


def test_a_program_of_ours_finds_our_packages_from_any_folder(folder, monkeypatch):
    sweep = sweep_file.read(Path("their.yaml"))
    monkeypatch.setenv("PYTHONPATH", "/theirs")
    made = launch.prepare(sweep, folder, "s", "r", 0, {}, "g", threads=1, is_ours=True)
    assert made.environment["PYTHONPATH"] == f"{PROJECT_FOLDER}:/theirs"
    assert made.environment["PYTHONSAFEPATH"] == "1"
    monkeypatch.chdir(PROJECT_FOLDER)
    made = launch.prepare(sweep, folder, "s", "r", 0, {}, "g", threads=1, is_ours=True)
    assert "PYTHONSAFEPATH" not in made.added
