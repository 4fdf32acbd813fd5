"""Which score tells beats that a network knows nothing of from those that it knows?

    python -m experiments.out_of_distribution.out_of_distribution --checkpoint CNN.json ...
    ... --test     # the test beats and their ruins, to be read once

Known beats are validation beats, strange ones are ruined ones of these and beats of other data
sets. Printed are the area under the ROC curve, and the share of strange beats beyond the value
that one in a hundred validation beats exceeds. With `--test` the known beats are test beats, and
the value is the same.
"""

from utils.command_line import Parser, existing_file
from utils.errors import exit_plainly

# Libraries are imported in `main`, so that `--help` and a typo do not wait for them.


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Score, and print a table for each checkpoint."""
    parser = Parser(__doc__)
    parser.add_argument(
        "--checkpoint",
        nargs="+",
        type=existing_file,
        required=True,
        metavar="JSON",
        help="the networks to ask",
    )
    parser.add_argument("--test", action="store_true", help="score test beats")
    asked = parser.parse_args(argv)
    from experiments.out_of_distribution import measure

    for path in asked.checkpoint:
        measure.measure_and_print(path, asked.test)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
