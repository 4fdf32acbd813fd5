"""Run a W&B sweep file with no account: searches, goes on where it was cut off, on many machines.

    python -m sweeps.agent sweeps/cnn_bayes.yaml --count 50 --workers 2
    python -m sweeps.agent sweeps/cnn_bayes.yaml --retry-failed
    python -m sweeps.agent sweeps/cnn_bayes.yaml --storage postgresql://user@host/name

Each trial is the very program that `wandb agent` would launch, with W&B offline. The same command
goes on after Ctrl-C, a kill or a restart, and may run on any number of machines at once.
"""

import argparse
from pathlib import Path

from utils.errors import InputError, exit_plainly


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Read the sweep, check it, run its trials; 1 where it had to be given up."""
    args = _parse(argv)
    if not args.sweep.exists():
        raise InputError(f"{args.sweep}: there is no such sweep file; sweeps/ has some")
    # Imported late: help and mistakes in the command are answered at once.
    from sweeps import session

    return session.run(args)


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("sweep", type=Path, help="W&B sweep file, e.g. sweeps/cnn_bayes.yaml")
    parser.add_argument("--count", type=_positive, help="trials in the whole study")
    parser.add_argument("--workers", type=_positive, default=1, help="trials at a time, here")
    parser.add_argument("--study", help="its name; default: the sweep's `name`")
    parser.add_argument("--storage", help="SQLAlchemy URL; default: SQLite in the runs folder")
    parser.add_argument("--retry-failed", action="store_true", help="run only what failed, again")
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
    parser.add_argument("--timeout", type=float, metavar="MINUTES", help="longest trial")
    parser.add_argument("--threads", type=_positive, help="for each worker; default: a fair share")
    parser.add_argument(
        "--dead-after",
        type=_positive,
        metavar="SECONDS",
        help="silence after which another machine's trial is taken (default: a minute)",
    )
    return parser.parse_args(argv)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


if __name__ == "__main__":
    raise SystemExit(main())
