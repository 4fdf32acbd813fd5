"""The beats of whole recordings: by the network, without it, and by both together.

python -m experiments.recorded_beats.record_beats    # DS2, which trained and chose nothing
python -m experiments.recorded_beats.record_beats --records=100,232
"""

from pathlib import Path

from utils.command_line import Parser, existing_file
from utils.errors import exit_plainly

# Libraries are imported in `main`, so that `--help` and a typo do not wait for them.


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Measure, print the tables, and write the report."""
    parser = Parser(__doc__)
    parser.add_argument(
        "--records",
        type=lambda text: text.split(","),
        default=[],
        metavar="NAMES",
        help="records of MIT-BIH, comma between; default: DS2",
    )
    parser.add_argument(
        "--checkpoint", type=existing_file, metavar="JSON", help="a CNN; default: the best one"
    )
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="folder of the report")
    asked = parser.parse_args(argv)
    from experiments.recorded_beats import methods

    methods.run_and_report(asked.records, asked.checkpoint, asked.to)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
