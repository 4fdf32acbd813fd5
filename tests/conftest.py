"""Fixtures that tests of several rooms use."""

from tests.wandb_backend.fixture import wandb_backend, wandb_environment

__all__ = ["wandb_backend", "wandb_environment"]
