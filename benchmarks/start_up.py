"""How long until a program answers, and how long until it could train?

python -m benchmarks.start_up

The first table has processor time and memory of every program: for its `--help`, for a misspelt
flag, and for a file that is not there. The second has the seconds of imports, on each backend of
Keras that is installed.
"""

import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from utils.command_line import Parser
from utils.paths import PROJECT_FOLDER

# Program -> arguments that name a file, a folder or a study that is not there; none where a
# program takes no such thing.
PROGRAMS: dict[str, list[str]] = {
    "beatsweep": ["nothing"],
    "main": ["--arch", "cnn", "--settings", "missing.yaml"],
    "eval": ["--checkpoint", "missing.json"],
    "data_exploratory": ["--data=ptb"],
    "analyse_record": ["missing/203"],
    "training.train_cnn": ["--settings=missing.yaml"],
    "training.train_rnn": ["--settings=missing.yaml"],
    "training.train_cnn_lstm": ["--settings=missing.yaml"],
    "training.train_autoencoder": ["--settings=missing.yaml"],
    "training.cross_validate": ["--settings=missing.yaml"],
    "training.transfer": ["--settings=missing.yaml"],
    "training.promote": ["missing.json"],
    "training.fit_calibration": ["--checkpoint", "missing.json"],
    "sweeps.agent": ["missing.yaml"],
    "sweeps.report": ["missing"],
    "sweeps.best": ["missing"],
    "serving": [],
    "heartbeats.download": [],
    "heartbeats.export": ["ptb", "csv"],
    "experiments.anomaly_detection.seeds": [],
    "experiments.delineation.fit": [],
    "experiments.exploration.kaggle_split": ["--data=ptb"],
    "experiments.out_of_distribution.out_of_distribution": ["--checkpoint", "missing.json"],
    "experiments.recorded_beats.fit_evidence": [],
    "experiments.recorded_beats.patients": ["--checkpoint", "missing.json"],
    "experiments.recorded_beats.record_beats": ["--checkpoint", "missing.json"],
    "experiments.recorded_beats.weigh_network": ["--checkpoint", "missing.json"],
}
IMPORTS = {
    "python alone": "pass",
    "settings and sweep files": "import training.settings",
    "wandb": "import wandb",
    "a training program": "import training.train_cnn, training.run",
    "a training program, model built": (
        "from training.architectures import find; a = find('cnn'); a.build(a.settings(), 187, 5)"
    ),
}


@dataclass(frozen=True)
class Cost:
    """What a process took: its exit status, processor time in seconds, and memory."""

    status: int
    processor_s: float
    megabytes: float


def command(program: str) -> list[str]:
    """The words that run a program: top-level ones by their file, others by their module."""
    file = PROJECT_FOLDER / f"{program}.py"
    return [sys.executable, str(file)] if file.is_file() else [sys.executable, "-m", program]


def cost(words: list[str], folder: Path) -> Cost:
    """Run a command with no data and with a runs folder of its own, and say what it took."""
    environment = {**os.environ, "ECG_DATA": str(folder), "ECG_RUNS": str(folder)}
    with subprocess.Popen(
        words,
        cwd=PROJECT_FOLDER,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        _pid, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    kilobytes = used.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return Cost(process.returncode, used.ru_utime + used.ru_stime, kilobytes / 1024)


def print_answers(folder: Path) -> None:
    """A line for each program: seconds and megabytes of its three answers."""
    print(f"{'processor seconds and MB':<54}{'--help':>15}{'a typo':>15}{'missing file':>15}")
    for program, missing in PROGRAMS.items():
        cells = []
        for asked in (["--help"], ["--hlep"], missing):
            spent = cost([*command(program), *asked], folder) if asked else None
            cells.append(f"{spent.processor_s:.2f} {spent.megabytes:4.0f}" if spent else "")
        print(f"{program:<54}" + "".join(f"{cell:>15}" for cell in cells), flush=True)


def seconds(code: str, backend: str) -> float:
    """The faster of two fresh processes that run `code`."""
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    times = []
    for _ in range(2):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], env=environment, check=True)
        times.append(time.perf_counter() - started)
    return min(times)


def print_imports() -> None:
    """A line for each thing to import: seconds on each backend."""
    backends = [name for name in ("tensorflow", "jax") if importlib.util.find_spec(name)]
    print("\nseconds, faster of two" + " " * 12 + "".join(f"{name:>12}" for name in backends))
    for what, code in IMPORTS.items():
        print(f"{what:<34}" + "".join(f"{seconds(code, name):12.2f}" for name in backends))


def main(argv: list[str] | None = None) -> int:
    """Print both tables; the exit status."""
    Parser(__doc__).parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        print_answers(Path(folder))
    print_imports()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
