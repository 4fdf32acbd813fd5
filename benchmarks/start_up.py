"""How long until a training program could train? Imports, on each backend that is installed.

python -m benchmarks.start_up
"""

import importlib.util
import os
import subprocess
import sys
import time

WHAT = {
    "python alone": "pass",
    "settings and sweep files": "import training.settings",
    "wandb": "import wandb",
    "a training program": "import training.train_cnn",
    "a training program, model built": (
        "from training.architectures import find; a = find('cnn'); a.build(a.settings(), 187, 5)"
    ),
}


def seconds(code: str, backend: str) -> float:
    """The faster of two fresh processes that run `code`."""
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    times = []
    for _ in range(2):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], env=environment, check=True)
        times.append(time.perf_counter() - started)
    return min(times)


def main() -> int:
    """Print a table; the exit status."""
    backends = [name for name in ("tensorflow", "jax") if importlib.util.find_spec(name)]
    print("seconds, faster of two" + " " * 12 + "".join(f"{name:>12}" for name in backends))
    for what, code in WHAT.items():
        print(f"{what:<34}" + "".join(f"{seconds(code, name):12.2f}" for name in backends))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
