"""A trial is started as W&B's own agent starts it."""

import json
import os
from pathlib import Path

import pytest
import yaml
from wandb.sdk.launch.sweeps import utils as wandb_sweeps

from sweeps import launch, sweep_file
from sweeps.programs import warm_call
from utils.paths import PROJECT_FOLDER

VALUES = {"lr": 0.01, "flag": True, "off": False, "none": None, "model": {"width": 8}, "n": 3}


def sweep(command: list[str] | None = None, more: str = ""):
    text = "program: train.py\nmethod: random\nparameters: {lr: {min: 0.0, max: 1.0}}\n" + more
    if command:
        text += f"command: {json.dumps(command)}\n"
    return sweep_file.parse(text, Path("s.yaml"))


def of_wandb(command: list[str] | None) -> list[str]:
    """The words as W&B's own functions fill them, put together as its agent does."""
    given = {"args": {name: {"value": value} for name, value in VALUES.items()}}
    lists = wandb_sweeps.create_sweep_command_args(given)
    lists |= {
        "interpreter": ["python"],
        "program": ["train.py"],
        "env": ["/usr/bin/env"],
        "args_json_file": ["f.json"],
    }
    words: list[str] = []
    for word in wandb_sweeps.create_sweep_command(list(command) if command else None):
        if word.startswith("${") and word.endswith("}"):
            words += lists.get(word[2:-1]) or []
        else:
            words.append(word)
    return words


@pytest.mark.parametrize(
    "command",
    [
        None,
        ["${env}", "${interpreter}", "-m", "training.train_cnn", "${args}"],
        ["${interpreter}", "${program}", "${args_no_equals}"],
        ["x", "${args_no_hyphens}", "${args_no_boolean_flags}"],
        ["x", "${args_json}"],
        ["x", "${args_json_file}"],
        ["x", "${args_append_hydra}", "${args_override_hydra}"],
        ["--home=${envvar:BEATSWEEP_TEST}", "a${envvar:BEATSWEEP_NONE}b"],
    ],
)
def test_words_are_those_of_wandbs_agent(command, monkeypatch):
    monkeypatch.setenv("BEATSWEEP_TEST", "here")
    assert launch.words(sweep(command), VALUES, Path("f.json")) == of_wandb(command)


def test_the_environment_and_the_file_are_those_of_wandbs_agent(tmp_path, monkeypatch):
    for name in list(os.environ):
        if name.startswith("WANDB_"):
            monkeypatch.delenv(name)
    words = sweep(["x", "${args_json_file}"], "project: p\nentity: e\n")
    made = launch.prepare(words, tmp_path, "swp", "run1", 7, VALUES, "group", threads=2)
    environment = made.environment
    assert {name: environment[name] for name in environment if name.startswith("WANDB_")} == {
        "WANDB_MODE": "offline",
        "WANDB_SWEEP_ID": "swp",
        "WANDB_RUN_ID": "run1",
        "WANDB_SWEEP_PARAM_PATH": str(tmp_path / "wandb" / "sweep-swp" / "config-run1.yaml"),
        "WANDB_DIR": str(tmp_path),
        "WANDB_RUN_GROUP": "group",
        "WANDB_PROJECT": "p",
        "WANDB_X_TRANSACTION_LOG_FLUSH_INTERVAL": "1",
        "WANDB_ENTITY": "e",
    }
    content = yaml.safe_load(Path(environment["WANDB_SWEEP_PARAM_PATH"]).read_text())
    assert content.pop("wandb_version") == 1
    assert content == {name: {"value": value} for name, value in VALUES.items()}
    assert json.loads(Path(made.command[1]).read_text()) == VALUES
    assert Path(environment["SWEEP_TRIAL_DIR"]).is_dir()


def test_threads_are_shared_out_unless_the_user_has_decided(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
    made = launch.prepare(sweep(), tmp_path, "s", "r", 0, VALUES, "g", threads=2)
    assert made.environment["OMP_NUM_THREADS"] == "7"
    assert made.environment["TF_NUM_INTRAOP_THREADS"] == "2"


def test_which_commands_may_run_warm(tmp_path, monkeypatch):
    ours = ("/usr/bin/env", "python", "-m", "training.train_cnn", "--a=1")
    assert warm_call(ours) == ("training.train_cnn", ["--a=1"])
    assert warm_call(("python", "-m", "theirs", "--a=1")) is None
    assert warm_call(("python", "-m", "theirs", "--a=1"), anywhere=True) == ("theirs", ["--a=1"])
    assert warm_call(("python", "train.py"), anywhere=True) is None
    monkeypatch.chdir(PROJECT_FOLDER)
    default = ("/usr/bin/env", "python", "training/train_cnn.py", "--a=1")
    assert warm_call(default) == ("training.train_cnn", ["--a=1"])
    monkeypatch.chdir(tmp_path)  # where a file of that name is somebody else's
    assert warm_call(default) is None
