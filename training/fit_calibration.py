"""Fit what the predictions of a checkpoint are judged by, and store it with the checkpoint.

    python -m training.fit_calibration --checkpoint models/pretrained/mitbih-kaggle/cnn.json ...

A training does so at its end; this is for checkpoints without a calibration, or with an older
one. It takes the data set that the checkpoint's JSON names and splits it as the training did.
"""

import argparse
from pathlib import Path
from typing import Any

from models import checkpoints
from models.checkpoints import Checkpoint
from training import calibration, classifier
from training.settings import TrainingSettings
from utils.errors import InputError, exit_plainly
from utils.paths import shown
from utils.settings import from_mapping

# The settings that say which beats trained and which validated.
SPLITTING = ("split_seed", "validation_share", "train_limit")


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Read, fit and keep, one checkpoint after the other."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--checkpoint", nargs="+", type=Path, required=True, metavar="JSON")
    for path in parser.parse_args(argv).checkpoint:
        _fit(checkpoints.read(path))
    return 0


def _fit(checkpoint: Checkpoint) -> None:
    found = training_beats(checkpoint)
    fitted = calibration.fit(checkpoint.load(), found.train, found.validation)
    if fitted is None:
        raise InputError(f"{shown(checkpoint.path)}: its network gives no finite numbers")
    if not calibration.keep(fitted, checkpoint):
        raise InputError(
            f"{shown(checkpoint.path)}: another checkpoint has come in its place meanwhile; "
            "run this again"
        )
    _report(checkpoint, fitted.figures)


def training_beats(checkpoint: Checkpoint) -> classifier.LabelledBeats:
    """The beats that trained the checkpoint and those that chose it.

    Raises:
        InputError: the data set is not the one that the checkpoint was trained on.
    """
    facts = checkpoint.facts
    if not (facts.says("settings") and facts.says("protocol")):
        raise InputError(f"{shown(checkpoint.path)} does not say how its data were split")
    values = {name: facts.settings[name] for name in SPLITTING if name in facts.settings}
    values |= {"data": facts.data, "protocol": facts.protocol}
    found = classifier.prepare(from_mapping(TrainingSettings, values, str(checkpoint.path)))
    if found.beats.fingerprint != facts.fingerprint:
        raise InputError(
            f"{shown(checkpoint.path)} was trained on '{facts.data}' with fingerprint "
            f"{facts.fingerprint}, but the data set here has {found.beats.fingerprint}; "
            "set ECG_DATA to the data that it was trained on"
        )
    return found


def _report(checkpoint: Checkpoint, figures: dict[str, Any]) -> None:
    sure = figures["certainty"]
    print(
        f"{shown(checkpoint.path)}: {figures['training_beats']:,} training and "
        f"{figures['validation_beats']:,} validation beats\n"
        f"  uncertain below {sure['uncertain_below']:.4f}: {sure['certain_share']:.2%} of the "
        f"validation beats are certain, and {sure['error_of_certain']:.2%} of these wrong; "
        f"of the others {sure['error_of_uncertain']:.1%} are\n"
        f"  typical beats: {figures['typical_beats']}"
    )


if __name__ == "__main__":
    raise SystemExit(main())
