"""Run a W&B sweep file with no account: searches, goes on where it was cut off, on many machines.

    python -m sweeps.agent sweeps/cnn_bayes.yaml --count 50 --workers 2
    python -m sweeps.agent sweeps/cnn_bayes.yaml --hours 3
    python -m sweeps.agent sweeps/cnn_bayes.yaml --retry-failed
    python -m sweeps.agent sweeps/cnn_bayes.yaml --storage postgresql://user@host/name

Each trial is the very program that `wandb agent` would launch, with W&B offline. The same command
goes on after Ctrl-C, a kill or a restart, and may run on any number of machines at once.
"""

import argparse

from utils.command_line import Parser, above_zero, existing_file, positive
from utils.errors import exit_plainly


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Read the sweep, check it, run its trials; 1 where it had to be given up."""
    args = _parse(argv)
    # Imported late: help and mistakes in the command are answered at once.
    from sweeps import session

    return session.run(args)


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_argument(
        "sweep", type=existing_file, help="W&B sweep file, e.g. sweeps/cnn_bayes.yaml"
    )
    parser.add_argument("--count", type=positive, help="trials in the whole study")
    parser.add_argument(
        "--hours",
        type=above_zero,
        metavar="H",
        help="end after so long; what a setting costs then counts, less as time is spent",
    )
    parser.add_argument(
        "--longest",
        type=above_zero,
        metavar="MINUTES",
        help="try no setting whose trial would take longer; default: an eighth of --hours",
    )
    parser.add_argument("--workers", type=positive, default=1, help="trials at a time, here")
    parser.add_argument("--study", help="its name; default: the sweep's `name`")
    parser.add_argument("--storage", help="SQLAlchemy URL; default: SQLite in the runs folder")
    parser.add_argument("--retry-failed", action="store_true", help="run only what failed, again")
    parser.add_argument(
        "--begin-with",
        type=existing_file,
        metavar="CSV",
        help="begin a new study with the trials of a table, as the report of a study writes it",
    )
    parser.add_argument(
        "--warm",
        choices=("auto", "on", "off"),
        default="auto",
        help="keep workers' processes between trials; auto: for our own programs",
    )
    parser.add_argument(
        "--method",
        choices=("random", "bayes", "tpe"),
        help="search by this in place of the sweep's method",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the search")
    parser.add_argument(
        "--timeout", type=float, metavar="MINUTES", help="end longer trials as failed"
    )
    parser.add_argument("--threads", type=positive, help="for each worker; default: a fair share")
    parser.add_argument(
        "--dead-after",
        type=positive,
        metavar="SECONDS",
        help="silence after which another machine's trial is taken (default: a minute)",
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
