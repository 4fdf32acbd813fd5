"""Does a network trained on one data set help on another? Learning curves of four ways to start.

    python -m training.transfer --source mitbih --target ptb --arch cnn
    python -m training.transfer --source ptb --target mitbih       # trains the source if need be
    python eval.py --transfer ptb

From scratch, a new head on the frozen body, the last block too, and the whole network; for
several fractions of the target's labels and several seeds. Every training has the same number of
steps and selects nothing, so its fraction of the labels is all that it sees. The same command
goes on after an interruption, and adds what more seeds, fractions or modes ask for.
"""

from collections.abc import Sequence

from utils.errors import exit_plainly

# Libraries, and what needs them, are imported where they are called: a Python that lacks them gets
# a sentence, and a wrong flag does not wait for Keras.


@exit_plainly
def main(argv: Sequence[str] | None = None) -> int:
    """Settings, source network, trainings, report; the exit status."""
    from experiments.transfer.settings import TransferSettings
    from heartbeats import catalog
    from utils.settings import from_command_line

    settings = from_command_line(TransferSettings, argv, about=__doc__)
    settings.check()
    catalog.find(settings.target)
    from experiments.transfer import transfer

    transfer.run_and_report(settings)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
