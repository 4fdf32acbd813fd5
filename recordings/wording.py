"""Numbers as text on pages: durations, times, shares, and unknown values."""

from typing import Any

import numpy as np

UNKNOWN = "–"


def duration(seconds: float) -> str:
    """A length of time in words.

    >>> duration(1805.6)
    '30 min 6 s'
    """
    if round(seconds, 1) < 60:
        return f"{round(seconds, 1):g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min"), (rest if not hours else 0, "s")]
    return " ".join(f"{value} {unit}" for value, unit in parts if value)


def clock(seconds: float) -> str:
    """A time as h:mm:ss.

    >>> clock(3725.4)
    '1:02:05'
    """
    minutes, rest = divmod(int(seconds + 1e-6), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def number(value: Any, form: str) -> str:
    """A value in a format of Python's, a dash where it is not known."""
    return format(value, form) if known(value) else UNKNOWN


def percent(share: Any) -> str:
    """A share in per cent, with enough decimals that a small one is not 0.

    >>> percent(0.318), percent(0.0004), percent(0.0)
    ('31.8 %', '0.04 %', '0 %')
    """
    if not known(share):
        return UNKNOWN
    decimals = 0 if share == 0 else 1 if share >= 0.001 else 2
    return f"{100 * share:.{decimals}f} %"


def known(value: Any) -> bool:
    return value is not None and bool(np.isfinite(value))


def sentence(text: str) -> str:
    """A note with a capital letter and a full stop."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
