"""Which search method finds the best setting in thirty trials?

    python -m benchmarks.search_quality [--seeds 10] [--trials 30] [--wandb-engine PYTHON]

Engines: our `bayes`, `tpe` and `random`, Optuna's TPE with its defaults, and W&B's own engine
where `--wandb-engine` names a Python that has it (benchmarks/requirements-search.txt). All see the
same landscapes, under the same seeds, with the same W&B distributions. The figure is the regret of
the trial that looked best, without the noise: how far it is from the best setting there is (on
some objectives from a bound below it). Lower is better.
"""

import json
import math
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import yaml
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.stats import rankdata

from benchmarks.search_objectives import OBJECTIVES, Objective, recorded
from sweeps import sweep_file
from sweeps.search import sampler
from sweeps.space import Space
from utils.command_line import Parser

ENGINE_SCRIPT = Path(__file__).with_name("search_wandb_engine.py")
WANDB = "W&B bayes"
TPE = "Optuna TPE"
OURS = {"ours bayes": "bayes", "ours tpe": "tpe", "ours random": "random"}


@dataclass(frozen=True)
class Outcome:
    """One search: the regret of the trial that looked best, and the seconds per suggestion."""

    regret: float
    seconds: float


# Scores of the trials in order, from a suggestion and its trial to what it is worth; None: failed.
Evaluate = Callable[[Mapping[str, Any]], float | None]


def space_of(objective: Objective, method: str = "bayes") -> Space:
    """The objective's parameters, read as a sweep file."""
    content = sweep_of(objective, method) | {"program": "program.py"}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sweep.yaml"
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        return sweep_file.read(path).space


def sweep_of(objective: Objective, method: str = "bayes") -> dict:
    """The sweep that an engine gets."""
    metric = {"name": "score", "goal": "minimize"}
    return {"method": method, "metric": metric, "parameters": objective.parameters}


def search_optuna(
    objective: Objective, make: Callable[[Space], Any], evaluate: Evaluate, trials: int
) -> float:
    """Search with an Optuna sampler; the seconds that its suggestions took."""
    space = space_of(objective)
    study = optuna.create_study(sampler=make(space))
    seconds = 0.0
    for _ in range(trials):
        started = time.perf_counter()
        trial = study.ask(fixed_distributions=space.stored)
        seconds += time.perf_counter() - started
        score = evaluate(space.reals(trial.params))
        failed = optuna.trial.TrialState.FAIL if score is None else None
        study.tell(trial, score, state=failed)
    return seconds


