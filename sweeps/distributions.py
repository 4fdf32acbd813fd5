"""One parameter of a sweep file: its options by W&B's schema, checked, as a Parameter."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from sweeps import space

# distribution -> required keys, and the others with their defaults
DISTRIBUTIONS: dict[str, tuple[tuple[str, ...], dict[str, float]]] = {
    "constant": (("value",), {}),
    "categorical": (("values",), {}),
    "categorical_w_probabilities": (("values", "probabilities"), {}),
    "int_uniform": (("min", "max"), {}),
    "uniform": (("min", "max"), {}),
    "q_uniform": (("min", "max"), {"q": 1}),
    "log_uniform": (("min", "max"), {}),
    "log_uniform_values": (("min", "max"), {}),
    "q_log_uniform": (("min", "max"), {"q": 1}),
    "q_log_uniform_values": (("min", "max"), {"q": 1}),
    "inv_log_uniform": (("min", "max"), {}),
    "inv_log_uniform_values": (("min", "max"), {}),
    "normal": ((), {"mu": 0, "sigma": 1}),
    "q_normal": ((), {"mu": 0, "sigma": 1, "q": 1}),
    "log_normal": ((), {"mu": 0, "sigma": 1}),
    "q_log_normal": ((), {"mu": 0, "sigma": 1, "q": 1}),
    "beta": ((), {"a": 1, "b": 1}),
    "q_beta": ((), {"a": 1, "b": 1, "q": 1}),
}


# Distributions whose numbers are natural exponents: -> which of them.
EXPONENTS = {
    "log_uniform": ("min", "max"),
    "q_log_uniform": ("min", "max"),
    "inv_log_uniform": ("min", "max"),
    "log_normal": ("mu",),
    "q_log_normal": ("mu",),
}
LARGEST_EXPONENT = 700  # e to the power of more is no floating-point number
MOST_DEVIATIONS = 6.1  # as far as normal distributions are drawn


NUMBERS = ("min", "max", "mu", "sigma", "a", "b", "q")  # options that are numbers


class Fault(ValueError):
    """Something in a sweep file is wrong: its key, and why."""

    def __init__(self, key: str, text: str):
        super().__init__(text)
        self.key, self.text = key, text


def parameter(name: str, options: Mapping[str, Any]) -> space.Parameter:
    """The parameter that `options` describe.

    Args:
        name: dotted, for messages too.
        options: e.g. ``{"distribution": "uniform", "min": 0, "max": 1}``.

    Raises:
        Fault: a key is unknown or missing, or a value is not allowed.
    """
    kind = _kind(name, options)
    required, defaults = DISTRIBUTIONS[kind]
    known = ("distribution", *required, *defaults)
    for key in options:
        if key not in known:
            raise Fault(key, f"unknown key '{key}'; {kind} has {', '.join(known)}")
    for key in required:
        if key not in options:
            raise Fault("", f"'{name}': {kind} needs `{key}`")
    if kind == "constant":
        return space.constant(name, options["value"])
    if kind.startswith("categorical"):
        return _categorical(name, options)
    return _number(name, kind, {**defaults, **options})


def exponents_note(name: str, options: Mapping[str, Any]) -> str | None:
    """A warning where `log_uniform` probably should be `log_uniform_values`."""
    kind = options.get("distribution")
    if kind not in ("log_uniform", "q_log_uniform") or not 0 < options["min"] < options["max"] < 1:
        return None
    low, high = options["min"], options["max"]
    return (
        f"'{name}': {kind} takes natural exponents, so its values run from e^{low} to e^{high}; "
        f"for values from {low} to {high} write {kind}_values"
    )


def _check_exponents(name: str, kind: str, options: Mapping[str, Any]) -> None:
    reach = MOST_DEVIATIONS * options.get("sigma", 0)
    for key in EXPONENTS[kind]:
        if abs(options[key]) + reach <= LARGEST_EXPONENT:
            continue
        text = (
            f"'{name}': {kind} takes natural exponents, and e^{options[key]} is out of all range"
        )
        if "min" in options and options["min"] > 0:
            low, high = options["min"], options["max"]
            text += f"; for values from {low} to {high} write {kind}_values"
        raise Fault(key, text)


def is_number(value: Any) -> bool:
    """Whether it is a finite number and no boolean."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def is_whole(value: Any) -> bool:
    """Whether it is an int and no boolean."""
    return isinstance(value, int) and not isinstance(value, bool)


