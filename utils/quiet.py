"""Importing libraries that talk on the standard error stream from C++ before anyone asked."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_lines(*beginnings: str) -> Iterator[None]:
    """Hold back what is written to standard error inside; show it afterwards, less some lines.

    Works on the file descriptor, since compiled code does not go through `sys.stderr`. Where an
    exception leaves the block, everything is shown.

    Args:
        beginnings: lines that begin so are dropped.
    """
    sys.stderr.flush()
    real = os.dup(2)
    dropped: tuple[str, ...] = beginnings
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            dropped = ()
            raise
        finally:
            sys.stderr.flush()
            os.dup2(real, 2)
            os.close(real)
            held.seek(0)
            for line in held.read().decode(errors="replace").splitlines(keepends=True):
                if not (dropped and line.startswith(dropped)):
                    sys.stderr.write(line)
