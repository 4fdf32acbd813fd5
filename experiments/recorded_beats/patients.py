"""Do the patients whom the analysis flags stand out to the annotators, too?

    python -m experiments.recorded_beats.patients

Analyses all MIT-BIH records with the network that was trained on the patients of DS1 alone, and
compares each record's ectopic burden and irregular minutes with the annotations. Thresholds of
`recordings/patients.py` come from guidelines, not from these records.
"""

import os

from utils.command_line import Parser, existing_file, positive
from utils.errors import exit_plainly

# Libraries are imported in `main`, so that `--help` and a typo do not wait for them.


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Analyse what is not analysed yet, compare, and tell."""
    parser = Parser(__doc__)
    parser.add_argument(
        "--checkpoint", type=existing_file, metavar="JSON", help="a CNN; default: the best one"
    )
    parser.add_argument(
        "--jobs",
        type=positive,
        default=os.cpu_count() or 1,
        metavar="N",
        help="processes; default: one for each core",
    )
    asked = parser.parse_args(argv)
    from experiments.recorded_beats import flagged_patients

    flagged_patients.run_and_report(asked.checkpoint, asked.jobs)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
