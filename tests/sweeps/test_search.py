"""Every search method keeps its promises: values, repeats, pending and failed trials, speed."""

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState, create_trial

from sweeps import space
from sweeps.gaussian_process import GaussianProcess, log_expected_improvement
from sweeps.search import METHODS, GaussianProcessSearch, sampler
from sweeps.space import Space
from sweeps.trial_history import Axes, TrialHistory, at_full_length
from utils.errors import InputError

optuna.logging.set_verbosity(optuna.logging.ERROR)
every_method = pytest.mark.parametrize("method", METHODS)

EVERY_KIND = Space(
    (
        space.constant("epochs", 12),
        space.categorical("block", ["plain", "residual", "dense"]),
        space.categorical("width", [16, 32, 64]),
        space.categorical("gate", [True, False]),
        space.categorical("layers", [[64], [64, 32], None]),
        space.categorical("bits", [8, 16, 32], [0.5, 0.0, 0.5]),
        space.int_uniform("model.stages", 2, 5),
        *(
            space.number(name, name, options)
            for name, options in {
                "uniform": {"min": -1.0, "max": 2.0},
                "q_uniform": {"min": 0.0, "max": 0.5, "q": 0.1},
                "log_uniform": {"min": -9.0, "max": -2.0},
                "q_log_uniform_values": {"min": 1, "max": 100, "q": 5},
                "inv_log_uniform_values": {"min": 1e-4, "max": 1e-1},
                "normal": {"mu": 3.0, "sigma": 2.0},
                "q_normal": {"mu": 0.0, "sigma": 10.0, "q": 1},
                "log_normal": {"mu": 0.0, "sigma": 1.0},
                "beta": {"a": 2.0, "b": 5.0},
                "q_beta": {"a": 2.0, "b": 5.0, "q": 0.25},
            }.items()
        ),
    )
)
PLANE = Space(tuple(space.number(name, "uniform", {"min": 0.0, "max": 1.0}) for name in "xy"))
CELLS = Space((space.categorical("a", [1, 2, 3]), space.categorical("b", ["p", "q", "r", "s"])))
THIRDS = np.array([1, 3, 5]) / 6  # the quantiles of three values
MIXED = [None, None, THIRDS, THIRDS]

Score = Callable[[Mapping[str, Any]], float]


def a_study(direction: str = "minimize") -> optuna.Study:
    return optuna.create_study(direction=direction)


def ask(study: optuna.Study, search, of: Space) -> optuna.Trial:
    study.sampler = search
    return study.ask(fixed_distributions=of.stored)


def run(study: optuna.Study, search, of: Space, score: Score, trials: int) -> list[dict]:
    """Ask and tell; the settings that were tried."""
    tried = []
    for _ in range(trials):
        trial = ask(study, search, of)
        tried.append(trial.params)
        study.tell(trial, score(trial.params))
    return tried


def add(study: optuna.Study, of: Space, params: dict, state: TrialState, value=None, reported=()):
    """Put a trial into the study as if a worker had run it."""
    study.add_trial(
        create_trial(
            state=state,
            params=params,
            distributions=of.stored,
            value=value,
            intermediate_values=dict(enumerate(reported)),
        )
    )


def bowl(params: Mapping[str, Any]) -> float:
    return (params["x"] - 0.3) ** 2 + (params["y"] - 0.8) ** 2


@every_method
def test_values_lie_in_their_distributions(method: str):
    study = a_study()
    rng = np.random.default_rng(0)
    tried = run(study, sampler(method, EVERY_KIND, 1), EVERY_KIND, lambda _: rng.random(), 16)
    for params in tried:
        assert set(params) == set(EVERY_KIND.stored)
        assert params["epochs"] == 12
        assert params["bits"] in (8, 32)  # 16 has no probability
        for name, distribution in EVERY_KIND.stored.items():
            assert distribution._contains(distribution.to_internal_repr(params[name])), name
        for name, step in {"q_uniform": 0.1, "q_normal": 1, "q_beta": 0.25}.items():
            assert params[name] / step == pytest.approx(round(params[name] / step))
        assert EVERY_KIND.reals(params)["layers"] in ([64], [64, 32], None)


