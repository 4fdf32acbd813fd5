"""The training program under the real wandb client: sweep, agent, early stop, offline and sync.

The server is the project's own stand-in; the beats are synthetic.
"""

import re
import socket
import sys
from pathlib import Path

import pytest
import yaml

from tests.wandb_backend.fixture import WRONG_KEY, output

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
SMOKE = ROOT / "sweeps" / "smoke.yaml"
TRAIN = [
    sys.executable,
    "-m",
    "training.train_cnn",
    "--data=synthetic",
    "--train_limit=500",
    "--epochs=1",
    "--stages=2",
    "--width=4",
]


@pytest.fixture
def environment(wandb_environment, tmp_path) -> dict[str, str]:
    """All that the programs write goes to the test's own folder."""
    return {**wandb_environment, "ECG_RUNS": str(tmp_path / "runs"), "WANDB_DIR": str(tmp_path)}


def start_sweep(file: Path, environment: dict[str, str]) -> str:
    """ENTITY/PROJECT/ID, as `wandb sweep` prints it."""
    printed = output(["wandb", "sweep", "--project", "beats", str(file)], environment, ROOT)
    return re.findall(r"wandb agent (\S+)", printed)[-1]


def model_artifacts(backend, run: dict) -> list[dict]:
    artifacts = [backend.artifacts[name] for name in run["artifacts"]]
    return [artifact for artifact in artifacts if artifact["type"] == "model"]


def test_a_sweep_and_its_winner(wandb_backend, environment, tmp_path):
    output(["wandb", "login", "--relogin", environment["WANDB_API_KEY"]], environment, ROOT)
    sweep = start_sweep(SMOKE, environment)
    output(["wandb", "agent", "--count", "2", sweep], environment, ROOT)

    runs = list(wandb_backend.runs.values())
    assert [run["state"] for run in runs] == ["finished", "finished"]
    assert [run["config"]["width"] for run in runs] == [8, 16]
    for run in runs:
        assert run["config"]["learning_rate"] == 0.003
        assert {"fingerprint", "commit", "parameters", "architecture"} <= set(run["config"])
        epochs = [row for row in run["history"] if "val_macro_f1" in row]
        assert [row["epoch"] for row in epochs] == [1, 2]
        best = max(row["val_macro_f1"] for row in epochs)
        assert run["summary"]["best_val_macro_f1"] == pytest.approx(best)
        # A sweep's trials log W&B's own table; the picture is for runs that somebody looks at.
        assert any(name.startswith("media/table/confusion") for name in run["files"])
        assert not any(name.startswith("media/images/confusion") for name in run["files"])
    (artifact,) = model_artifacts(wandb_backend, runs[0])  # the first is the best so far
    assert artifact["committed"] and "best" in artifact["aliases"]
    assert any(name.endswith(".keras") for name in artifact["files"])

    better = max(runs, key=lambda run: run["summary"]["best_val_macro_f1"])
    printed = output([sys.executable, "main.py", "--sweep", sweep], environment, ROOT)
    assert f"best run of {sweep}" in printed
    final = list(wandb_backend.runs.values())[-1]
    assert final["group"].startswith("final-") and final["state"] == "finished"
    assert final["config"]["width"] == better["config"]["width"]
    assert final["config"]["learning_rate"] == 0.003
    assert any(name.startswith("media/images/confusion") for name in final["files"])
    assert list(tmp_path.rglob("report.html"))


def test_hyperband_ends_a_run_in_good_order(wandb_backend, environment, tmp_path):
    config = yaml.safe_load(SMOKE.read_text())
    config["early_terminate"] = {"type": "hyperband", "min_iter": 2, "eta": 3}
    config["parameters"]["epochs"] = {"value": 500}
    config["parameters"]["patience"] = {"value": 500}
    file = tmp_path / "early.yaml"
    file.write_text(yaml.safe_dump(config))
    sweep = start_sweep(file, environment)
    champion = wandb_backend.new_run("champion", "beats", sweep.split("/")[-1])
    champion.update(state="finished", history=[{"best_val_macro_f1": 1.0}] * 500)
    output(["wandb", "agent", "--count", "1", sweep], environment, ROOT)

    run = list(wandb_backend.runs.values())[-1]
    assert run["stop"] and (run["state"], run["exitcode"]) == ("finished", 0)
    assert 2 <= run["summary"]["epoch"] < 500
    assert "stop" in run["summary"]["ended_by"]
    assert run["summary"]["best_val_macro_f1"] > 0
    assert list((tmp_path / "runs").rglob("cnn*.keras")), "the best so far is kept"


def test_an_unreachable_server_means_an_offline_run_to_be_sent_later(
    wandb_backend, environment, tmp_path
):
    with socket.create_server(("127.0.0.1", 0)) as closed_soon:
        nobody = f"http://127.0.0.1:{closed_soon.getsockname()[1]}"
    unreachable = {**environment, "WANDB_BASE_URL": nobody, "WANDB_HTTP_TIMEOUT": "2"}
    assert "offline" in output(TRAIN, unreachable, ROOT)
    assert not wandb_backend.runs

    folders = [str(path) for path in tmp_path.rglob("offline-run-*")]
    output(["wandb", "sync", *folders], environment, ROOT)
    (run,) = wandb_backend.runs.values()
    assert run["state"] == "finished" and run["summary"]["best_val_macro_f1"] > 0
    assert any(name.startswith("media/images/confusion") for name in run["files"])
    assert model_artifacts(wandb_backend, run)[0]["committed"]


def test_a_wrong_key_is_told_in_a_sentence(environment):
    wrong = {**environment, "WANDB_API_KEY": WRONG_KEY}
    printed = output([*TRAIN, "--tracking=online"], wrong, ROOT, status=2)
    assert re.search(r"^error: .*key", printed, re.MULTILINE)
    assert "Traceback" not in printed
