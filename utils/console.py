"""The terminal that tables are printed to."""

from rich.console import Console


def new_console(pipe_width: int = 110) -> Console:
    """A console as wide as the terminal.

    Args:
        pipe_width: columns where the output goes to a file or a pipe, and nothing says how wide it
            may be.
    """
    found = Console()
    if not found.is_terminal:
        found.width = pipe_width
    return found
