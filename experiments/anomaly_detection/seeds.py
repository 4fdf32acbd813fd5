"""Several autoencoders that differ in their seed alone: the spread of their test scores.

python -m experiments.anomaly_detection.seeds --data=ecg5000 --seeds=5
"""

from heartbeats.names import add_data_flag, add_protocol_flag
from utils.command_line import Parser, positive
from utils.errors import exit_plainly

# Libraries are imported in `main`, so that `--help` and a typo do not wait for them.


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Train, test and report; the exit status."""
    parser = Parser(__doc__)
    add_data_flag(parser, default="ecg5000")
    add_protocol_flag(parser)
    parser.add_argument(
        "--seeds", type=positive, default=5, metavar="N", help="trainings; default: %(default)s"
    )
    asked = parser.parse_args(argv)
    from experiments.anomaly_detection import seed_spread

    seed_spread.run_and_report(asked.data, asked.protocol or "", asked.seeds)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
