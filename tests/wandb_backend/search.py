"""What a sweep tries next, and which of its runs hyperband stops.

`grid` is exact. `random` draws at random; so does `bayes`, whose model is W&B's own secret.
"""

import itertools
import math
import random
from typing import Any

_LARGEST_BRACKET = 1_000_000


def suggest(config: dict[str, Any], tried: int) -> dict[str, Any] | None:
    """The parameters of run number `tried` (from 0); None where a grid is used up."""
    leaves = dict(_leaves(config["parameters"]))
    if config["method"] == "grid":
        cells = itertools.product(*(_values(spec) for spec in leaves.values()))
        cell = next(itertools.islice(cells, tried, None), None)
        return None if cell is None else _nested(dict(zip(leaves, cell, strict=True)))
    if config["method"] not in ("random", "bayes"):
        raise ValueError(f"unknown method {config['method']!r}")
    rng = random.Random(tried)
    return _nested({path: _draw(spec, rng) for path, spec in leaves.items()})


def to_stop(config: dict[str, Any], curves: dict[str, list[float]]) -> list[str]:
    """Names of the runs that hyperband stops: too bad at the last bracket that they reached.

    Brackets lie at `min_iter`, `min_iter * eta`, ... values of the metric (or at `max_iter / eta`,
    ... going down `s` times). A run goes on where it is among the best `1/eta` of all runs that
    reached its bracket.
    """
    rule = config.get("early_terminate")
    if not rule:
        return []
    sign = -1 if config["metric"].get("goal") == "maximize" else 1
    losses = {name: [sign * value for value in curve] for name, curve in curves.items()}
    stopped = []
    for name, curve in losses.items():
        bracket = max((b for b in _brackets(rule) if b <= len(curve)), default=0)
        if not bracket:
            continue
        peers = sorted(peer[bracket - 1] for peer in losses.values() if len(peer) >= bracket)
        if curve[bracket - 1] > peers[int(len(peers) / rule.get("eta", 3))]:
            stopped.append(name)
    return stopped


def _brackets(rule: dict[str, Any]) -> list[int]:
    eta = rule.get("eta", 3)
    if "max_iter" in rule:
        return [int(rule["max_iter"] / eta**k) for k in range(1, rule["s"] + 1)]
    steps = int(math.log(_LARGEST_BRACKET / rule["min_iter"], eta))
    return [int(rule["min_iter"] * eta**k) for k in range(steps)]


def _leaves(parameters: dict[str, Any], path: tuple[str, ...] = ()):
    for name, spec in parameters.items():
        if "parameters" in spec:
            yield from _leaves(spec["parameters"], (*path, name))
        else:
            yield (*path, name), spec


def _nested(flat: dict[tuple[str, ...], Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for path, value in flat.items():
        inner = nested
        for name in path[:-1]:
            inner = inner.setdefault(name, {})
        inner[path[-1]] = value
    return nested


def _values(spec: dict[str, Any]) -> list[Any]:
    if "values" in spec:
        return list(spec["values"])
    if "value" in spec:
        return [spec["value"]]
    if _whole(spec):
        return list(range(spec["min"], spec["max"] + 1))
    raise ValueError(f"a grid cannot list the values of {spec}")


def _whole(spec: dict[str, Any]) -> bool:
    return isinstance(spec.get("min"), int) and isinstance(spec.get("max"), int)


def _draw(spec: dict[str, Any], rng: random.Random) -> Any:
    if "value" in spec or "values" in spec:
        return rng.choices(_values(spec), weights=spec.get("probabilities"))[0]
    kind = spec.get("distribution")
    quantised = bool(kind) and kind.startswith("q_")
    kind = kind.removeprefix("q_") if kind else None
    if kind == "normal":
        drawn = rng.gauss(spec.get("mu", 0), spec.get("sigma", 1))
    elif kind == "log_uniform_values":
        drawn = math.exp(rng.uniform(math.log(spec["min"]), math.log(spec["max"])))
    elif kind == "int_uniform" or (kind is None and _whole(spec)):
        return rng.randint(spec["min"], spec["max"])
    elif kind in (None, "uniform"):
        drawn = rng.uniform(spec["min"], spec["max"])
    else:
        raise ValueError(f"this stand-in cannot draw from {spec}")
    return round(drawn / spec.get("q", 1)) * spec.get("q", 1) if quantised else drawn
