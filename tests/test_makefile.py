"""`make` says in one sentence what it lacks, before anything is installed."""

import shutil
import subprocess
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
