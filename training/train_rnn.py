"""Train one RNN with the settings given, keep its best checkpoint, log to W&B.

    python -m training.train_rnn --data=synthetic --epochs=5

W&B sweeps launch it: see `sweeps/rnn_bayes.yaml`.
"""

from collections.abc import Mapping

from models import rnn
from training import program
from training import settings as sweep_check
from training.settings import RnnSettings, from_command_line
from utils.errors import exit_plainly


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Settings, data, model, fit, evaluate, record; the exit status."""
    settings = from_command_line(RnnSettings, argv, about=__doc__)
    outcome = program.run("rnn", rnn.build, settings)
    return program.tell("rnn", outcome)


def check_sweep(values: Mapping[str, list], metric: str | None) -> list[tuple[str | None, str]]:
    """What is wrong with a sweep of this program; see `training.settings`."""
    return sweep_check.faults(RnnSettings, values, metric)


def sweep_facts(values: Mapping[str, list]) -> dict[str, str]:
    """What is kept with a study of this program: `main.py --study` trains its winner by it."""
    return {"architecture": "rnn"}


if __name__ == "__main__":
    raise SystemExit(main())
