"""A sweep's budget in hours: what trials cost, which are tried, and when it ends."""

from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState, create_trial

from sweeps import sweep_file
from sweeps.costs import Budget, Costs, forecast
from sweeps.search import sampler

TEXT = """\
program: p.py
method: random
metric: {name: score, goal: maximize}
parameters:
  width: {values: [1, 2, 4, 8, 16, 32]}
  rate: {distribution: uniform, min: 0, max: 1}
"""
SPACE = sweep_file.parse(TEXT, Path("t.yaml")).space


def estimate(settings):
    return [10.0 * one["width"] for one in settings]


def study() -> optuna.Study:
    return optuna.create_study(direction="maximize")


def ended(width, seconds, calls=4, state=TrialState.COMPLETE, rate=0.5):
    values = {"width": width, "rate": rate}
    return create_trial(
        state=state,
        params=values,
        distributions=SPACE.stored,
        value=0.5 if state == TrialState.COMPLETE else None,
        intermediate_values={step: 0.5 for step in range(calls)},
        user_attrs={"seconds": seconds},
    )


def ask(made, search):
    trial = made.ask(fixed_distributions=SPACE.stored)
    return search.sample_relative(made, trial, SPACE.stored)


@pytest.mark.parametrize("method", ["random", "bayes", "tpe"])
def test_what_takes_too_long_is_not_proposed(method):
    made, search = study(), sampler(method, SPACE, 0)
    search.budget = Budget(Costs(SPACE, estimate), longest_s=45, left_s=lambda: 300.0)
    for _ in range(14):
        values = ask(made, search)
        assert values["width"] <= 4
        made.add_trial(ended(values["width"], 10 * values["width"], rate=values["rate"]))


def test_where_everything_takes_too_long_the_cheapest_of_some_is_taken():
    made, search = study(), sampler("random", SPACE, 0)
    search.budget = Budget(Costs(SPACE, estimate), longest_s=1)
    assert ask(made, search)["width"] == 1


def test_trials_correct_the_estimate():
    costs = Costs(SPACE, estimate)
    costs.learn([ended(2, 60), ended(4, 120), ended(8, 240)])
    assert costs.seconds([{"width": 16, "rate": 0.1}]) == pytest.approx([480])


def test_stopped_trials_say_what_they_would_have_taken():
    costs = Costs(SPACE, estimate)
    stopped = [ended(one, 5 * one, calls=1, state=TrialState.PRUNED) for one in (1, 2, 8)]
    costs.learn([ended(4, 80, calls=4), *stopped])
    assert costs.scale == pytest.approx(2)


def test_without_an_estimate_the_cost_is_learned_once_there_are_trials():
    costs = Costs(SPACE)
    assert costs.seconds([{"width": 1, "rate": 0.5}]) is None
    budget = Budget(costs, longest_s=1)
    assert budget.excess([{"width": 32, "rate": 0.5}]) == pytest.approx([0])
    rng = np.random.default_rng(0)
    costs.learn([ended(w, 10 * w, rate=float(rng.random())) for w in (1, 2, 4, 8, 16, 32) * 2])
    cheap, dear = costs.seconds([{"width": 1, "rate": 0.5}, {"width": 32, "rate": 0.5}])
    assert 6 < cheap < 16 and 200 < dear < 480


def test_where_the_estimate_ends_the_trials_take_its_place():
    answers = [[10.0], None]
    costs = Costs(SPACE, lambda _settings: answers.pop(0))
    assert costs.seconds([{"width": 1, "rate": 0.5}]) == pytest.approx([10])
    assert costs.seconds([{"width": 1, "rate": 0.5}]) is None
    rng = np.random.default_rng(0)
    costs.learn([ended(w, 10 * w, rate=float(rng.random())) for w in (1, 2, 4, 8, 16, 32) * 2])
    assert costs.seconds([{"width": 1, "rate": 0.5}]) < 20


def test_the_forecast_counts_what_is_refused_and_what_early_stopping_spares():
    costs = Costs(SPACE, estimate)
    free = forecast(Budget(costs), False, [])
    assert free.refused_share == 0 and free.high_s == 320
    capped = forecast(Budget(costs, longest_s=40), False, [])
    assert capped.high_s == 40 and 0.3 < capped.refused_share < 0.7
    early = forecast(Budget(costs, longest_s=40), True, [])
    assert early.mean_s == pytest.approx(0.45 * capped.mean_s)
    known = [ended(1, 10)] + [ended(1, 3, calls=1, state=TrialState.PRUNED)] * 9
    early = forecast(Budget(costs, longest_s=40), True, known)
    assert early.mean_s == pytest.approx(0.325 * capped.mean_s)
    assert forecast(Budget(Costs(SPACE)), False, []) is None


def test_an_improvement_counts_by_what_it_costs():
    """Of two settings that promise the same, the cheap one comes first, most of all at first."""
    made = study()
    rng = np.random.default_rng(1)
    for _ in range(12):
        made.add_trial(ended(int(rng.choice([1, 2, 4, 8, 16, 32])), 10, rate=float(rng.random())))
    chosen = {}
    for left_s in (0.0, 1e6):
        search = sampler("bayes", SPACE, 0)
        search.budget = Budget(Costs(SPACE, estimate), left_s=lambda left_s=left_s: left_s)
        chosen[left_s] = np.mean([ask(made, search)["width"] for _ in range(4)])
    assert chosen[1e6] < chosen[0.0]


def test_cost_weighs_less_as_the_budget_is_spent():
    budget = Budget(Costs(SPACE, estimate), left_s=lambda: 30.0)
    assert budget.weight_of_cost == 1
    budget.costs.learn([ended(1, 10), ended(2, 80, state=TrialState.PRUNED)])
    assert budget.weight_of_cost == pytest.approx(0.25)
    assert Budget(budget.costs).weight_of_cost == 0
    assert Budget(budget.costs, left_s=lambda: -1.0).weight_of_cost == 0