def _kind(name: str, options: Mapping[str, Any]) -> str:
    """The distribution, by W&B's rule where none is named."""
    kind = options.get("distribution")
    if kind is None and "value" in options:
        return "constant"
    if kind in (None, "categorical") and "values" in options:
        return "categorical_w_probabilities" if "probabilities" in options else "categorical"
    if kind is None:
        whole = all(is_whole(options.get(key)) for key in ("min", "max"))
        return "int_uniform" if whole else "uniform"
    if not isinstance(kind, str) or kind not in DISTRIBUTIONS:
        raise Fault(
            "distribution",
            f"'{name}': unknown distribution {kind!r}; known: {', '.join(DISTRIBUTIONS)}",
        )
    return kind


def _categorical(name: str, options: Mapping[str, Any]) -> space.Parameter:
    values, shares = options["values"], options.get("probabilities")
    if not isinstance(values, list) or not values:
        raise Fault("values", f"'{name}': 'values' is a list of at least one value")
    if shares is not None and not (
        isinstance(shares, list)
        and len(shares) == len(values)
        and all(is_number(share) and share >= 0 for share in shares)
        and abs(sum(shares) - 1) < 1e-6
    ):
        raise Fault(
            "probabilities",
            f"'{name}': 'probabilities' has one number for each value, and they sum to 1",
        )
    return space.categorical(name, values, shares)


def _number(name: str, kind: str, options: Mapping[str, Any]) -> space.Parameter:
    for key, value in options.items():
        if key != "distribution" and not is_number(value):
            raise Fault(key, f"'{name}': '{key}' is a number; got {value!r}")
    _check_ends(name, kind, options.get("min", 0), options.get("max", 1))
    for key in ("q", "sigma", "a", "b"):
        if key in options and options[key] <= 0:
            raise Fault(key, f"'{name}': '{key}' is above 0; got {options[key]}")
    if kind == "int_uniform":
        return space.int_uniform(name, int(options["min"]), int(options["max"]))
    if kind in EXPONENTS:
        _check_exponents(name, kind, options)
    if kind == "uniform" and options["min"] == options["max"]:
        return space.constant(name, options["min"])
    options = {
        key: float(value) if key in NUMBERS and key != "q" else value
        for key, value in options.items()
    }
    try:
        with np.errstate(all="ignore"):
            found = space.number(name, kind, options)
            drawn = [found.value(quantile) for quantile in (0.0, 0.5, 1.0)]
            fits = all(found.low <= one <= found.high and is_number(one) for one in drawn)
            fits &= all(found.stored._contains(one) for one in drawn)
    except (ArithmeticError, ValueError):
        fits = False
    if not fits:
        given = ", ".join(f"{key} {options[key]}" for key in NUMBERS if key in options)
        raise Fault("", f"'{name}': no numbers can be drawn from {kind} with {given}")
    return found


def _check_ends(name: str, kind: str, low: float, high: float) -> None:
    if low > high:
        raise Fault("min", f"'{name}': 'min' {low} is above 'max' {high}")
    if low == high and kind not in ("uniform", "int_uniform"):
        raise Fault("max", f"'{name}': 'min' and 'max' are both {low}: write `value: {low}`")
    if kind == "int_uniform" and not (is_whole(low) and is_whole(high)):
        raise Fault("min", f"'{name}': int_uniform takes whole numbers; got {low!r} and {high!r}")
    if kind == "int_uniform" and max(-low, high) > space.LARGEST_WHOLE:
        raise Fault(
            "max", f"'{name}': whole numbers are kept exactly up to {space.LARGEST_WHOLE:,}"
        )
    if kind.endswith("log_uniform_values") and low <= 0:
        raise Fault("min", f"'{name}': {kind} needs 'min' above 0; got {low}")
