"""`make` says in one sentence what it lacks, and the README's first commands work in a clone."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOO_NEW, NO_VENV = "3.14.0", "3.12.1"


@pytest.fixture
def pythons(tmp_path):
    """`python3` is too new, `python3.12` has no venv module; neither can do more than say so."""
    for name, version in (("python3", TOO_NEW), ("python3.12", NO_VENV)):
        refused = "version_info" if version == TOO_NEW else "ensurepip"
        script = tmp_path / "bin" / name
        script.parent.mkdir(exist_ok=True)
        script.write_text(
            "#!/bin/sh\n"
            f'case "$*" in --version) echo "Python {version}";; *{refused}*) exit 1;; esac\n'
        )
        script.chmod(0o755)
    # Those of the system must not be found.
    for name in ("python3.11", "python3.13"):
        (tmp_path / "bin" / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / "bin" / name).chmod(0o755)
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def refusal(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["make", "run", *words],
        cwd=folder,
        env={"PATH": f"{folder / 'bin'}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert done.returncode and not (folder / ".venv").exists()
    return done.stderr.splitlines()[0]


def test_a_python_that_fits_is_found_and_must_have_venv(pythons):
    assert refusal(pythons).startswith("error: python3.12 has no venv module; on Debian")


@pytest.mark.parametrize("words", [(), ("PYTHON=python3",)])
def test_a_python_without_wheels_is_refused(pythons, words):
    (pythons / "bin" / "python3.12").write_text("#!/bin/sh\nexit 1\n")
    assert refusal(pythons, *words) == (
        f"error: Python 3.11 to 3.13 is needed, and python3 is Python {TOO_NEW}; install one of "
        "them, then: make run PYTHON=/where/it/is/python3.13"
    )


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A clone whose environment is the one that runs the tests, and counts as made."""
    if not (Path(sys.prefix) / "bin" / "activate").is_file():
        pytest.skip("the tests run in no virtual environment")
    folder = tmp_path_factory.mktemp("first") / "beatsweep"
    cloned = subprocess.run(["git", "clone", "-q", "--local", ROOT, folder], capture_output=True)
    if cloned.returncode:
        pytest.skip("this is no git repository")
    (folder / ".venv").mkdir()
    for part in Path(sys.prefix).iterdir():
        if not part.name.startswith("ready"):
            (folder / ".venv" / part.name).symlink_to(part)
    for name in ("ready", "ready-dev"):
        (folder / ".venv" / name).touch()
    (folder.parent / "home").mkdir()
    return folder


def typed(folder: Path, home: Path, *lines: str) -> str:
    """What a bare shell prints when these lines are typed in a folder; each must succeed."""
    done = subprocess.run(
        ["/bin/sh", "-e", "-c", "\n".join(lines)],
        cwd=folder,
        env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
def test_a_bare_shell_follows_the_readme(clone):
    home = clone.parent / "home"
    assert "sweep" in typed(clone, home, "make help")
    activate = ". .venv/bin/activate"
    assert "usage: " in typed(clone, home, activate, "python main.py --help")
    assert "report: " in typed(clone, home, "make sweep")
    assert (clone / "runs" / "sweeps" / "smoke" / "report").is_dir()


@pytest.mark.slow
@pytest.mark.skipif(
    not os.access(Path(sys.prefix) / "bin" / "beatsweep", os.X_OK),
    reason="the environment has no beatsweep installed",
)
def test_an_installed_project_works_from_any_folder(clone):
    activate, home = f". {clone}/.venv/bin/activate", clone.parent / "home"
    assert "usage: " in typed(home, home, activate, "beatsweep --help")
    training = f"python {ROOT}/training/train_cnn.py --data=synthetic --epochs=1"
    typed(home, home, activate, f"ECG_RUNS={home}/runs {training} --train_limit=300")
    assert list((home / "runs").rglob("cnn.json"))
