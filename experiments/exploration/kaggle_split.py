"""Is a published test set a random part of all beats? What validation on the rest is worth.

python -m experiments.exploration.kaggle_split --data=mitbih
"""

from heartbeats.names import DATA_SETS
from utils.command_line import Parser, one_of
from utils.errors import exit_plainly


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Print one line for each class, then how test beats lie among their neighbours in time."""
    parser = Parser(__doc__)
    parser.add_argument(
        "--data",
        type=one_of(*DATA_SETS),
        default="mitbih",
        metavar="NAME",
        help=f"one of {', '.join(DATA_SETS)}; default: %(default)s",
    )
    asked = parser.parse_args(argv)
    from experiments.exploration import beats_spread
    from heartbeats import catalog

    beats = catalog.load(asked.data)
    beats_spread.check(beats)
    for found in beats_spread.spreads(beats):
        print(
            f"class {found.class_name}: {found.beats:6,} beats, {found.test_share:.1%} in the "
            f"test set; over recordings chi-squared {found.statistic:.1f} at {found.freedom} "
            f"degrees of freedom, p = {found.chance:.2f}"
        )
    print(f"correlation with the beat before: {beats_spread.neighbour_correlation(beats):+.4f}")
    between = beats_spread.between_training(beats)
    print(f"test beats whose neighbours are both in training: {between:.1%}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
