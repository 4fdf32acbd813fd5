"""W&B's own search engine as a program: a JSON line in, a JSON line out.

Run by benchmarks.search_quality in the environment of benchmarks/requirements-search.txt. In come
`{"seed": 3}`, which starts a sweep, or `{"sweep": CONFIG, "runs": [...]}`; out goes the next run's
parameters and the seconds they took. Start it as `python -I`: that keeps our own folder `sweeps`,
which bears the package's name, off the path.
"""

import json
import sys
import time
import warnings

import numpy as np

import sweeps  # isort: skip  # W&B's package, not our folder


def answer(request: dict) -> dict:
    """The next run's parameters, or nothing where a seed came."""
    if "seed" in request:
        np.random.seed(request["seed"])
        return {}
    runs = [sweeps.SweepRun(**run) for run in request["runs"]]
    started = time.perf_counter()
    found = sweeps.next_run(request["sweep"], runs)
    seconds = time.perf_counter() - started
    config = {name: entry["value"] for name, entry in found.config.items()}
    return {"config": config, "seconds": seconds}


def main() -> None:
    """Answer until the input ends."""
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line)), default=lambda one: one.item()), flush=True)


if __name__ == "__main__":
    main()
