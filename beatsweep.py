"""One command for all programs, from any folder: `beatsweep train cnn --data=synthetic`.

Each word stands for a program, which is imported only when it is called, so that the list of
commands comes at once. `python -m training.train_cnn` and the like do the same.
"""

import importlib
import sys
from collections.abc import Iterable

from utils.command_line import suggestion
from utils.errors import exit_plainly

TRAIN = "train"
# Words -> the module whose `main(argv)` is called, flags that go first, and what it does.
COMMANDS: dict[str, tuple[str, list[str], str]] = {
    "train final": ("main", [], "final networks with the best settings, then their report"),
    "train cnn": ("training.train_cnn", [], "one convolutional network"),
    "train rnn": ("training.train_rnn", [], "one recurrent network"),
    "train cnn_lstm": ("training.train_cnn_lstm", [], "one network of convolutions and an LSTM"),
    "train autoencoder": (
        "training.train_autoencoder",
        [],
        "an LSTM autoencoder, for anomaly detection",
    ),
    "evaluate": ("eval", [], "score checkpoints on test beats"),
    "explore": ("data_exploratory", [], "pictures of a data set"),
    "predict": ("eval", ["--predict"], "classify the beats of a CSV file"),
    "analyse": ("analyse_record", [], "a recording: beats, waves, rhythm; or a folder of them"),
    "sweep": ("sweeps.agent", [], "run a W&B sweep file, with no account"),
    "report": ("sweeps.report", [], "the report of a sweep"),
    "best": ("sweeps.best", [], "a sweep's best settings, trained with more seeds"),
    "promote": ("training.promote", [], "put a network into use; with no argument, list them"),
    "cross-validate": ("training.cross_validate", [], "train and score on every fold"),
    "transfer": ("training.transfer", [], "does one data set's network help on another?"),
    "serve": ("serving.__main__", [], "the prediction service: a page and an API"),
    "download": ("heartbeats.download", [], "fetch a public data set"),
    "export": ("heartbeats.export", [], "write a data set as Kaggle's CSV files"),
}


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Call the program that the first words name; its exit status, 2 where there is none."""
    words = sys.argv[1:] if argv is None else argv
    for name in COMMANDS:
        count = len(name.split())
        if name.split() == words[:count]:
            return _call(name, words[count:])
    asked = [word for word in words if word not in ("-h", "--help")]
    if not asked or asked == [TRAIN]:
        print(help_text(name for name in COMMANDS if not asked or name.startswith(TRAIN)))
        return 0
    print(f"beatsweep: {_unknown(asked)}; --help lists all", file=sys.stderr)
    return 2


def help_text(names: Iterable[str]) -> str:
    """The usage and one line for each command."""
    lines = [f"  {name:<20}{COMMANDS[name][2]}" for name in names]
    return "\n".join(
        [
            "usage: beatsweep COMMAND ...",
            "",
            *lines,
            "",
            "`beatsweep COMMAND --help` lists a command's arguments.",
        ]
    )


def _unknown(asked: list[str]) -> str:
    """What is wrong with words that name no command, and the closest one."""
    if asked[0] == TRAIN:
        second = [name.split()[1] for name in COMMANDS if name.startswith(TRAIN)]
        known, typed, what = second, asked[1], f"expected {', '.join(second)} after {TRAIN}, got"
    else:
        known, typed, what = [name.split()[0] for name in COMMANDS], asked[0], "unknown command"
    return f"{what} '{typed}'{suggestion(typed, known)}"


def _call(name: str, rest: list[str]) -> int:
    module, first, _what = COMMANDS[name]
    sys.argv = [f"beatsweep {name}", *rest]  # the usage lines of the program begin so
    flags = [] if rest[:1] in (["-h"], ["--help"]) else first
    return importlib.import_module(module).main([*flags, *rest])


if __name__ == "__main__":
    raise SystemExit(main())
