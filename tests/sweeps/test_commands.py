"""The commands answer help and mistakes at once, before any library is loaded."""

import subprocess
import sys

import pytest

from utils.paths import PROJECT_FOLDER

COMMANDS = ("sweeps.agent", "sweeps.best", "sweeps.report")
SLOW_LIBRARIES = {"matplotlib", "numpy", "optuna", "rich", "scipy", "sqlalchemy", "wandb", "yaml"}
# A program that runs a command and prints what it has loaded.
LOADED = """
import runpy, sys
sys.argv = sys.argv[1:]
try:
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
except SystemExit as end:
    print("\\nloaded:", end.code, *sys.modules)
"""


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        (["--help"], "0", "usage:"),
        (["x", "--no-such-flag"], "2", "unknown argument --no-such-flag"),
        ([], "2", "required: "),
    ],
)
def test_help_and_typing_errors(command, words, status, text):
    check(command, words, status, text)


def test_a_sweep_file_that_is_not_there():
    check("sweeps.agent", ["none.yaml"], "2", "cannot read 'none.yaml': there is no such file")


def check(command: str, words: list[str], status: str, text: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED, command, *words],
        cwd=PROJECT_FOLDER,
        capture_output=True,
        text=True,
    )
    printed, _, loaded = done.stdout.partition("\nloaded: ")
    assert text in printed + done.stderr
    assert loaded.split()[0] == status
    assert not SLOW_LIBRARIES & set(loaded.split())