class WandbEngine(AbstractContextManager):
    """W&B's engine in another Python, spoken to in JSON lines."""

    def __init__(self, python: str):
        self._process = subprocess.Popen(
            [python, "-I", str(ENGINE_SCRIPT)],  # isolated: `import sweeps` must not find ours
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},  # one thread, as ours: it is faster
        )

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def ask(self, request: dict) -> dict:
        """Its answer to a line of JSON."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def search(self, objective: Objective, seed: int, evaluate: Evaluate, trials: int) -> float:
        """As `search_optuna`."""
        self.ask({"seed": seed})
        runs: list[dict] = []
        seconds = 0.0
        for _ in range(trials):
            found = self.ask({"sweep": sweep_of(objective), "runs": runs})
            seconds += found["seconds"]
            score = evaluate(found["config"])
            logged = {} if score is None else {"score": score}
            runs.append(
                {
                    "config": {name: {"value": value} for name, value in found["config"].items()},
                    "state": "failed" if score is None else "finished",
                    "summary_metrics": logged,
                    "history": [logged] if logged else [],
                }
            )
        return seconds


Engine = Callable[[Objective, int, Evaluate, int], float]


def engines(names: Sequence[str], wandb_engine: WandbEngine | None) -> dict[str, Engine]:
    """Engine by name, each a function of (objective, seed, evaluate, trials)."""

    def ours(method: str) -> Engine:
        return lambda objective, seed, evaluate, trials: search_optuna(
            objective, lambda space: sampler(method, space, seed), evaluate, trials
        )

    known = {label: ours(method) for label, method in OURS.items()}
    known[TPE] = lambda objective, seed, evaluate, trials: search_optuna(
        objective, lambda _: optuna.samplers.TPESampler(seed=seed), evaluate, trials
    )
    if wandb_engine is not None:
        known[WANDB] = wandb_engine.search
    return {name: known[name] for name in names if name in known}


def run(engine: Engine, objective: Objective, seed: int, trials: int) -> Outcome:
    """One search of one landscape."""
    true = objective.drawn(np.random.default_rng((seed, 1)))
    noise = np.random.default_rng((seed, 2))
    seen: list[tuple[float, float]] = []

    def evaluate(config: Mapping[str, Any]) -> float | None:
        regret = true(config)
        if regret is None:
            return None
        seen.append((regret + objective.noise * noise.standard_normal(), regret))
        return seen[-1][0]

    seconds = engine(objective, seed, evaluate, trials)
    return Outcome(min(seen)[1] if seen else math.inf, seconds / trials)


def table(results: Mapping[str, Mapping[str, list[Outcome]]], trials: int) -> Table:
    """Median regret with its quartiles, objective by engine."""
    seeds = len(next(iter(next(iter(results.values())).values())))
    shown = Table(title=f"regret after {trials} trials: median of {seeds} seeds (quartiles)")
    shown.add_column("objective")
    for name in next(iter(results.values())):
        shown.add_column(name, justify="right")
    for objective, by_engine in results.items():
        medians = {
            name: np.median([one.regret for one in each]) for name, each in by_engine.items()
        }
        best = min(medians.values())
        cells = []
        for name, each in by_engine.items():
            low, high = np.percentile([one.regret for one in each], [25, 75])
            text = f"{medians[name]:.3g} ({low:.3g} to {high:.3g})"
            cells.append(f"[bold]{text}[/bold]" if medians[name] == best else text)
        shown.add_row(objective, *cells)
    return shown


def summary(results: Mapping[str, Mapping[str, list[Outcome]]]) -> Table:
    """Mean ranks and the time of a suggestion, by engine."""
    names = list(next(iter(results.values())))
    regrets = np.array(
        [[[one.regret for one in by[name]] for name in names] for by in results.values()]
    )  # (objectives, engines, seeds)
    of_medians = rankdata(np.median(regrets, axis=2), axis=1).mean(axis=0)
    of_searches = rankdata(regrets, axis=1).mean(axis=(0, 2))
    shown = Table(title="over all objectives; rank 1 is best")
    for heading in ("engine", "rank of medians", "rank of single searches", "ms per suggestion"):
        shown.add_column(heading, justify="left" if heading == "engine" else "right")
    for i, name in enumerate(names):
        times = [one.seconds for by in results.values() for one in by[name]]
        shown.add_row(
            name, f"{of_medians[i]:.2f}", f"{of_searches[i]:.2f}", f"{1000 * np.mean(times):.1f}"
        )
    return shown


def main(argv: list[str] | None = None) -> int:
    """Print the tables; the exit status."""
    parser = Parser(__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="how many landscapes and searches")
    parser.add_argument("--first-seed", type=int, default=0, help="tune with 100 and above")
    parser.add_argument("--trials", type=int, default=30)
    every = [*OURS, TPE, WANDB]
    parser.add_argument("--engines", nargs="+", choices=every, default=every)
    parser.add_argument("--objectives", nargs="+", help="words that their names contain")
    parser.add_argument("--wandb-engine", metavar="PYTHON", help="a Python that has sweeps 0.3.0")
    args = parser.parse_args(argv)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    console = Console()
    found = recorded()
    chosen = [
        one
        for one in (*OBJECTIVES, *([found] if found else []))
        if not args.objectives or any(word in one.name for word in args.objectives)
    ]
    seeds = range(args.first_seed, args.first_seed + args.seeds)
    with ExitStack() as stack:
        other = args.wandb_engine and stack.enter_context(WandbEngine(args.wandb_engine))
        by_name = engines(args.engines, other or None)
        results = {
            objective.name: {
                name: [run(engine, objective, seed, args.trials) for seed in seeds]
                for name, engine in by_name.items()
            }
            for objective in track(chosen, "searching", console=console)
        }
    console.print(table(results, args.trials), summary(results))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
