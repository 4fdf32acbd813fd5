"""The programs that wandb agent launches, and what they share."""
