"""Logs `val` step by step: a program that knows W&B, and nothing of this project."""

import sys
import time

import wandb


def main(_argv: list[str]) -> None:
    """One run, as its W&B config says."""
    with wandb.init() as run:
        x, steps, pause = (run.config.get(name) for name in ("x", "steps", "pause"))
        run.log({"other": 1})
        for step in range(steps or 3):
            run.log({"val": float(x) + 1 / (step + 1)})
            time.sleep(pause or 0)


if __name__ == "__main__":
    main(sys.argv[1:])
