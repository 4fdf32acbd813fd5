"""Fixtures that tests of several rooms use, and how property tests look for examples."""

import pytest
from hypothesis import HealthCheck, settings

from tests.browser import browser
from tests.heartbeats.conftest import record_folder
from tests.wandb_backend.fixture import wandb_backend, wandb_environment

__all__ = ["browser", "record_folder", "wandb_backend", "wandb_environment"]

# Files with the longest tests. Begun last, as they would be for their few tests, they would keep
# one worker busy for minutes while the other has nothing left.
FIRST = ("test_docs", "test_clear_session", "test_benchmarks", "test_our_programs", "test_faults")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest files come first; `--no-loadscope-reorder` keeps it so."""
    items.sort(key=lambda item: item.path.stem not in FIRST)


# The same examples in every run, so that CI fails for a reason; `--hypothesis-seed=random
# --hypothesis-profile=default` looks for new ones. The temporary folder of a test may be shared
# by its examples, which write whole files.
settings.register_profile(
    "ours",
    derandomize=True,
    deadline=None,
    max_examples=25,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("ours")


def pytest_terminal_summary(terminalreporter) -> None:
    """Say how many sweep files the conformance suite holds, where it has run."""
    ran = terminalreporter.stats.get("passed", []) + terminalreporter.stats.get("failed", [])
    name = "test_conformance.py::test_what_is_launched"
    outcomes = [one.outcome for one in ran if name in one.nodeid and one.when == "call"]
    if outcomes:
        same = outcomes.count("passed")
        terminalreporter.write_line(
            f"conformance with wandb: {same} of {len(outcomes)} sweep files are launched the same"
        )
