"""Put a network into use, or list those that there are.

    python -m training.promote                                          # lists them
    python -m training.promote runs/trainings/mitbih-kaggle/cnn-1a2b3c4d/cnn.json

Evaluation, the service and recordings use the networks in `runs/checkpoints`, else the shipped
ones. A training puts its network there only where it is better by more than noise than what
stands, on the same validation beats; this does so whatever stands there.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from utils.command_line import Parser, existing_file
from utils.errors import InputError, exit_plainly
from utils.paths import runs_folder, shown

# Libraries are imported where they are called, so that `--help` and a typo do not wait for them.
if TYPE_CHECKING:
    from models.checkpoints import Checkpoint


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Promote what is named, or list; the exit status."""
    asked = _parse(argv)
    for path in asked.checkpoint:
        _promote(path)
    if not asked.checkpoint:
        _list()
    return 0


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_argument(
        "checkpoint",
        nargs="*",
        type=existing_file,
        metavar="JSON",
        help="the networks to put into use; none: list all",
    )
    return parser.parse_args(argv)


def _promote(path: Path) -> None:
    from models import checkpoints
    from training import promotion
    from training.fit_calibration import calibrate

    candidate = checkpoints.read(path)
    if not candidate.weights_file.is_file():
        raise InputError(f"{shown(path)} names {candidate.facts.weights_file}, which is not there")
    taken = promotion.promote(candidate, "it was asked for")
    facts = taken.facts
    print(
        f"{shown(taken.path)} is in use from now on: {facts.architecture} on {facts.data}, "
        f"protocol {facts.protocol}, {candidate.facts.how_chosen}"
    )
    if not taken.is_anomaly_detector and taken.calibration_file is None:
        calibrate(taken.path)


def _list() -> None:
    from rich.table import Table

    from utils.console import new_console

    table = Table(title="Networks", title_justify="left", title_style="bold")
    for name in ("network", "state", "data", "validation score", "chosen on", "file"):
        table.add_column(name, overflow="fold")
    for state, checkpoint in _all():
        facts = checkpoint.facts
        table.add_row(
            facts.architecture,
            state,
            f"{facts.data}, {facts.protocol}",
            f"{facts.monitor} {facts.score:.4f}",
            facts.chosen_on.described,
            shown(checkpoint.path),
        )
    new_console(160).print(table)


def _all() -> Iterator[tuple[str, "Checkpoint"]]:
    """All networks, each with its state: in use, shipped or a candidate."""
    from models import checkpoints

    runs = runs_folder()
    here = sorted((runs / "checkpoints").glob("*/*.json"))
    replaced = {(path.parent.name, path.name) for path in here}
    shipped = sorted(checkpoints.PRETRAINED_FOLDER.glob("*/*.json"))
    candidates = [
        *sorted((runs / "trainings").glob("*/*/*.json")),
        *sorted((runs / "final").glob("*/*/*.json")),
        *sorted((runs / "sweeps").glob("*/checkpoints/*/*.json")),
    ]
    for path in here:
        yield "in use", checkpoints.read(path)
    for path in shipped:
        is_replaced = (path.parent.name, path.name) in replaced
        yield "shipped" if is_replaced else "shipped, in use", checkpoints.read(path)
    for path in candidates:
        yield "candidate", checkpoints.read(path)


if __name__ == "__main__":
    raise SystemExit(main())
