"""The program behind `train_cnn`, `train_rnn` and `train_cnn_lstm`, which differ in a name.

Sweep files, W&B runs and people know the three by these names. What a training program needs to be
swept is `main`; `check_sweep`, `sweep_facts` and `sweep_costs` let a sweep be checked, kept and
foretold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from utils.errors import exit_plainly

# Libraries, and what needs them, are imported where they are called: a Python that lacks them gets
# a sentence, and a wrong flag does not wait for Keras.


@dataclass(frozen=True)
class ClassifierProgram:
    """A program that trains one architecture.

    Attributes:
        name: of the architecture.
        about: the program's description in its help.
    """

    name: str
    about: str | None

    def main(self, argv: Sequence[str] | None = None) -> int:
        """Settings, data, model, fit, evaluation, record; the exit status."""
        return _train(self.name, argv, self.about)

    def check_sweep(
        self, values: Mapping[str, list], metric: str | None
    ) -> list[tuple[str | None, str]]:
        """What is wrong with a sweep of this program; see `training.settings.sweep_faults`."""
        from training import architectures
        from training.settings import sweep_faults

        return sweep_faults(architectures.find(self.name).settings, values, metric)

    def sweep_costs(self, settings: Sequence[Mapping[str, Any]]) -> list[float]:
        """The seconds that trials with these settings take at full length, on this machine."""
        from training import architectures
        from training.foretold import seconds
        from utils.settings import from_mapping

        kind = architectures.find(self.name).settings
        return seconds([from_mapping(kind, one, "the sweep's parameters") for one in settings])

    def sweep_facts(self, values: Mapping[str, list]) -> dict[str, Any]:
        """What is kept with a study of this program: `main.py --study` trains its winner by it."""
        return {
            "architecture": self.name,
            # `sweeps.best` repeats settings on new draws, one in each run.
            "draw_parameter": "split_seed",
            "repeated_with": {"draws": 1},
        }


@exit_plainly
def _train(name: str, argv: Sequence[str] | None, about: str | None) -> int:
    from heartbeats import catalog
    from training import architectures
    from utils.settings import from_command_line

    settings = from_command_line(architectures.find(name).settings, argv, about)
    catalog.find(settings.data)
    from training import run
    from training.classifier import Classifier

    return run.report(run.train(Classifier(name), settings))
