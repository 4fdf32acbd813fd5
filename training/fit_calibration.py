"""Fit what the predictions of a checkpoint are judged by, and store it with the checkpoint.

    python -m training.fit_calibration --checkpoint models/pretrained/mitbih-kaggle/cnn.json ...

A training does so at its end; this is for checkpoints without a calibration, or with an older
one. It takes the data set that the checkpoint's JSON names and splits it as the training did.
"""

from pathlib import Path
from typing import Any

from utils.command_line import Parser, existing_file
from utils.errors import InputError, exit_plainly
from utils.paths import shown

# Libraries are imported where they are called, so that `--help` and a typo do not wait for them.


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Read, fit and keep, one checkpoint after the other."""
    parser = Parser(__doc__)
    parser.add_argument(
        "--checkpoint",
        nargs="+",
        type=existing_file,
        required=True,
        metavar="JSON",
        help="the networks to calibrate",
    )
    for path in parser.parse_args(argv).checkpoint:
        calibrate(path)
    return 0


def calibrate(path: Path) -> None:
    """Fit the calibration of the checkpoint whose JSON is at `path`, keep it, and report.

    Raises:
        InputError: the checkpoint or its data set cannot be used.
    """
    from models import checkpoints
    from training import calibration, classifier

    checkpoint = checkpoints.read(path)
    found = classifier.training_beats(checkpoint)
    fitted = calibration.fit(checkpoint.load(), found.train, found.validation)
    if fitted is None:
        raise InputError(f"{shown(path)}: its network gives no finite numbers")
    if not calibration.keep(fitted, checkpoint):
        raise InputError(
            f"{shown(path)}: another checkpoint has come in its place meanwhile; run this again"
        )
    _report(path, fitted.figures)


def _report(path: Path, figures: dict[str, Any]) -> None:
    sure = figures["certainty"]
    print(
        f"{shown(path)}: {figures['training_beats']:,} training and "
        f"{figures['validation_beats']:,} validation beats\n"
        f"  uncertain below {sure['uncertain_below']:.4f}: {sure['certain_share']:.2%} of the "
        f"validation beats are certain, and {sure['error_of_certain']:.2%} of these wrong; "
        f"of the others {sure['error_of_uncertain']:.1%} are\n"
        f"  typical beats: {figures['typical_beats']}"
    )


if __name__ == "__main__":
    raise SystemExit(main())
