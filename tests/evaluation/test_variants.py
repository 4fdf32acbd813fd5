"""What differs in its seed alone is a spread; what differs in its settings is a comparison."""

import pytest

from evaluation.assessment import differences, names, numbered, representatives, variants
from evaluation.comparison import compare
from models.facts import CheckpointFacts
from tests.evaluation.examples import make_assessment


def training(architecture="cnn", seed=0, data="mitbih", **settings):
    own = {"seed": seed, "tracking": "silent", **settings}
    return CheckpointFacts(architecture=architecture, data=data, seed=seed, settings=own)


def test_seeds_are_one_variant():
    assert variants([training(seed=0, width=8), training(seed=1, width=8)]) == ["cnn", "cnn"]
    assert differences([training(seed=0), training(seed=1)]) == []


def test_other_settings_or_beats_are_another_variant():
    wide, narrow = training(width=16), training(width=8)
    found = variants([wide, narrow, training("rnn"), training(seed=3, width=16)])
    assert found == ["cnn A", "cnn B", "rnn", "cnn A"]
    assert variants([training(), training(data="ptb")]) == ["cnn A", "cnn B"]


def test_a_setting_that_older_checkpoints_lack_is_no_difference():
    assert variants([training(width=8), training(width=8, augment_warp=0.0)]) == ["cnn", "cnn"]


def test_what_differs_is_told():
    (told,) = differences([training(width=16, dropout=0.1), training(width=8, dropout=0.1)])
    assert told == "cnn A and cnn B were trained differently: width 16, 8."
    three = [training(width=8), training(width=4, kernel=5), training(width=2, kernel=7)]
    assert differences(three)[0].endswith("kernel unknown, 5, 7; width 8, 4, 2.")
    many = {f"setting_{number}": number for number in range(9)}
    other = {key: value + 1 for key, value in many.items()}
    assert "; 3 more." in differences([training(**many), training(**other)])[0]


def test_what_has_no_other_name_is_numbered():
    assert numbered(["cnn", "rnn", "cnn"]) == ["cnn #1", "rnn", "cnn #2"]


def test_a_comparison_keeps_variants_apart():
    def trained(width, seed, score):
        facts = {"seed": seed, "score": score, "settings": {"width": width}}
        return make_assessment("cnn", facts=facts)

    runs = [trained(8, 0, 0.7), trained(8, 1, 0.8), trained(16, 0, 0.6)]
    assert names(runs) == ["cnn A seed 0", "cnn A seed 1", "cnn B"]
    assert representatives(runs) == runs[1:]
    found = compare(runs)
    assert [(one.variant, one.trainings) for one in found.spreads] == [("cnn A", 2)]
    assert [(one.first, one.second) for one in found.differences] == [("cnn A seed 1", "cnn B")]
    assert found.notes == ("cnn A and cnn B were trained differently: width 8, 16.",)
    assert found.spreads[0].macro_f1_deviation == pytest.approx(0)