def test_axes_agree_with_the_space_about_every_quantile():
    axes = Axes(EVERY_KIND)
    drawn = np.random.default_rng(0).random((200, len(EVERY_KIND.varying)))
    settings = [EVERY_KIND.values(quantiles) for quantiles in drawn]
    snapped = axes.snap(drawn)
    for quantiles, values in zip(snapped, settings, strict=True):
        assert EVERY_KIND.values(quantiles) == pytest.approx(values)
    assert axes.quantiles(settings) == pytest.approx(snapped, abs=1e-6)


def test_what_is_not_in_the_space_has_no_quantile():
    odd = {"a": 7, "b": "p"}
    assert np.isnan(Axes(CELLS).quantiles([odd])[0, 0])
    study = a_study()
    stored = {"a": optuna.distributions.IntDistribution(0, 9), "b": CELLS.stored["b"]}
    study.add_trial(create_trial(params=odd, distributions=stored, value=0.0))
    assert ask(study, sampler("bayes", CELLS, 0), CELLS).params["a"] in (1, 2, 3)


@every_method
def test_a_resumed_process_draws_nothing_twice(method: str):
    study = a_study()
    first = run(study, sampler(method, PLANE, 5), PLANE, bowl, 8)
    second = run(study, sampler(method, PLANE, 5), PLANE, bowl, 8)
    assert len({tuple(one.values()) for one in first + second}) == 16


@every_method
def test_the_same_trials_lead_to_the_same_suggestion(method: str):
    tried = [run(a_study(), sampler(method, PLANE, 5), PLANE, bowl, 14) for _ in range(2)]
    assert tried[0] == tried[1]
    other = run(a_study(), sampler(method, PLANE, 6), PLANE, bowl, 14)
    assert other != tried[0]


@every_method
def test_nothing_is_tried_twice_while_there_is_something_else(method: str):
    study = a_study()
    tried = run(study, sampler(method, CELLS, 0), CELLS, lambda p: p["a"], 12)
    assert len({tuple(one.values()) for one in tried}) == 12
    assert run(study, sampler(method, CELLS, 0), CELLS, lambda p: p["a"], 1)  # then again


@every_method
def test_trials_that_run_or_wait_are_not_repeated(method: str):
    study = a_study()
    study.enqueue_trial({"a": 1, "b": "p"})
    search = sampler(method, CELLS, 0)
    running = [ask(study, search, CELLS).params for _ in range(12)]
    assert running[0] == {"a": 1, "b": "p"}
    assert len({tuple(one.values()) for one in running}) == 12


def test_bayes_keeps_away_from_pending_trials():
    study = a_study()
    run(study, sampler("bayes", PLANE, 0), PLANE, bowl, 6)
    search = sampler("bayes", PLANE, 0)
    four = [list(ask(study, search, PLANE).params.values()) for _ in range(4)]
    apart = [math.dist(one, other) for i, one in enumerate(four) for other in four[:i]]
    assert min(apart) > 0.02


@pytest.mark.parametrize("impute", ["worst", "best", "latest"])
def test_what_failed_and_stopped_trials_count_as(impute: str):
    study = a_study()
    x = iter(np.linspace(0.1, 0.9, 7))
    setting = lambda: {"x": float(next(x)), "y": 0.5}  # noqa: E731
    add(study, PLANE, setting(), TrialState.COMPLETE, 1.0)
    add(study, PLANE, setting(), TrialState.COMPLETE, 3.0)
    add(study, PLANE, setting(), TrialState.PRUNED, None, [9.0, 2.0])
    add(study, PLANE, setting(), TrialState.FAIL, None, [8.0, 2.5, math.nan])
    add(study, PLANE, setting(), TrialState.FAIL)
    add(study, PLANE, setting(), TrialState.PRUNED)
    add(study, PLANE, setting(), TrialState.COMPLETE, math.inf)
    history = TrialHistory(Axes(PLANE), impute)
    history.update(study, 99)
    failed = {"worst": [3, 3, 3, 3], "best": [1, 1, 1, 1], "latest": [2.5, 3, 3, 3]}[impute]
    assert history.scores(study.direction).values.tolist() == [1, 3, 2, *failed]
    # Two trials that went on are too few to say what the stopped one would have become.
    assert ask(study, sampler("bayes", PLANE, 0, impute=impute), PLANE).params


