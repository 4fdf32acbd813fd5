"""Hyperband stops the trials that W&B's own engine stops."""

import json
from pathlib import Path

import pytest

from sweeps.early_stopping import Hyperband

CASES = json.loads(Path(__file__).with_name("wandb_engine.json").read_text())["hyperband"]


def test_the_recorded_cases_stop_some_and_spare_some():
    assert (
        sum(bool(case["stopped"]) for case in CASES)
        > 20
        < sum(not case["stopped"] for case in CASES)
    )


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_it_decides_as_wandbs_engine(case):
    options = {key: value for key, value in case["early_terminate"].items() if key != "type"}
    rule, curves = Hyperband.of(**options), case["curves"]
    stopped = [
        number
        for number, own in enumerate(curves)
        if case["running"][number]
        and rule.judge(own, curves[:number] + curves[number + 1 :], case["goal"] == "maximize")
    ]
    assert stopped == case["stopped"]


def test_brackets():
    assert Hyperband.of(min_iter=3, eta=3).brackets[:4] == (3, 9, 27, 81)
    assert Hyperband.of(max_iter=27, s=2, eta=3).brackets == (3, 9)
    assert Hyperband.of(max_iter=4, s=5, eta=3).brackets == (1,)


def test_the_verdict_tells_the_numbers_as_logged():
    rule = Hyperband.of(min_iter=2)
    verdict = rule.judge([0.5, 0.6], [[0.7, 0.8], [0.7, 0.9]], maximize=True)
    assert (verdict.bracket, verdict.value, verdict.threshold) == (2, 0.6, 0.8)
    assert "after 2 log calls: 0.6 against 0.8" in verdict.sentence()


def test_the_first_trial_and_one_before_its_bracket_go_on():
    rule = Hyperband.of(min_iter=2)
    assert rule.judge([0.1, 0.1], [], maximize=True) is None
    assert rule.judge([0.1], [[0.9, 0.9]], maximize=True) is None
