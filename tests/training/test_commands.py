"""The training programs group their help, and answer mistakes before anything slow is imported.

That their help comes at once is tested with that of all programs: `tests/test_start_up.py`.
"""

import dataclasses
import json
import subprocess
import sys

import pytest

from experiments.anomaly_detection.settings import AutoencoderSettings
from experiments.cross_validation.settings import settings_kind
from experiments.transfer.settings import TransferSettings
from training.architectures import ARCHITECTURES
from utils.paths import PROJECT_FOLDER
from utils.settings import from_command_line, groups

PROGRAMS = (
    "training.train_cnn",
    "training.train_cnn_lstm",
    "training.train_rnn",
    "training.train_autoencoder",
    "training.cross_validate",
    "training.transfer",
    "main",
)
SETTINGS = (
    *(one.settings for one in ARCHITECTURES.values()),
    *(settings_kind(name) for name in ARCHITECTURES),
    AutoencoderSettings,
    TransferSettings,
)
SLOW = {"keras", "matplotlib", "pandas", "scipy", "sklearn", "tensorflow", "wandb", "wfdb"}
# Runs commands one after the other, and prints what each said and what was imported by all.
RUN_ALL = """
import contextlib, importlib, io, json, sys
answers = []
for module, *words in json.loads(sys.argv[1]):
    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
        try:
            status = importlib.import_module(module).main(words)
        except SystemExit as end:
            status = end.code
    answers.append([status, text.getvalue()])
print(json.dumps([answers, sorted(sys.modules)]))
"""


def answers(*commands: list[str]) -> list[tuple[int, str]]:
    """Status and output of each command; fails where one of them imported anything slow."""
    done = subprocess.run(
        [sys.executable, "-c", RUN_ALL, json.dumps(commands)],
        cwd=PROJECT_FOLDER,
        capture_output=True,
        text=True,
        check=True,
    )
    found, imported = json.loads(done.stdout)
    assert not SLOW & set(imported)
    return [(status, text) for status, text in found]


def test_a_misspelt_flag_is_told_with_the_closest_one():
    typos = [[program, "--epoch=3"] for program in PROGRAMS if program != "training.transfer"]
    for status, text in answers(*typos, ["training.transfer", "--source_epoch=3"]):
        assert status == 2 and "epochs?" in text


def test_a_missing_file_and_a_wrong_value_are_told():
    missing = [[program, "--settings=none.yaml"] for program in PROGRAMS]
    for status, text in answers(*missing):
        assert status == 2 and "none.yaml" in text
    wrong = [[program, "--data=mitbhi"] for program in PROGRAMS if program != "training.transfer"]
    for status, text in answers(*wrong, ["training.transfer", "--target=mitbhi"]):
        assert status == 2 and "unknown data set 'mitbhi'" in text


@pytest.mark.parametrize("kind", SETTINGS, ids=lambda kind: kind.__name__)
def test_every_setting_is_in_a_group_of_the_help(kind, capsys):
    assert "settings" not in groups(kind)  # the title of what no class names
    assert sum(map(len, groups(kind).values())) == len(dataclasses.fields(kind))
    with pytest.raises(SystemExit):
        from_command_line(kind, ["--help"])
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 100
    for title, fields in groups(kind).items():
        assert f"\n{title}:\n" in text
        for field in fields:
            assert f"  --{field.name} " in text
    assert text.count("(default") >= len(dataclasses.fields(kind)) - 2  # two may break the line
