"""The parser of every program: help as it was written, typos answered with the closest name.

    parser = Parser(__doc__)
    parser.add_argument("--data", type=one_of("auto", "mitbih"), default="auto", help="data set")
    parser.add_argument("--jobs", type=positive, metavar="N", help="processes")
    network = parser.add_argument_group("network")
    network.add_argument("--checkpoint", type=existing_file, metavar="JSON", help="classifier")
    asked = parser.parse_args(argv)

A program parses its arguments before it imports any library, so that `--help` and a typo are
answered at once, also by a Python that has no libraries. So at the top of a program stand the
standard library, this module and modules that import nothing else; `main` imports the rest.
"""

import argparse
import math
import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

# Columns of the help: no longer lines on a wider terminal.
MOST_COLUMNS = 100


class Parser(argparse.ArgumentParser):
    """An argument parser that knows how it was called and suggests the closest flag.

    Flags are never abbreviated: an abbreviation would mean another flag as soon as one is added.

    Args:
        description: shown as it stands, mostly the program's `__doc__`.
        prog: the command in the usage line; found out by default.
        options: those of `argparse.ArgumentParser`.
    """

    def __init__(self, description: str | None, prog: str | None = None, **options) -> None:
        super().__init__(
            prog=prog or called_as(),
            description=description,
            formatter_class=_Formatter,
            allow_abbrev=False,
            **options,
        )

    def parse_args(self, args=None, namespace=None):
        """Like argparse's, but a misspelt flag is told before anything that is missing."""
        words = sys.argv[1:] if args is None else list(args)
        if not {"-h", "--help"} & set(words):
            for word in words[: words.index("--")] if "--" in words else words:
                self._check_flag(word)
        return super().parse_args(words, namespace)

    def _check_flag(self, word: str) -> None:
        flag = word.split("=")[0]
        known = self._option_string_actions
        if flag.startswith("--") and " " not in flag and flag not in known:
            shown = [name for name, action in known.items() if action.help != argparse.SUPPRESS]
            self.error(f"unknown argument {flag}{suggestion(flag, shown)}; --help lists all")


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        columns = shutil.get_terminal_size().columns - 2
        super().__init__(prog, max_help_position=28, width=min(columns, MOST_COLUMNS))


def called_as() -> str:
    """The command that runs this program, as one types it, e.g. ``python -m serving``."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    if spec is not None and sys.argv[0] == spec.origin:
        return f"python -m {spec.name.removesuffix('.__main__')}"
    program = Path(sys.argv[0])
    return f"python {sys.argv[0]}" if program.suffix == ".py" else program.name


def suggestion(word: str, known: Iterable[str]) -> str:
    """``, did you mean X?``-like words where one of `known` is close, else nothing."""
    import difflib  # here, since only a typo needs it

    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def one_of(*known: str) -> Callable[[str], str]:
    """An argument's type: one of these words; another is refused with the closest one."""

    def word(text: str) -> str:
        if text not in known:
            raise argparse.ArgumentTypeError(
                f"unknown '{text}'{suggestion(text, known)}; known: {', '.join(known)}"
            )
        return text

    return word


def positive(text: str) -> int:
    """An argument's type: a whole number of at least 1."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, got '{text}'")
    return number


def above_zero(text: str) -> float:
    """A number above 0, for `type=` of an argument."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"a number above 0 is expected, got '{text}'")
    return number


def existing_file(text: str) -> Path:
    """An argument's type: a file that is there, or a pipe."""
    path = Path(text).expanduser()
    if path.is_dir() or not path.exists():
        found = "it is a folder" if path.is_dir() else "there is no such file"
        raise argparse.ArgumentTypeError(f"cannot read '{text}': {found}")
    return path
