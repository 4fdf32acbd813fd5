"""Which settings of a study are best, when luck is taken out?

    python -m sweeps.best STUDY --top 5 --seeds 3
    python main.py --study STUDY                   # trains the winner finally

The best of 50 noisy trials is partly luck. This trains the top settings again, with seeds and on
draws of validation beats that the sweep did not use, the same for all of them; names the winner by
the mean of those alone; and says which gaps so many repetitions can show. It goes on where it was
cut off.
"""

import argparse
from typing import Any

from utils.command_line import Parser, existing_file, positive
from utils.errors import InputError, exit_plainly


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Retrain the top settings, show the table, name the winner."""
    args = _parse(argv)
    # Imported late: help and mistakes in the command are answered at once.
    from sweeps.storage import open_existing

    open_existing(args.study, args.storage)  # first: one that is not there should not wait
    from sweeps import retraining

    return retraining.run(args)


def _assignment(text: str) -> tuple[str, Any]:
    """An argument's type: NAME=VALUE, the value as YAML reads it."""
    from utils import yaml_text

    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"NAME=VALUE is expected, got '{text}'")
    try:
        return name, yaml_text.parse(value, f"the value of {name}").content
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_argument("study", help="name of the study")
    parser.add_argument(
        "--top",
        type=positive,
        default=5,
        help="how many settings to retrain (default: %(default)s)",
    )
    parser.add_argument(
        "--seeds",
        type=positive,
        default=3,
        help="how many new seeds for each (default: %(default)s)",
    )
    parser.add_argument(
        "--draw-parameter",
        metavar="NAME",
        help="how the program names the seed of its validation draw; our own programs say it",
    )
    parser.add_argument(
        "--set",
        nargs="+",
        type=_assignment,
        default=[],
        metavar="NAME=VALUE",
        help="settings in place of the sweep's, e.g. epochs=30: as long as the final training",
    )
    parser.add_argument("--seed-parameter", default="seed", help="how the program names its seed")
    parser.add_argument(
        "--begin-with",
        type=existing_file,
        metavar="CSV",
        help="begin with the trainings of a table, best.csv of the study that had them",
    )
    parser.add_argument("--workers", type=positive, default=1, help="trainings at a time")
    parser.add_argument("--storage", help="SQLAlchemy URL; default: SQLite in the runs folder")
    parser.add_argument(
        "--warm",
        choices=("auto", "on", "off"),
        default="auto",
        help="keep workers' processes between trainings; auto: for our own programs",
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
