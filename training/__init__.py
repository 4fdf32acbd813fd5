"""The programs that wandb agent launches, and what they share."""

import models  # noqa: F401  (brings Keras up quietly, before anything here imports it)
