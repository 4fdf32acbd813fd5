"""The one command: its words lead to programs, its help is instant."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import beatsweep
from utils.errors import PYTHONS

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.mark.parametrize("name", beatsweep.COMMANDS)
def test_every_command_is_a_program(name):
    file = ROOT / f"{beatsweep.COMMANDS[name][0].replace('.', '/')}.py"
    assert "raise SystemExit(main())" in file.read_text()


@pytest.fixture
def called(monkeypatch):
    """What a program was called with, in place of any program."""
    calls = []

    class Program:
        @staticmethod
        def main(argv):
            calls.append((sys.argv[0], argv))
            return 5

    monkeypatch.setattr(sys, "argv", ["beatsweep"])
    monkeypatch.setattr(beatsweep.importlib, "import_module", lambda module: Program)
    return calls


@pytest.mark.parametrize(
    ("words", "name", "argv"),
    [
        (["train", "cnn", "--epochs=1"], "train cnn", ["--epochs=1"]),
        (["train", "final"], "train final", []),
        (["predict", "beats.csv"], "predict", ["--predict", "beats.csv"]),
        (["predict", "--help"], "predict", ["--help"]),
        (["serve", "--help"], "serve", ["--help"]),
    ],
)
def test_arguments_are_handed_on(called, words, name, argv):
    assert beatsweep.main(words) == 5
    assert called == [(f"beatsweep {name}", argv)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["trian"], "unknown command 'trian' (did you mean train?)"),
        (["evalaute", "--help"], "(did you mean evaluate?)"),
        (["train", "cn"], "expected final, cnn, rnn, cnn_lstm, autoencoder after train, got 'cn'"),
        (["--data=x"], "unknown command '--data=x'; --help lists all"),
    ],
)
def test_a_typo_is_answered_with_the_closest_command(capsys, words, said):
    assert beatsweep.main(words) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["--help"], ["train"], ["train", "-h"]])
def test_help_lists_the_commands(capsys, words):
    assert beatsweep.main(words) == 0
    listed = capsys.readouterr().out
    assert "train cnn_lstm" in listed and ("evaluate" in listed) == ("train" not in words)


def test_help_needs_nothing_but_python():
    """-S leaves out what is installed, so that any import of a library would fail."""
    done = subprocess.run(
        [sys.executable, "-S", ROOT / "beatsweep.py", "--help"], capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stdout.startswith("usage: beatsweep COMMAND")


def test_every_room_and_program_is_installed():
    setuptools = PROJECT["tool"]["setuptools"]
    rooms = {file.parent.name for file in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks"}
    assert rooms == {pattern.rstrip("*") for pattern in setuptools["packages"]["find"]["include"]}
    assert set(setuptools["py-modules"]) == {file.stem for file in ROOT.glob("*.py")}


def test_the_pythons_are_said_alike_everywhere():
    first, last = PYTHONS
    assert PROJECT["project"]["requires-python"] == f">=3.{first},<3.{last + 1}"
    words = f"Python 3.{first} to 3.{last}"
    assert words in (ROOT / "Makefile").read_text() and words in (ROOT / "README.md").read_text()
