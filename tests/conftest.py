"""Fixtures that tests of several rooms use."""

from tests.browser import browser
from tests.heartbeats.conftest import record_folder
from tests.wandb_backend.fixture import wandb_backend, wandb_environment

__all__ = ["browser", "record_folder", "wandb_backend", "wandb_environment"]
