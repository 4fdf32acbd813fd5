"""How much the network should count beside timing and shape: scores on patients new to both.

python -m experiments.recorded_beats.weigh_network    # on validation patients of DS1

Trees are fitted without these patients, part by part. They selected the network's weights, though,
so that its scores flatter a little, and what this table favours is, if anything, too much of it.
"""

from utils.command_line import Parser, existing_file
from utils.errors import exit_plainly

# Libraries are imported in `main`, so that `--help` and a typo do not wait for them.


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Print one line for each choice of weights."""
    parser = Parser(__doc__)
    parser.add_argument(
        "--checkpoint", type=existing_file, metavar="JSON", help="a CNN; default: the best one"
    )
    asked = parser.parse_args(argv)
    from experiments.recorded_beats import network_weights

    network_weights.compare(asked.checkpoint)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
