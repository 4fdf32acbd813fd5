"""Which engine finds a good network first, by the processor second?

    python -m benchmarks.race.replay [--seeds 50] [--wandb-engine PYTHON] [--to FOLDER]

Engines race over a table of real trainings (`recorded.yaml` says how it was made): ours, Optuna's
TPE with Hyperband, KerasTuner's two (`pip install keras-tuner`), W&B's own engine where
`--wandb-engine` names a Python that has it (benchmarks/requirements-search.txt), and random search
with and without early stopping. The figure is the regret of the setting that looked best so far,
by a training on beats that no engine sees: median and quartiles of all seeds.
"""

import csv
import importlib.util
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import optuna
from rich.console import Console
from rich.progress import track
from rich.table import Table as ScreenTable

from benchmarks.race import engines
from benchmarks.race.course import BudgetSpent, Course, Table
from benchmarks.race.engines import Engine
from benchmarks.search_quality import WandbEngine
from sweeps import sweep_file
from utils.command_line import Parser, existing_file, positive
from utils.errors import exit_plainly
from utils.paths import runs_folder, shown

HERE = Path(__file__).parent
POINTS = 60
# The share of the whole table's seconds that an engine has.
BUDGET_SHARE = 0.3
MARKS = (0.1, 0.25, 0.5, 1.0)  # of the budget, at which the table on screen reads regrets


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Race, print the regrets, write the curves and the picture; the exit status."""
    parser = Parser(__doc__)
    parser.add_argument("--seeds", type=positive, default=50)
    parser.add_argument("--first-seed", type=int, default=0, help="tune with 100 and above")
    parser.add_argument("--table", type=existing_file, default=HERE / "recorded.csv")
    parser.add_argument("--engines", nargs="+", help="words that their names contain")
    parser.add_argument("--wandb-engine", metavar="PYTHON", help="a Python that has sweeps 0.3.0")
    parser.add_argument("--to", type=Path, help="folder of race.csv and race.png")
    asked = parser.parse_args(argv)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sweep = sweep_file.read(HERE / "recorded.yaml")
    table = Table.read(asked.table, sweep.space)
    budget = BUDGET_SHARE * float(table.seconds.sum())
    grid = np.linspace(0, budget, POINTS + 1)[1:]
    seeds = range(asked.first_seed, asked.first_seed + asked.seeds)
    with ExitStack() as stack:
        other = asked.wandb_engine and stack.enter_context(WandbEngine(asked.wandb_engine))
        by_name = _engines(sweep.content, other or None, asked.engines)
        regrets = {
            name: np.array(
                [race(engine, table, budget, seed).regret(grid) for seed in track(seeds, name)]
            )
            for name, engine in by_name.items()
        }
    Console().print(_table(regrets, budget))
    folder = asked.to or runs_folder() / "reports" / "race"
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "race.csv", regrets, grid)
    draw(folder / "race.png", regrets, grid)
    print(f"curves: {shown(folder / 'race.csv')}, picture: {shown(folder / 'race.png')}")
    return 0


def race(engine: Engine, table: Table, budget_s: float, seed: int) -> Course:
    """One engine's way through the table."""
    course = Course(table, budget_s)
    try:
        engine(course, seed)
    except BudgetSpent:
        pass
    return course


def _engines(
    sweep: Mapping, wandb_engine: WandbEngine | None, words: Sequence[str] | None
) -> dict[str, Engine]:
    found = {
        "ours": engines.ours("bayes", counts_cost=True),
        "ours, cost aside": engines.ours("bayes"),
        "ours, stopping by seconds": engines.ours("bayes", counts_cost=True, stops="by seconds"),
        "ours, stopping nothing": engines.ours("bayes", counts_cost=True, stops="never"),
        "Optuna TPE + Hyperband": engines.optuna_tpe,
        "random + hyperband": engines.ours("random"),
        "random": engines.ours("random", stops="never"),
    }
    if importlib.util.find_spec("keras_tuner"):
        found["KerasTuner Bayesian"] = engines.keras_tuner("BayesianOptimization")
        found["KerasTuner Hyperband"] = engines.keras_tuner("Hyperband")
    if wandb_engine is not None:
        found["W&B bayes + hyperband"] = engines.wandb_bayes(wandb_engine, sweep)
    return {
        name: one
        for name, one in found.items()
        if not words or any(word in name for word in words)
    }


def _table(regrets: Mapping[str, np.ndarray], budget_s: float) -> ScreenTable:
    some = next(iter(regrets.values()))
    shown_ = ScreenTable(
        title=f"regret in macro-F1: median of {len(some)} seeds (quartiles)", title_justify="left"
    )
    shown_.add_column("engine")
    for mark in MARKS:
        shown_.add_column(f"{mark * budget_s / 60:.0f} min", justify="right")
    places = [round(mark * POINTS) - 1 for mark in MARKS]
    best = [min(float(np.median(one[:, place])) for one in regrets.values()) for place in places]
    for name, of_seeds in regrets.items():
        cells = []
        for place, least in zip(places, best, strict=True):
            low, median, high = np.percentile(of_seeds[:, place], [25, 50, 75])
            text = f"{median:.4f} ({low:.4f} to {high:.4f})"
            cells.append(f"[bold]{text}[/bold]" if median == least else text)
        shown_.add_row(name, *cells)
    return shown_


def _write(path: Path, regrets: Mapping[str, np.ndarray], grid: np.ndarray) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["engine", "seconds", "quartile_1", "median", "quartile_3"])
        for name, of_seeds in regrets.items():
            for seconds, three in zip(
                grid, np.percentile(of_seeds, [25, 50, 75], axis=0).T, strict=True
            ):
                writer.writerow([name, f"{seconds:.1f}", *(f"{one:.5f}" for one in three)])


def draw(path: Path, regrets: Mapping[str, np.ndarray], grid: np.ndarray) -> None:
    """A panel for each engine but ours, with ours in each, so that bands can be told apart."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    others = [name for name in regrets if not name.startswith("ours")]
    figure, axes = plt.subplots(
        1, len(others), figsize=(2.6 * len(others), 3.2), sharey=True, layout="constrained"
    )
    for axis, name in zip(np.atleast_1d(axes), others, strict=True):
        for one, colour in ((name, "#b35806"), ("ours", "#0b5fa5")):
            if one not in regrets:
                continue
            low, median, high = np.percentile(regrets[one], [25, 50, 75], axis=0)
            axis.plot(grid / 60, median, color=colour, lw=2, label=one)
            axis.fill_between(grid / 60, low, high, color=colour, alpha=0.2, lw=0)
        axis.set_title(name, fontsize=10)
        axis.set_xlabel("processor minutes")
        axis.set_ylim(0, None)
        axis.spines[["top", "right"]].set_visible(False)
    np.atleast_1d(axes)[0].set_ylabel("regret in macro-F1 (blue: ours)")
    figure.savefig(path, dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    raise SystemExit(main())
