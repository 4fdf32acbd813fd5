"""One training run: settings, batches, losses, fit, tracking, going on after an interruption."""
