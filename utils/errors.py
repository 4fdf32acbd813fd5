"""Errors that a user can mend, told in one sentence instead of a traceback."""

import functools
import importlib.util
import sys
from collections.abc import Callable

from utils.paths import PROJECT_FOLDER

# Pythons that all libraries are built for: the first and the last minor version of Python 3.
PYTHONS = (11, 13)


class InputError(ValueError):
    """Something given from outside cannot be used.

    The message says what was expected, what came (with file, row and column where there are
    any) and the way out. Programs print it and exit with status 2.
    """


def exit_plainly(main: Callable[..., int | None]) -> Callable[..., int]:
    """Wrap a program's main so that an InputError ends it with a sentence and status 2.

    A full disk, a folder that cannot be written and a library that is not installed are reported
    the same way; Ctrl-C exits with the shell's own status for it, 130. So that a missing library
    is met inside, programs import libraries in `main` and in what it calls.
    """

    @functools.wraps(main)
    def wrapped(*args, **kwargs) -> int:
        try:
            return main(*args, **kwargs) or 0
        except ModuleNotFoundError as error:
            if not _is_library(error.name or ""):
                raise
            print(f"error: {_not_installed(error.name or '')}", file=sys.stderr)
            return 2
        except (InputError, OSError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print("stopped by Ctrl-C", file=sys.stderr)
            return 130

    return wrapped


def _is_library(name: str) -> bool:
    """Whether this missing module is a whole library of others: not Python's, not ours."""
    top = name.split(".")[0]
    is_ours = (PROJECT_FOLDER / top).is_dir() or (PROJECT_FOLDER / f"{top}.py").is_file()
    is_known = top in sys.stdlib_module_names or importlib.util.find_spec(top) is not None
    return bool(top) and not is_ours and not is_known


def _not_installed(name: str) -> str:
    """What is missing where, and the way out."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if sys.prefix != sys.base_prefix:  # in some virtual environment already
        return (
            f"{name} is not installed in {sys.prefix} (Python {version}): install all that is "
            f"needed with `python -m pip install -r {PROJECT_FOLDER / 'requirements.txt'}`, or "
            f"what is optional with `python -m pip install {name}`"
        )
    first, last = PYTHONS
    return (
        f"{name} is not installed for {sys.executable} (Python {version}): activate the project's "
        f"environment with `source {PROJECT_FOLDER / '.venv/bin/activate'}`; `make run` makes it, "
        f"with Python 3.{first} to 3.{last}"
    )
