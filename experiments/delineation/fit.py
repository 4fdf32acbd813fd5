"""Fit the delineator's network, and write its weights to ecg/wave_marks/network.npz.

    OMP_NUM_THREADS=1 python -m experiments.delineation.fit
    OMP_NUM_THREADS=1 python -m experiments.delineation.fit --validate

It learns from the odd records of LUDB, from the DS1 records of MIT-BIH and from PTB-XL without its
test fold. With --validate, every fifth odd record of LUDB is kept back, scored at the end, and no
weights are written unless --to says where. Takes some ten minutes on one core.
"""

import argparse
from pathlib import Path

from utils.command_line import Parser, positive
from utils.errors import exit_plainly
from utils.paths import data_folder


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Fit, and write or score."""
    asked = _parse(argv)
    from models.backend import keras  # before TensorFlow, which it sets up

    keras.utils.set_random_seed(asked.seed)
    import numpy as np

    from ecg.files import ludb
    from ecg.wave_marks.network import WEIGHTS
    from experiments.delineation import network, strips

    rng = np.random.default_rng(asked.seed)
    odd = [record for record in ludb.RECORDS if record % 2]
    kept_back = odd[4::5] if asked.validate else []
    folder = data_folder()
    drawn = strips.of_ludb(folder, [record for record in odd if record not in kept_back])
    drawn += strips.of_mitdb(folder, rng) + strips.of_ptbxl(folder)
    model = network.build()
    network.fit(model, drawn, asked.epochs, rng)
    output = asked.to or (None if asked.validate else WEIGHTS)
    if output:
        np.savez_compressed(output, **network.weights_of(model))
    if kept_back:
        network.print_scores(model, strips.of_ludb(folder, kept_back))
    return 0


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_argument(
        "--epochs", type=positive, default=40, metavar="N", help="default: %(default)s"
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of weights and changes; default: 0"
    )
    parser.add_argument("--validate", action="store_true", help="keep records back and score them")
    parser.add_argument("--to", type=Path, metavar="FILE", help="where the weights go")
    parser.add_argument("--output", dest="to", type=Path, help=argparse.SUPPRESS)  # former name
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
