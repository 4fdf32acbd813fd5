"""Programs import these for the names in their --help, so they must not bring heavy libraries."""

import subprocess
import sys

from heartbeats import catalog, names

MODULES = (
    "evaluation.metrics",
    "heartbeats.augment",
    "heartbeats.balance",
    "heartbeats.beat_set",
    "heartbeats.catalog",
    "heartbeats.download",
    "heartbeats.export",
    "heartbeats.mixture",
    "heartbeats.splits",
)
HEAVY = ("keras", "matplotlib", "pandas", "scipy", "sklearn", "tensorflow", "wfdb")


def test_names_cost_no_heavy_import():
    code = f"import sys, {', '.join(MODULES)}; print(*set(sys.modules) & {set(HEAVY)})"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []


def test_the_names_are_those_of_the_catalog():
    assert names.DATA_SETS == tuple(catalog.DATA_SETS)
