"""Every program answers `--help` at once, and says in a sentence which library is missing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import start_up
from experiments.delineation import fit
from sweeps import report
from tests.test_architecture import TABLE

ROOT = Path(__file__).parent.parent
# Started by other programs of ours.
INTERNAL = {"sweeps.warm_worker", "sweeps.guard"}
# Other names of programs, which call the same `main`.
ALIASES = {
    "experiments.anomaly_detection.train",
    "experiments.cross_validation.program",
    "experiments.transfer.program",
    "studies.patients",
    "studies.record_beats",
}
HEAVY = {"keras", "matplotlib", "optuna", "pandas", "scipy", "sklearn", "tensorflow", "torch"}
HEAVY |= {"wandb", "wfdb"}
# Calls main with --help, and then with the words given, in one process; prints for each program
# what --help imported, and what the second call returned and wrote to standard error.
PROBE = """
import contextlib, importlib, io, json, sys

def call(name, words):
    said = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
        try:
            status = importlib.import_module(name).main(words)
        except SystemExit as ended:
            status = ended.code
        except Exception as error:
            status = repr(error)
    return status, said.getvalue()

found = {}
for name, words in json.load(sys.stdin).items():
    before = set(sys.modules)
    status, said = call(name, words)
    found[name] = [status, said, sorted({one.split(".")[0] for one in set(sys.modules) - before})]
print(json.dumps(found))
"""


def modules() -> dict[str, Path]:
    """All of ours but tests and benchmarks, as they are imported."""
    files = [*ROOT.glob("*.py")]
    for room in TABLE:
        files += (ROOT / room).rglob("*.py")
    return {str(file.relative_to(ROOT).with_suffix("")).replace("/", "."): file for file in files}


def programs() -> set[str]:
    """Those that are run."""
    return {
        name
        for name, file in modules().items()
        if "\nif __name__ ==" in file.read_text(encoding="utf-8")
    }


def called(words: dict[str, list[str]], *options: str) -> dict[str, tuple]:
    """Program -> status of `main(words)`, its words on standard error, and what it imported."""
    done = subprocess.run(
        [sys.executable, *options, "-c", PROBE],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "ECG_DATA": "/nowhere"},
        input=json.dumps(words),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_the_benchmark_knows_all_programs():
    named = {"serving.__main__" if name == "serving" else name for name in start_up.PROGRAMS}
    assert named == programs() - INTERNAL - ALIASES


def test_help_waits_for_no_library():
    asked = {name: ["--help"] for name in sorted(programs() - INTERNAL)}
    for name, (status, said, imported) in called(asked).items():
        assert status == 0, f"{name}: {said}"
        assert not HEAVY & set(imported), name


@pytest.fixture(scope="module")
def without_libraries():
    """Calls with what each program needs to get as far as its libraries; -S leaves them out."""
    words = {
        "eval": ["--data=synthetic"],
        "analyse_record": ["record.csv"],
        "sweeps.agent": ["sweeps/smoke.yaml"],
        "sweeps.report": ["study"],
        "sweeps.best": ["study"],
        "heartbeats.download": ["mitdb"],
        "heartbeats.export": ["mitbih", "csv"],
        "serving.__main__": ["--port=0"],
        "training.fit_calibration": ["--checkpoint", "pyproject.toml"],
        "experiments.out_of_distribution.out_of_distribution": ["--checkpoint", "pyproject.toml"],
    }
    names = sorted(programs() - INTERNAL - {"beatsweep"})
    return called({name: words.get(name, []) for name in names}, "-S")


def test_without_libraries_a_sentence_says_the_way_out(without_libraries):
    for name, (status, said, _imported) in without_libraries.items():
        assert status == 2, f"{name}: {status}: {said}"
        assert said.startswith("error: ") and said.count("\n") == 1, f"{name}: {said}"
        assert " is not installed " in said, f"{name}: {said}"


@pytest.mark.parametrize("words", [["main.py"], ["-m", "training.train_cnn"], ["-m", "serving"]])
def test_so_it_is_in_a_process_of_its_own(words):
    done = subprocess.run(
        [sys.executable, "-S", *words], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2 and " is not installed " in done.stderr


def test_former_names_of_flags_are_understood():
    assert str(report._parse(["study", "--out", "folder"]).to) == "folder"
    assert str(fit._parse(["--output", "weights.npz"]).to) == "weights.npz"


def test_no_module_of_ours_hides_one_of_python():
    """A program that is run by its path has its own folder first on the path."""
    folders = {modules()[name].parent for name in programs()}
    names = {file.stem for folder in folders for file in folder.glob("*.py")} - {"__main__"}
    assert not names & sys.stdlib_module_names
