"""A compact stand-in for the W&B server, so that tests can run the real wandb client."""
