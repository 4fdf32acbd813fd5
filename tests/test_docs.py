"""The documents are true: commands run, links lead somewhere, files and modules exist."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import beatsweep
from ecg.synthetic.record import generate_record
from tests.test_architecture import TABLE

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
# The pages whose every command must be run by a test.
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]
# Those in which what is named must exist.
DOCUMENTS = [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "EXPERIMENTS.md"]
README_LINES = 200
SHORT = ["--epochs=1", "--train_limit=600"]
BEST = "training/best_settings/cnn-mitbih.yaml"
# Commands that are run here, with what makes them short; they share one runs folder, in order.
RUN = {
    "python main.py": SHORT,
    "python main.py --data=synthetic": [*SHORT, "--arch=cnn"],
    "python eval.py": [],
    "python data_exploratory.py --augmented": [],
    "python main.py --protocol=patients": [*SHORT, "--arch=cnn"],
    "python -m training.train_cnn --data=synthetic --epochs=3 --width=16 --learning_rate=1e-3": [
        "--train_limit=600"
    ],
    "python -m training.train_rnn --help": [],
    "python -m heartbeats.download --help": [],
    "python analyse_record.py --help": [],
    f"python -m training.train_cnn --settings {BEST} --seed=0": SHORT,
    "python main.py --arch cnn rnn --seeds 0 1 2": SHORT,
}
# Commands that need a server, real records or an account, and the tests that run them.
ELSEWHERE = {
    "wandb login": "tests/test_wandb_end_to_end.py",
    "wandb sweep sweeps/cnn_bayes.yaml": "tests/test_wandb_end_to_end.py",
    "wandb agent ENTITY/PROJECT/ID": "tests/test_wandb_end_to_end.py",
    "python main.py --sweep ENTITY/PROJECT/ID": "tests/test_wandb_end_to_end.py",
    "python -m sweeps.agent sweeps/cnn_bayes.yaml --count 50 --workers 2": (
        "tests/sweeps/test_our_programs.py"
    ),
    "python -m sweeps.agent sweeps/cnn_bayes.yaml --hours 3": "tests/sweeps/test_our_programs.py",
    "beatsweep promote": "tests/training/test_promotion.py",
    "beatsweep promote runs/trainings/mitbih-kaggle/cnn-1a2b3c4d/cnn.json": (
        "tests/training/test_promotion.py"
    ),
    "python -m sweeps.report cnn-bayes": "tests/sweeps/test_report.py",
    "python -m sweeps.best cnn-bayes --top 5 --seeds 3": "tests/sweeps/test_our_programs.py",
    "python main.py --study cnn-bayes": "tests/sweeps/test_our_programs.py",
    "python -m sweeps.agent sweeps/cnn_bayes.yaml --count 50 "
    "--storage postgresql://user:password@host/name": "tests/sweeps/test_postgres.py",
    "python -m benchmarks.sweep_overhead": "tests/test_benchmarks.py",
    "python -m benchmarks.worker_count": "tests/test_benchmarks.py",
    "python -m benchmarks.search_quality": "tests/sweeps/test_search_quality.py",
    "wandb sync runs/sweeps/cnn-bayes/wandb/offline-run-*": "tests/sweeps/test_our_programs.py",
    "wandb sync runs/wandb/offline-run-*": "tests/test_wandb_end_to_end.py",
    "python -m heartbeats.download mitdb": "tests/heartbeats/test_download.py",
    "python -m heartbeats.export mitbih data/kaggle": "tests/heartbeats/test_mitdb.py",
    "python eval.py --predict beats.csv": "tests/test_eval.py",
    "python data_exploratory.py": "tests/test_data_exploratory.py",
    "python -m heartbeats.download ptbxl": "tests/heartbeats/test_download.py",
    "python -m heartbeats.download ptbdb": "tests/heartbeats/test_download.py",
    "python -m heartbeats.download ecg5000": "tests/heartbeats/test_download.py",
    "python eval.py --baselines": "tests/experiments/test_baselines.py",
    "python eval.py --shift": "tests/experiments/test_shift.py",
    "python eval.py --transfer ptb": "tests/experiments/test_transfer.py",
    "python eval.py --arch lstm_autoencoder --data=ecg5000": "tests/experiments/test_anomalies.py",
    "python -m training.cross_validate --arch cnn --folds 5": (
        "tests/experiments/test_cross_validation.py"
    ),
    "python -m training.cross_validate --arch cnn --folds 5 --common_share=0.2 --batch_size=64 "
    "--epochs=12": "tests/experiments/test_cross_validation.py",
    "python -m training.transfer --source mitbih --target ptbxl": (
        "tests/experiments/test_transfer.py"
    ),
    "python -m training.train_autoencoder --data=ecg5000": "tests/experiments/test_autoencoder.py",
    "python analyse_record.py data/mitdb/203 --html": "tests/test_analyse_record.py",
    "python analyse_record.py data/mitdb/203 --annotate": "tests/test_analyse_record.py",
    "python analyse_record.py strip.csv --sampling-hz 250 --units mV": (
        "tests/test_analyse_record.py"
    ),
    "python analyse_record.py --database data/mitdb": "tests/test_analyse_record.py",
    "python -m benchmarks.r_peaks": "tests/test_recording_benchmarks.py",
    "python -m benchmarks.delineation": "tests/test_recording_benchmarks.py",
    "python -m benchmarks.irregular_rhythm": "tests/test_recording_benchmarks.py",
    "python -m benchmarks.day_long": "tests/test_recording_benchmarks.py",
    "python -m experiments.recorded_beats.record_beats": (
        "tests/experiments/test_record_beats.py"
    ),
    "python -m experiments.recorded_beats.patients": "tests/experiments/test_flagged_patients.py",
    "python -m experiments.anomaly_detection.seeds --data=ecg5000 --seeds=5": (
        "tests/experiments/test_anomalies.py"
    ),
    "python -m experiments.out_of_distribution.out_of_distribution": (
        "tests/experiments/test_out_of_distribution.py"
    ),
    "python -m experiments.exploration.kaggle_split --data=mitbih": (
        "tests/experiments/test_kaggle_split.py"
    ),
    "python -m experiments.delineation.fit": "tests/experiments/test_delineation_fit.py",
    "python -m studies.record_beats": "tests/experiments/test_record_beats.py",
    "python -m studies.patients": "tests/experiments/test_flagged_patients.py",
    "python -m serving": "tests/serving/test_process.py",
    "python -m benchmarks.service": "tests/serving/test_benchmark.py",
    "python -m benchmarks.service_replacement": "tests/serving/test_benchmark.py",
    "cd my_project && source .venv/bin/activate": "tests/sweeps/test_foreign_folder.py",
    "/path/to/beatsweep/.venv/bin/beatsweep sweep sweep.yaml --count 20": (
        "tests/sweeps/test_foreign_folder.py"
    ),
    "curl -F file=@beats.csv http://127.0.0.1:8000/api/predict": "tests/serving/test_process.py",
    "curl -F files=@203.hea -F files=@203.dat http://127.0.0.1:8000/api/records": (
        "tests/serving/test_process.py"
    ),
}
MAKE = {
    "make run": "main.py --data=synthetic",
    "make test": '--dist loadfile -m "not slow"',
    "make help": "grep",
    "make sweep": "sweeps.agent sweeps/smoke.yaml",
    "make serve": "-m serving",
    "make bench": "benchmarks.training_speed",
}
# Installs, covered by tests/training/test_backends.py, tests/sweeps/test_our_programs.py and
# tests/sweeps/test_postgres.py, and the way into the project.
OTHERS = {
    "pip install jax",
    "pip install optuna-dashboard",
    'pip install "psycopg[binary]"',
    'pip install "tensorflow[and-cuda]~=2.21.0"',
    "git clone ADDRESS-OF-THIS-REPOSITORY beatsweep && cd beatsweep",
    ". .venv/bin/activate",
}
SHELL = re.compile(r"```sh\n(.*?)```", re.DOTALL)
FENCED = re.compile(r"```.*?```", re.DOTALL)
INLINE = re.compile(r"`((?:python|make|wandb|pip) [^`]+)`")


def commands() -> list[str]:
    """Every command of the pages' shell blocks, and those in `backticks` that begin like one."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in SHELL.findall(text):
            found += [line.split(" #")[0].strip() for line in block.splitlines() if line.strip()]
        found += INLINE.findall(FENCED.sub("", text).replace("\n", " "))
    return list(dict.fromkeys(found))