def test_a_stopped_trial_counts_as_what_it_would_have_become():
    """After 3 of 9 calls every trial stands 0.1 higher, for smaller is better."""
    ends = [0.2, 0.3, 0.4, 0.5]
    curves = [np.r_[np.full(3, end + 0.1), np.full(6, end)] for end in ends]
    stopped = np.full(3, 0.7)
    values = np.array([*ends, 0.7])
    is_whole = np.array([True] * 4 + [False])
    found = at_full_length(values, [*curves, stopped], is_whole)
    assert found == pytest.approx([*ends, 0.6])
    # Never better than the best that went on, and as it is where too few did.
    lucky = at_full_length(np.array([*ends, 0.0]), [*curves, np.zeros(3)], is_whole)
    assert lucky[-1] == pytest.approx(0.2)
    few = at_full_length(values[1:], [*curves[1:], stopped], is_whole[1:])
    assert few[-1] == 0.7


def test_a_sweep_in_which_everything_fails_goes_on():
    study, search = a_study(), sampler("bayes", PLANE, 0)
    for _ in range(12):
        study.tell(ask(study, search, PLANE), state=TrialState.FAIL)
    assert len({tuple(one.params.values()) for one in study.trials}) == 12


@every_method
def test_maximising_is_minimising_the_negative(method: str):
    down = run(a_study("minimize"), sampler(method, PLANE, 3), PLANE, bowl, 14)
    up = run(a_study("maximize"), sampler(method, PLANE, 3), PLANE, lambda p: -bowl(p), 14)
    assert down == up


@pytest.mark.slow
def test_bayes_beats_random_on_a_bowl():
    def best(method: str, seed: int) -> float:
        return min(map(bowl, run(a_study(), sampler(method, PLANE, seed), PLANE, bowl, 20)))

    bayes, random = (np.array([best(m, seed) for seed in range(5)]) for m in ("bayes", "random"))
    assert np.median(bayes) < 0.1 * np.median(random)
    assert (bayes < random).sum() >= 4


def test_constants_alone_are_a_space():
    only = Space((space.constant("epochs", 3),))
    for method in METHODS:
        assert ask(a_study(), sampler(method, only, 0), only).params == {"epochs": 3}


def test_random_follows_the_probabilities():
    coin = Space(
        (
            space.categorical("side", ["head", "tail"], [0.9, 0.1]),
            space.number("x", "uniform", {"min": 0.0, "max": 1.0}),
        )
    )
    tried = run(a_study(), sampler("random", coin, 0), coin, lambda _: 0.0, 300)
    assert sum(one["side"] == "head" for one in tried) == pytest.approx(270, abs=25)


def test_expected_improvement_also_where_it_is_tiny():
    mean, std = np.array([0.0, 0.5, 2.0, 60.0, 1e4]), np.ones(5)
    found = log_expected_improvement(mean, std, 0.0)
    z = -mean[:3]
    density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    share = np.array([0.5 * math.erfc(-one / math.sqrt(2)) for one in z])
    assert np.exp(found[:3]) == pytest.approx(z * share + density)
    assert np.isfinite(found).all()
    assert (np.diff(found) < 0).all()


def mixed_quantiles(rng: np.random.Generator, count: int) -> np.ndarray:
    """Places in two numbers and then two unordered parameters, as MIXED has them."""
    return np.column_stack([rng.random((count, 2)), rng.choice(THIRDS, (count, 2))])


def test_the_slope_of_the_kernel_is_that_of_its_values():
    process = GaussianProcess(MIXED)
    columns = process._columns(mixed_quantiles(np.random.default_rng(0), 9))
    assert columns.shape == (9, 2 + 3 + 3)
    logs, step = process.kernel.theta, 1e-5
    slopes = process.kernel(columns, eval_gradient=True)[1]
    assert slopes.shape == (9, 9, 1 + 4 + 1)  # the signal, a length for each parameter, the noise
    for number, slope in enumerate(np.moveaxis(slopes, 2, 0)):
        up, down = (
            process.kernel.clone_with_theta(logs + sign * step * np.eye(6)[number])(columns)
            for sign in (1, -1)
        )
        assert slope == pytest.approx((up - down) / (2 * step), abs=1e-7)


def test_two_values_without_order_are_one_apart():
    process = GaussianProcess([None, THIRDS])
    quantiles = np.array([[0.0, 1 / 6], [1.0, 1 / 6], [0.0, 0.5], [0.0, 5 / 6]])
    likeness = process.kernel.k1(process._columns(quantiles))[0]
    assert likeness[1:] == pytest.approx(likeness[1])
    assert likeness[0] > likeness[1]


