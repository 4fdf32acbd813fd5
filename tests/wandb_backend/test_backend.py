"""The real wandb client against the stand-in, with programs of a few lines."""

import json
import re
import sys

import pytest

from tests.wandb_backend.fixture import WRONG_KEY, output

pytestmark = pytest.mark.slow

SWEEP = """
program: trial.py
method: grid
metric: {name: score, goal: maximize}
early_terminate: {type: hyperband, min_iter: 2, eta: 3}
parameters:
  gain: {values: [1.0, 0.1]}
"""
# The first run ends by itself. The second is worse, and waits to be stopped.
TRIAL = """
import signal, threading, wandb
asked_to_stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: asked_to_stop.set())
with wandb.init() as run:
    for epoch in range(3):
        run.log({"score": run.config.gain * epoch})
    run.summary["stopped"] = asked_to_stop.wait(0 if run.config.gain == 1 else 60)
"""
READ_SWEEP = """
import json, sys, wandb
sweep = wandb.Api().sweep(sys.argv[1])
best = wandb.Api().run("/".join(sweep.best_run().path))
print(json.dumps({
    "goal": sweep.config["metric"]["goal"], "gains": [run.config["gain"] for run in sweep.runs],
    "best": best.config["gain"], "summary": best.summary["score"],
    "scores": [row["score"] for row in best.scan_history(keys=["score"])],
}))
"""
RECORD = """
import sys, numpy as np, wandb
with wandb.init(project="demo", id=sys.argv[1], config={"rate": 0.5}) as run:
    run.log({"loss": 0.25})
    plot = wandb.plot.confusion_matrix(y_true=[0, 1], preds=[0, 1], class_names=["N", "S"])
    run.log({"matrix": plot, "image": wandb.Image(np.zeros((4, 4, 3), np.uint8))})
    open("model.keras", "w").write("weights")
    run.log_model("model.keras", name="cnn", aliases=["best"])
"""
READ_RUN = """
import json, os, wandb
run = wandb.Api().run("demo/sent-later")
folder = wandb.Api().artifact("demo/cnn:best", type="model").download("got")
print(json.dumps({
    "config": run.config, "rows": len(run.history(pandas=False)), "state": run.state,
    "artifacts": sorted(one.name for one in run.logged_artifacts()),
    "weights": open(os.path.join(folder, "model.keras")).read(),
}))
"""
LOGIN = "import wandb; print(wandb.login(prompt=False, verify=True))"


def _json(printed: str) -> dict:
    """The line of JSON among what a program printed."""
    return json.loads(next(line for line in printed.splitlines() if line.startswith("{")))


def test_sweep_agent_hyperband_and_best_run(wandb_backend, wandb_environment, tmp_path):
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    (tmp_path / "trial.py").write_text(TRIAL)
    said = output(
        ["wandb", "sweep", "--project", "demo", "sweep.yaml"], wandb_environment, tmp_path
    )
    sweep = re.findall(r"wandb agent (\S+)", said)[-1]
    output(["wandb", "agent", "--count", "2", sweep], wandb_environment, tmp_path)

    good, bad = wandb_backend.runs.values()
    assert (good["config"]["gain"], good["state"], good["stop"]) == (1, "finished", False)
    assert (bad["config"]["gain"], bad["state"], bad["stop"]) == (0.1, "finished", True)
    assert not good["summary"]["stopped"] and bad["summary"]["stopped"]
    assert [row["score"] for row in bad["history"]] == pytest.approx([0, 0.1, 0.2])

    read = output([sys.executable, "-c", READ_SWEEP, sweep], wandb_environment, tmp_path)
    assert _json(read) == {
        "goal": "maximize",
        "gains": [1, 0.1],
        "best": 1,
        "summary": 2,
        "scores": [0, 1, 2],
    }


def test_an_online_run_and_an_offline_run_sent_later(wandb_backend, wandb_environment, tmp_path):
    record = [sys.executable, "-c", RECORD]
    output([*record, "online"], wandb_environment, tmp_path)
    offline = {**wandb_environment, "WANDB_MODE": "offline", "WANDB_API_KEY": ""}
    output([*record, "sent-later"], offline, tmp_path)
    assert list(wandb_backend.runs) == ["online"]

    folders = [str(path) for path in (tmp_path / "wandb").glob("offline-run-*")]
    output(["wandb", "sync", *folders], wandb_environment, tmp_path)
    for run in wandb_backend.runs.values():
        assert (run["state"], run["config"]["rate"]) == ("finished", 0.5)
        assert run["history"][0]["loss"] == run["summary"]["loss"] == 0.25
        assert any(name.startswith("media/images/image") for name in run["files"])
        assert any(name.startswith("media/table/matrix") for name in run["files"])
        models = [wandb_backend.artifacts[name] for name in run["artifacts"]]
        assert [a["files"]["model.keras"] for a in models if a["name"] == "cnn"] == [b"weights"]

    assert _json(output([sys.executable, "-c", READ_RUN], wandb_environment, tmp_path)) == {
        "config": {"rate": 0.5},
        "rows": 2,
        "state": "finished",
        "weights": "weights",
        "artifacts": ["cnn:v1", "run-sent-later-matrix_table:v0"],
    }


def test_a_wrong_key_is_turned_away(wandb_environment, tmp_path):
    login = [sys.executable, "-c", LOGIN]
    assert output(login, wandb_environment, tmp_path).rstrip().endswith("True")
    wrong = {**wandb_environment, "WANDB_API_KEY": WRONG_KEY}
    assert "not logged in" in output(login, wrong, tmp_path, status=1)
    nobody = {**wandb_environment, "WANDB_API_KEY": ""}
    assert output(login, nobody, tmp_path).rstrip().endswith("False")