def test_every_command_is_run_by_a_test():
    known = set(RUN) | set(ELSEWHERE) | set(MAKE) | OTHERS
    assert set(commands()) <= known
    assert known <= set(commands()), "no page names these any more"


def test_the_tests_named_are_there():
    for command, file in ELSEWHERE.items():
        assert (ROOT / file).is_file(), f"{command}: {file}"


@pytest.mark.parametrize("target", MAKE)
def test_make_targets_run_what_the_pages_say(target):
    done = subprocess.run(
        ["make", "-n", *target.split()[1:]], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert MAKE[target] in done.stdout


def test_the_readme_is_short():
    assert len(README.read_text(encoding="utf-8").splitlines()) <= README_LINES


def test_the_library_example_runs():
    page = (ROOT / "docs/recordings.md").read_text(encoding="utf-8")
    (lines,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    truth = generate_record(np.random.default_rng(0), 20, 360)
    names = {"signal_mv": truth.signal_mv[:, 0], "sampling_hz": 360.0}
    exec(lines, names)
    assert abs(len(names["peaks"]) - len(truth.r_peaks)) <= 2
    assert names["marks"].p.shape == names["marks"].t.shape == (len(names["peaks"]), 3)


@pytest.mark.slow
@pytest.mark.timeout(900)  # a short training
def test_the_examples_of_the_python_page_run(tmp_path):
    page = (ROOT / "docs/python.md").read_text(encoding="utf-8")
    lines = "\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    done = subprocess.run(
        [sys.executable, "-c", lines],
        cwd=tmp_path,
        env=without_data_and_account(tmp_path) | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=800,
    )
    assert done.returncode == 0, done.stderr
    assert "(12107, 187) ('N', 'S', 'V', 'F', 'Q') 120.0" in done.stdout
    assert "synthetic test beats" in done.stdout
    assert "beats a minute" in done.stdout


def without_data_and_account(folder: Path) -> dict[str, str]:
    """The environment, with nothing of W&B in it, no data, and results below `folder`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")}
    return kept | {
        "HOME": str(folder),
        "ECG_DATA": str(folder / "none"),
        "ECG_RUNS": str(folder / "runs"),
        "WANDB_ERROR_REPORTING": "false",
    }


def anchors(page: Path) -> set[str]:
    """The names that a page's headings can be linked by, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        if target.startswith("https://"):
            continue
        path, _hash, anchor = target.partition("#")
        other = (page.parent / path) if path else page
        assert other.exists(), target
        assert not anchor or anchor in anchors(other), target


# What is named but made by the user or by a program: data, results, examples.
MADE = (
    *("data/", "runs/", "kaggle/", "checkpoints/", "final/", "reports/", "cross_validation/"),
    *("transfer/", "wandb/", "cache/", "predictions/"),
)
FILES = re.compile(r"(?<![\w/.*-])((?:[\w.-]+/)+(?:[\w.-]+\.\w+)?)(?![\w*{])")
MODULES = re.compile(r"python -m ([a-z_]+(?:\.[a-z_0-9]+)*)")
TARGETS = re.compile(r"`make ([a-z-]+)`|^make ([a-z-]+)", re.MULTILINE)


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: page.name)
def test_what_is_named_exists(page):
    """Files and folders with a slash in `backticks` or blocks, modules after -m, make targets."""
    text = page.read_text(encoding="utf-8")
    code = "\n".join([*FENCED.findall(text), *re.findall(r"`([^`]+)`", FENCED.sub("", text))])
    named = {
        path
        for path in FILES.findall(re.sub(r"\w+://\S+", "", code))
        if not path.startswith(MADE) and not re.search(r"[A-Z]{3}", path)
    }
    assert not {path for path in named if not (ROOT / path).exists()}
    modules = {ROOT / name.replace(".", "/") for name in MODULES.findall(text)}
    assert not {
        path
        for path in modules
        if not path.with_suffix(".py").is_file() and not (path / "__main__.py").is_file()
    }
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {one or other for one, other in TARGETS.findall(text)}
    assert not {name for name in targets if not re.search(rf"^{name}:", makefile, re.MULTILINE)}


