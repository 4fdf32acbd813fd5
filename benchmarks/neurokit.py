"""NeuroKit2, which only benchmarks compare with, and only where it is installed."""

from types import ModuleType

from utils.errors import InputError


def load(instead: str) -> ModuleType:
    """The library.

    Args:
        instead: the flag that leaves it out, for the message.

    Raises:
        InputError: it is not installed.
    """
    try:
        import neurokit2
    except ImportError:
        raise InputError(
            "NeuroKit2 is not installed: `pip install -r benchmarks/requirements-recordings.txt`,"
            f" or leave it out with {instead}"
        ) from None
    return neurokit2