def test_a_single_parameter_has_a_length_whatever_its_values():
    rng = np.random.default_rng(0)
    for levels, quantiles in {None: rng.random((9, 1)), tuple(THIRDS): THIRDS[:, None]}.items():
        process = GaussianProcess([levels if levels is None else np.array(levels)])
        process.fit(quantiles, rng.standard_normal(len(quantiles)))
        assert process.lengths.shape == (1,)


def test_predictions_are_without_the_noise():
    quantiles = np.full((400, 1), 0.5)
    process = GaussianProcess([None])
    process.kernel.set_params(k2__noise_level=0.25)
    mean, std = process.conditioned_on(quantiles, np.tile([0.5, 1.5], 200)).predict(quantiles[:1])
    assert mean == pytest.approx(1, abs=0.01)
    assert std == pytest.approx(0.5 / math.sqrt(400), abs=0.001)


def test_the_fit_finds_the_axes_that_matter():
    quantiles = mixed_quantiles(np.random.default_rng(0), 60)
    scores = np.sin(6 * quantiles[:, 0]) + (quantiles[:, 2] == THIRDS[1])
    process = GaussianProcess(MIXED)
    process.fit(quantiles, (scores - scores.mean()) / scores.std())
    assert process.lengths[1] > 4 * process.lengths[0]
    assert process.lengths[3] > 4 * process.lengths[2]


def test_the_priors_decide_where_the_data_do_not():
    process = GaussianProcess(MIXED)
    expected = process.kernel.theta
    flat = lambda logs: (0.0, np.zeros_like(logs))  # noqa: E731
    found, loss = process._most_probable(flat, expected + 0.5, process.kernel.bounds)
    assert found == pytest.approx(expected, abs=1e-3)
    assert loss == pytest.approx(0, abs=1e-4)


def test_unknown_names_are_refused_with_those_that_exist():
    with pytest.raises(InputError, match="random, bayes, tpe"):
        sampler("hill_climb", PLANE, 0)
    with pytest.raises(InputError, match="worst, best, latest"):
        sampler("bayes", PLANE, 0, impute="median")
    with pytest.raises(InputError, match="no parameter of this sweep"):
        ask(a_study(), sampler("bayes", PLANE, 0), PLANE).suggest_float("z", 0, 1)


@pytest.mark.slow
@pytest.mark.parametrize(("method", "limit_s"), [("bayes", 0.2), ("random", 0.05)])
def test_ten_thousand_trials_do_not_slow_it_down(method: str, limit_s: float):
    study = a_study()
    rng = np.random.default_rng(0)
    for _ in range(10_000):
        add(study, EVERY_KIND, EVERY_KIND.draw(rng), TrialState.COMPLETE, rng.random())
    search = sampler(method, EVERY_KIND, 0)
    seconds = []
    for number in range(10_000, 10_012):
        trial = create_trial(state=TrialState.RUNNING, params={}, distributions={})
        trial.number = number
        started = time.process_time()
        values = search.sample_relative(study, trial, EVERY_KIND.stored)
        seconds.append(time.process_time() - started)
        add(study, EVERY_KIND, values, TrialState.COMPLETE, rng.random())
    assert np.median(seconds) < limit_s, seconds


def test_few_trials_in_many_dimensions_are_fast():
    many = Space(
        tuple(space.number(f"x{i}", "uniform", {"min": 0.0, "max": 1.0}) for i in range(16))
    )
    study, search = a_study(), GaussianProcessSearch(many, 0)
    rng = np.random.default_rng(0)
    for _ in range(90):
        add(study, many, many.draw(rng), TrialState.COMPLETE, rng.random())
    started = time.process_time()
    for _ in range(5):
        study.tell(ask(study, search, many), 1.0)
    assert (time.process_time() - started) / 5 < 0.2


@pytest.mark.slow
def test_a_study_of_ten_thousand_trials_is_taken_up_quickly():
    rng = np.random.default_rng(0)
    trials = [
        create_trial(params=PLANE.draw(rng), distributions=PLANE.stored, value=rng.random())
        for _ in range(10_000)
    ]
    for number, trial in enumerate(trials):
        trial.number = number
    study = a_study()
    study.get_trials = lambda deepcopy: trials  # type: ignore[method-assign]
    history = TrialHistory(Axes(PLANE), "worst")
    started = time.process_time()
    history.update(study, 10_000)
    assert time.process_time() - started < 2
    assert history.finished_count == 10_000