def test_the_import_table_is_that_of_the_test():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    block = text.split("## Who may import whom")[1].split("```")[1]
    rows = dict(line.split(" -> ") for line in block.strip().splitlines())
    listed = {room.strip(): set(others.split()) & set(TABLE) for room, others in rows.items()}
    assert listed == TABLE


def test_the_table_of_commands_is_complete():
    text = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| `beatsweep ([^`]+)` \| `([^`]+)` \|$", text, re.MULTILINE))
    programs = {}
    for name, (module, flags, _what) in beatsweep.COMMANDS.items():
        program = module.removesuffix(".__main__") if "." in module else f"{module}.py"
        programs[name] = " ".join([program, *flags])
    assert listed == programs


def listed_in_the_tree() -> set[str]:
    """The programs and folders of the README's tree, each with a word on what it holds."""
    block = README.read_text(encoding="utf-8").split("## What is where")[1].split("```")[1]
    lines = [line.split(maxsplit=1) for line in block.splitlines() if line.strip()]
    assert all(len(line) == 2 for line in lines)
    return {name for name, _caption in lines}


def test_the_tree_names_every_program_and_folder():
    """Folders, not files: a tree of files would have to change with each of them."""
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split()
    if not tracked:
        pytest.skip("not a git checkout")
    folders = {path.split("/")[0] + "/" for path in tracked if "/" in path and path[0] != "."}
    programs = {path for path in tracked if "/" not in path and path.endswith(".py")}
    assert listed_in_the_tree() == folders | programs


@pytest.mark.slow
@pytest.mark.timeout(3600)  # ten programs, one after the other
def test_the_commands_run_without_data_and_without_an_account(tmp_path):
    for command, short in RUN.items():
        words = [*command.split()[1:], *([] if "--help" in command else short)]
        done = subprocess.run(
            [sys.executable, *words],
            cwd=ROOT,
            env=without_data_and_account(tmp_path),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=900,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        if "--help" not in command:
            assert "synthetic" in done.stdout
    assert list((tmp_path / "runs").rglob("confusion.png"))
