"""The learning rate of each mode of a study, chosen once on the target's validation part."""

import numpy as np

from training.forgetting import forget_networks
from training.transfer_cells import Bench, Cell, Trainer, validation_macro_f1
from training.transfer_store import Store

LEARNING_RATES = (3e-4, 1e-3, 3e-3)
# Seeds far from those reported, so that the rates were not chosen on the runs they serve.
TUNING_SEEDS = (1000, 1001)
TUNING_FRACTION = 0.1


def tried_rates(bench: Bench, mode: str, store: Store) -> dict[float, list[float]]:
    """Learning rate -> validation macro-F1 of each tuning seed; kept in the store once measured.

    Raises:
        InputError, Stopped: as `Trainer.train`.
    """

    def measure() -> dict[float, list[float]]:
        print(f"choosing the learning rate of {mode} on validation", flush=True)
        return {rate: _validated(Trainer(bench, mode, rate)) for rate in LEARNING_RATES}

    return store.scores_of_rates(mode, measure)


def best_rate(tried: dict[float, list[float]]) -> float:
    """The learning rate with the best mean."""
    return max(tried, key=lambda rate: np.mean(tried[rate]))


def _validated(trainer: Trainer) -> list[float]:
    cells = [Cell(trainer.mode, TUNING_FRACTION, seed) for seed in TUNING_SEEDS]
    scores = [validation_macro_f1(trainer, cell) for cell in cells]
    forget_networks()
    return scores
