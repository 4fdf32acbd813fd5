"""Errors that a user can mend, told in one sentence instead of a traceback."""

import functools
import sys
from collections.abc import Callable


class InputError(ValueError):
    """Something given from outside cannot be used.

    The message says what was expected, what came (with file, row and column where there are
    any) and the way out. Programs print it and exit with status 2.
    """


def exit_plainly(main: Callable[..., int | None]) -> Callable[..., int]:
    """Wrap a program's main so that an InputError ends it with a sentence and status 2.

    A full disk or a folder that cannot be written is told the same way; Ctrl-C exits with the
    shell's own status for it, 130.
    """

    @functools.wraps(main)
    def wrapped(*args, **kwargs) -> int:
        try:
            return main(*args, **kwargs) or 0
        except (InputError, OSError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print("stopped by Ctrl-C", file=sys.stderr)
            return 130

    return wrapped
