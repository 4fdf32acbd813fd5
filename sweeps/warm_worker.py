"""A process that runs a training program's `main(argv)` again and again, for the sweep agent.

    python -P warm_worker.py FOLDER MODULE

FOLDER holds the program's package and goes first on the path; the working folder, which may have a
`utils.py` of its own, does not.

Orders come as JSON lines on standard input, answers go out on standard output:
`{"check": {name: [values]}, "metric": name}` -> `{"faults": [[name, sentence]], "facts": {...}}`
(or `{"reason": sentence}` where the program cannot be loaded),
`{"costs": [settings]}` -> `{"costs": [seconds]}` (null where the program foretells none), and
`{"run": [arguments], "environment": {...}, "log": path}` -> `{"status": 0, "memory_mb": 900}`.
When standard input closes, the agent is gone, and the worker ends with all its children.
"""

import gc
import importlib
import json
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import psutil


def main(argv: list[str]) -> int:
    """Serve until standard input closes."""
    folder, module_name = argv
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not mix with the answers
    orders: queue.Queue[dict[str, Any]] = queue.Queue()
    threading.Thread(target=_listen, args=(sys.stdin, orders), daemon=True).start()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a stop may arrive after its trial has ended
    sys.path.insert(0, folder)

    def program(arguments: list[str]) -> int | None:
        return importlib.import_module(module_name).main(arguments)

    trials = 0
    while True:
        order = orders.get()
        if "check" in order:
            _answer(answers, _check(module_name, order))
        elif "costs" in order:
            _answer(answers, _costs(module_name, order["costs"]))
        else:
            status = run(program, order["run"], order["environment"], Path(order["log"]))
            if trials == 0:
                _freeze_garbage_collector()
            trials += 1
            _answer(answers, {"status": status, "memory_mb": _memory_mb()})


def run(
    program: Callable[[list[str]], int | None],
    arguments: list[str],
    environment: Mapping[str, str],
    log: Path,
) -> int:
    """One trial: the program's exit status, its output in `log`."""
    with _surroundings(environment, log):
        try:
            signal.signal(signal.SIGTERM, _interrupt)
            return program(arguments) or 0
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else int(end.code is not None)
        except KeyboardInterrupt:
            return 128 + signal.SIGTERM
        except Exception:
            traceback.print_exc()
            return 1
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)


@contextmanager
def _surroundings(environment: Mapping[str, str], log: Path) -> Iterator[None]:
    """The trial's environment variables and its log as output, both put back afterwards."""
    before = dict(os.environ)
    saved = [os.dup(1), os.dup(2)]
    with log.open("ab", buffering=0) as file:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.environ.update(environment)
    _refresh_wandb()
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for descriptor, copy in enumerate(saved, start=1):
            os.dup2(copy, descriptor)
            os.close(copy)
        os.environ.clear()
        os.environ.update(before)


def _refresh_wandb() -> None:
    """Let W&B's client read the trial's environment; it does so once in a process otherwise.

    `wandb.teardown()` would do it too, but starts W&B's service anew: a quarter of a second.
    """
    if wandb := sys.modules.get("wandb"):
        settings = wandb.Settings()
        settings.update_from_env_vars(os.environ)
        wandb.setup(settings)


def _freeze_garbage_collector() -> None:
    """Exclude the libraries' half a million objects from every later garbage collection."""
    gc.collect()
    gc.freeze()


def _check(module_name: str, order: Mapping[str, Any]) -> dict[str, Any]:
    """The program's objections to the sweep, and what it wants kept with the study.

    Both are optional functions of the program: `check_sweep` and `sweep_facts`.
    """
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        traceback.print_exc()
        return {"reason": f"{type(error).__name__}: {error}"}
    check, facts = (getattr(module, name, None) for name in ("check_sweep", "sweep_facts"))
    return {
        "faults": check(order["check"], order["metric"]) if check else [],
        "facts": facts(order["check"]) if facts else {},
    }


def _costs(module_name: str, settings: list[dict[str, Any]]) -> dict[str, Any]:
    """The seconds that the program foretells its trials, where it does."""
    try:
        estimate = getattr(importlib.import_module(module_name), "sweep_costs", None)
        return {"costs": estimate(settings) if estimate else None}
    except Exception:
        traceback.print_exc()  # into the worker's log; a sweep goes on without a forecast
        return {"costs": None}


def _listen(source: TextIO, orders: queue.Queue) -> None:
    for line in source:
        orders.put(json.loads(line))
    os.killpg(0, signal.SIGKILL)


def _answer(answers: TextIO, content: Mapping[str, Any]) -> None:
    answers.write(json.dumps(content) + "\n")
    answers.flush()


def _interrupt(*_arguments: Any) -> None:
    raise KeyboardInterrupt


def _memory_mb() -> float:
    return psutil.Process().memory_info().rss / 2**20


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
