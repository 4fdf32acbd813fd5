"""Begins its W&B runs in the ways that programs do; `--how` says which. Knows only W&B."""

import sys
import time

import wandb


def main(argv: list[str]) -> None:
    """Log `val` somewhere."""
    how = dict(word.removeprefix("--").split("=", 1) for word in argv)["how"]
    if how == "folds":
        for fold, values in enumerate(([0.1, 0.2], [0.5, 0.4], [0.3])):
            with wandb.init(reinit="finish_previous") as run:
                for value in values:
                    run.log({"val": value, "fold": fold})
            time.sleep(1.1)  # W&B names folders by the second
    elif how == "disabled":
        with wandb.init(mode="disabled") as run:
            run.log({"val": 1})
    elif how == "nested":
        with wandb.init() as run:
            run.define_metric("val.score", summary="max")
            for value in (0.2, 0.9, 0.5):
                run.log({"val": {"score": value}})
    else:
        with wandb.init() as run:
            run.log({"other": 1})
            raise ValueError("the reason\nand more of it")


if __name__ == "__main__":
    main(sys.argv[1:])
