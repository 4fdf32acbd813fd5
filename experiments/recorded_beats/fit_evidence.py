"""Fit what timing and shape say of a beat's class to DS1 of MIT-BIH, and score it on DS1.

python -m experiments.recorded_beats.fit_evidence          # scores, patients left out in turn
python -m experiments.recorded_beats.fit_evidence --write  # then fits to all of DS1
"""

from utils.command_line import Parser
from utils.errors import exit_plainly

# Libraries are imported in `main`, so that `--help` and a typo do not wait for them.


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Score with patients left out, and write the fit to all if asked."""
    parser = Parser(__doc__)
    parser.add_argument("--write", action="store_true", help="fit to all of DS1, and write")
    asked = parser.parse_args(argv)
    from experiments.recorded_beats import evidence_trees
    from heartbeats import mitdb

    records = evidence_trees.read(mitdb.DS1)
    evidence_trees.score_shares(records)
    if asked.write:
        evidence_trees.fit_and_write(records)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
