"""The notebook has no outputs in it, and runs from top to bottom without data or an account."""

import ast
import json
import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NOTEBOOK = ROOT / "docs/beatsweep.ipynb"


def code_cells() -> list[dict]:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def test_it_is_stored_without_outputs():
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code_cells())


def test_its_cells_are_python_but_for_commands():
    for cell in code_cells():
        source = "".join(cell["source"])
        ast.parse(re.sub(r"^(\s*)[!%].*$", r"\1pass", source, flags=re.MULTILINE))


@pytest.mark.slow
@pytest.mark.timeout(1800)  # a training, a sweep of three and their reports
def test_it_runs_without_data_and_without_an_account(tmp_path, monkeypatch):
    import nbclient
    import nbformat

    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    for name, value in {
        "HOME": tmp_path,
        "ECG_DATA": tmp_path,
        "ECG_RUNS": tmp_path / "runs",
    }.items():
        monkeypatch.setenv(name, str(value))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    place = {"metadata": {"path": str(NOTEBOOK.parent)}}
    nbclient.NotebookClient(
        notebook, timeout=900, kernel_name="python3", resources=place
    ).execute()
    outputs = [one for cell in notebook.cells for one in cell.get("outputs", [])]
    printed = "".join(one.text for one in outputs if one.output_type == "stream")
    assert "synthetic: " in printed
    assert "3 finished, 0 stopped early, 0 failed" in printed
    pictures = [one for one in outputs if "image/png" in one.get("data", {})]
    assert len(pictures) == 5
