"""The report of a study: what it says, what it warns of, and studies with little in them."""

import re
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import TrialState, create_trial

from sweeps import report
from sweeps.confirmation import Candidate
from sweeps.study_report import findings, page, plots, space_plots, study_table, summary
from sweeps.study_report.findings import edges, importances, seed_noise

SPACE: dict[str, BaseDistribution] = {
    "epochs": CategoricalDistribution([12]),
    "learning_rate": FloatDistribution(1e-4, 1e-1, log=True),
    "model.width": CategoricalDistribution([64, 16, 32]),
    "dropout": FloatDistribution(0.0, 0.5),
    "layers": IntDistribution(1, 4),
    "residual": CategoricalDistribution([True, False]),
    "weighting": CategoricalDistribution([None, "a name of a weighting that goes on", "[1, 2]"]),
}
PARAMS = {
    "epochs": 12,
    "learning_rate": 3e-3,
    "model.width": 32,
    "dropout": 0.2,
    "layers": 2,
    "residual": True,
    "weighting": None,
}
START = datetime(2026, 1, 5, 9)


def make_study(direction: str = "maximize", **sweep: Any) -> optuna.Study:
    study = optuna.create_study(study_name="a study", direction=direction)
    content = {
        "program": "training/train_cnn.py",
        "method": "bayes",
        "metric": {"name": "best_val_f1"},
    }
    study.set_user_attr("sweep", content | sweep)
    study.set_user_attr("bands", [3, 9])
    return study


def add(
    study: optuna.Study,
    score: float | None = None,
    state: TrialState = TrialState.COMPLETE,
    curve: dict[int, float] | None = None,
    attributes: dict[str, Any] | None = None,
    space: dict[str, BaseDistribution] = SPACE,
    **params: Any,
) -> None:
    """One trial of a minute; its parameters are PARAMS but for those given."""
    values = {name: ({**PARAMS, **params})[name] for name in space}
    trial = create_trial(
        state=state,
        value=score,
        params=values,
        distributions=space,
        intermediate_values=curve or {},
        user_attrs={"seconds": 60.0} | (attributes or {}),
    )
    trial.datetime_start = START + timedelta(minutes=len(study.get_trials(deepcopy=False)))
    if state.is_finished():
        trial.datetime_complete = trial.datetime_start + timedelta(minutes=1)
    study.add_trial(trial)


def mixed_study(count: int = 40, seed: int = 0) -> optuna.Study:
    """Scores fall with the distance of the learning rate from 1e-2, and with nothing else."""
    rng, study = np.random.default_rng(seed), make_study()
    for number in range(count):
        drawn = {
            name: one.choices[rng.integers(len(one.choices))]
            for name, one in SPACE.items()
            if isinstance(one, CategoricalDistribution)
        }
        rate = 10 ** rng.uniform(-4, -1)
        drawn |= {"learning_rate": rate, "dropout": rng.uniform(0, 0.5)}
        drawn |= {"layers": int(rng.integers(1, 5))}
        score = 0.9 - 0.1 * (np.log10(rate) + 2) ** 2 + rng.normal(0, 0.005)
        curve = {step: score * step / 9 for step in range(1, 10)}
        known = {"summary": {"parameters": 1000 * drawn["model.width"]}}
        if number % 8 == 5:
            add(
                study,
                None,
                TrialState.FAIL,
                attributes={
                    "reason": "loss became nan",
                    "log": "/logs/5.txt",
                    "host": "node1",
                    "attempts": 2,
                },
                **drawn,
            )
        elif number % 3 == 1:
            short = {step: curve[step] for step in (1, 2, 3)}
            add(study, None, TrialState.PRUNED, short, **drawn)
        else:
            add(study, score, curve=curve, attributes=known, **drawn)
    return study


def text_of(file: Path) -> str:
    """The words of a page, without pictures and tags."""
    html = re.sub(r"<(svg|style).*?</\1>", "", file.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def write(study: optuna.Study, folder: Path) -> tuple[str, set[str]]:
    read = study_table.read(study)
    file = page.write(read, importances(read), folder)
    return text_of(file), {file.stem for file in folder.glob("*.png")}


class TestReading:
    def test_states_scores_and_curves(self):
        study = make_study()
        add(study, 0.9, curve={1: 0.5, 2: 0.9})
        add(study, None, TrialState.PRUNED, {1: 0.4, 3: 0.6, 2: 0.5})
        add(study, None, TrialState.FAIL, attributes={"reason": "exit status 1"})
        add(study, None, TrialState.RUNNING, {1: 0.7})
        table = study_table.read(study)
        assert list(table.trials["state"]) == ["finished", "stopped early", "failed", "running"]
        assert list(table.trials["score"][:2]) == [0.9, 0.6]  # the last of a stopped one
        assert table.trials["score"][2:].isna().all()
        assert table.curves[1].tolist() == [[1, 0.4], [2, 0.5], [3, 0.6]]
        assert table.ranked.index.tolist() == [0]

    def test_constants_are_reported_from_what_varies(self):
        study = make_study()
        add(study, 0.5)
        table = study_table.read(study)
        assert table.constants == {"epochs": 12}
        assert [scale.name for scale in table.scales] == [
            name for name in SPACE if name != "epochs"
        ]

    def test_listed_numbers_are_put_in_order_and_names_are_not(self):
        study = make_study()
        space = SPACE | {"rate": CategoricalDistribution(["1e-2", "1e-4", "1e-3"])}
        add(study, 0.5, space=space, rate="1e-3")
        scales = {scale.name: scale for scale in study_table.read(study).scales}
        assert scales["model.width"].choices == (16, 32, 64)
        assert scales["rate"].choices == ("1e-4", "1e-3", "1e-2")  # YAML reads 1e-4 as text
        assert not scales["residual"].is_ordered and not scales["weighting"].is_ordered
        assert (
            scales["weighting"].position(None) == 0 and scales["weighting"].position("[1, 2]") == 1
        )

    def test_a_log_range_is_placed_by_ratio(self):
        scale = study_table.Scale("rate", 1e-4, 1.0, is_log=True)
        assert scale.position(1e-2) == pytest.approx(0.5)


class TestEdges:
    def found(self, **best: Any) -> dict[str, str]:
        study = make_study()
        for score in (0.5, 0.6, 0.7, 0.8):
            add(study, score)
        add(study, 0.9, **best)
        return {edge.scale.name: edge.phrase() for edge in edges(study_table.read(study))}

    def test_inside_there_are_none(self):
        assert not self.found()

    def test_the_scale_of_a_range_counts(self):
        # 0.0015 is in the outer twentieth of 0.0001 to 0.1 in plain distance, not by ratio
        assert not self.found(learning_rate=0.0015)
        phrase = self.found(learning_rate=1.2e-4)["learning_rate"]
        assert phrase == (
            "learning_rate 0.00012 at the lower end of its log range 0.0001 to 0.1 "
            "(1 of the best 5 trials)"
        )

    def test_first_and_last_of_listed_numbers_and_few_whole_ones(self):
        assert "upper end of its list 16 to 64" in self.found(**{"model.width": 64})["model.width"]
        assert "lower end of its range 1 to 4" in self.found(layers=1)["layers"]

    def test_names_have_no_edge(self):
        assert not self.found(residual=False, weighting="[1, 2]")

    def test_it_counts_the_others_and_lower_is_better_where_it_is(self):
        study = make_study("minimize")
        for score, dropout in ((0.1, 0.5), (0.2, 0.49), (0.3, 0.2), (0.4, 0.0), (0.9, 0.5)):
            add(study, score, dropout=dropout)
        (edge,) = edges(study_table.read(study))
        assert (edge.others, edge.top, edge.is_upper) == (3, 5, True)


class TestImportances:
    @pytest.mark.slow
    def test_the_one_that_matters_is_found_and_the_others_are_not_told_from_chance(self):
        found = importances(study_table.read(mixed_study(80)))
        assert found.found[0].name == "learning_rate"
        assert found.found[0].share > 0.5 > found.chance_level
        assert sum(one.share > found.chance_level for one in found.found) <= 2
        assert {one.name: one.correlation for one in found.found}["weighting"] is None

    @pytest.mark.slow
    def test_the_sign_says_which_way_is_better(self):
        for direction, sign in (("maximize", 1), ("minimize", -1)):
            study = make_study(direction)
            for step in range(20):
                add(study, step / 20, dropout=step / 40)
            found = {one.name: one for one in importances(study_table.read(study)).found}
            assert found["dropout"].correlation == pytest.approx(sign)

    def test_too_few_trials_or_equal_scores_say_so(self):
        study = make_study()
        for _ in range(9):
            add(study, 0.5)
        assert "9 trials finished" in importances(study_table.read(study)).why_not
        add(study, 0.5)
        assert "scored the same" in importances(study_table.read(study)).why_not


def test_seed_noise_is_the_spread_within_equal_settings():
    space = {"seed": CategoricalDistribution([0, 1]), "dropout": FloatDistribution(0, 1)}
    study = make_study()
    for dropout, scores in ((0.2, (0.5, 0.7)), (0.4, (0.1, 0.3)), (0.6, (0.9,))):
        for seed, score in enumerate(scores):
            add(study, score, space=space, seed=seed, dropout=dropout)
    table = study_table.read(study)
    noise = seed_noise(table)
    assert noise and noise.groups == 2
    assert noise.deviation == pytest.approx(np.sqrt(0.02))  # pairs 0.2 apart
    assert "2 of the 5 trials lie within two of these" in findings.luck(table, noise)
    assert seed_noise(study_table.read(mixed_study(5))) is None


class TestAxes:
    def test_a_few_bad_trials_do_not_stretch_the_score_axis(self):
        scores = [*np.linspace(0.8, 0.9, 30), 0.1]
        high = study_table.read(make_study())
        low, top = plots.score_limits(high, scores)
        assert low > 0.7 and top > 0.9
        losses = study_table.read(make_study("minimize"))
        assert plots.score_limits(losses, scores)[0] < 0.1  # here 0.1 is the best
        assert plots.score_limits(high, [0.5])[0] < 0.5

    def test_ticks_are_round_and_inside(self):
        ticks = space_plots.ticks
        rate = study_table.Scale("rate", 3e-5, 1e-2, is_log=True)
        assert [label for _, label in ticks(rate)] == ["0.0001", "0.001", "0.01"]
        layers = study_table.Scale("layers", 2, 5, steps=3)
        assert [label for _, label in ticks(layers)] == ["2", "3", "4", "5"]
        many = study_table.Scale("width", choices=tuple(range(40)))
        assert len(ticks(many)) <= 12

    def test_values_read_as_in_a_sweep_file(self):
        shown = [study_table.shown_value(one) for one in (None, True, 3e-5, 0.25, 1e12, "[1, 2]")]
        assert shown == ["null", "true", "3e-5", "0.25", "1e12", "[1, 2]"]


class TestThePage:
    @pytest.mark.slow
    def test_it_tells_the_whole_story(self, tmp_path):
        study = mixed_study()
        text, pictures = write(study, tmp_path)
        assert pictures == {
            "history",
            "early_stopping",
            "importances",
            "parallel",
            "slices",
            "cost",
        }
        begin = "6 parameters of training/train_cnn.py searched by bayes, to maximise best_val_f1."
        assert begin in text
        counts = study_table.read(study).counts
        assert f"{counts['finished']} finished, {counts['stopped early']} stopped early" in text
        best = f"The best score is {study.best_value:.4f}, of trial {study.best_trial.number}."
        assert best in text
        assert "The best 10 finished trials" in text
        assert "python -m sweeps.best a study" in text
        assert "5 loss became nan 2 node1 /logs/5.txt" in text
        assert "Held constant epochs 12." in text
        html = (tmp_path / "report.html").read_text()
        assert html.count("<figure") == 6
        assert (
            "<script" not in html and 'src="http' not in html and "nan" not in html.split("<tb")[1]
        )

    def test_without_any_trial(self, tmp_path):
        text, pictures = write(make_study(), tmp_path)
        assert "No trial has finished with a score." in text and not pictures

    def test_all_failed(self, tmp_path):
        study = make_study()
        for _ in range(40):
            add(study, None, TrialState.FAIL, attributes={"reason": "exit status 1"})
        text, pictures = write(study, tmp_path)
        assert not pictures
        assert "40 of 40 trials failed" in text and "By reason: exit status 1 (40)" in text

    @pytest.mark.slow
    def test_all_stopped(self, tmp_path):
        study = make_study()
        for step in range(5):
            add(study, None, TrialState.PRUNED, {1: 0.1, 3: 0.1 * step}, dropout=step / 10)
        text, pictures = write(study, tmp_path)
        assert "there is no ranking" in text and {"history", "slices"} <= pictures

    @pytest.mark.slow
    def test_one_trial(self, tmp_path):
        study = make_study()
        add(study, 0.5)
        text, pictures = write(study, tmp_path)
        assert "Only 1 trial has finished" in text and "No importances" in text
        assert "parallel" not in pictures and "history" in pictures

    @pytest.mark.slow
    def test_a_retry_is_named(self, tmp_path):
        study = make_study()
        add(study, None, TrialState.FAIL, attributes={"reason": "killed"})
        add(study, 0.5, attributes={"retry_of": 0})
        assert "trial 1: finished" in write(study, tmp_path)[0]

    @pytest.mark.slow
    def test_a_grid_of_names_without_anything_else(self, tmp_path):
        space: dict[str, BaseDistribution] = {
            "weighting": SPACE["weighting"],
            "residual": SPACE["residual"],
            "x" * 60: CategoricalDistribution(["[1]", "[2, 3]"]),
        }
        study = optuna.create_study(study_name="grid", direction="minimize")
        for score in range(12):
            chosen = dict(zip(space, (None, score % 2 == 0, "[1]"), strict=True))
            trial = create_trial(value=float(score), params=chosen, distributions=space)
            study.add_trial(trial)
        text, pictures = write(study, tmp_path)
        assert "to minimise score" in text and "lies at the edge" not in text
        assert {"parallel", "slices", "importances"} <= pictures

    def test_names_are_not_html(self, tmp_path):
        study = make_study(description="<script>alert(1)</script>")
        add(study, None, TrialState.FAIL, attributes={"reason": "<b>no</b>"})
        write(study, tmp_path)
        html = (tmp_path / "report.html").read_text()
        assert "<script" not in html and "<b>no" not in html


class TestTheSummary:
    def test_it_says_what_was_found_and_what_was_confirmed(self):
        read = study_table.read(mixed_study(40))
        best = int(read.ranked.index[0])
        again = [Candidate(best, 0.9, (0.88, 0.89), (0, 1), 60.0), Candidate(3, 0.9, (0.8, 0.82))]
        text = summary.markdown(read, importances(read), again, ["history.png"])
        assert f"of trial {best}" in text and "(history.png)" in text
        assert f"| {best} | 0.9000 | 0.8850 ± 0.0071 | 2 | 60 |" in text
        assert f"trial {best} leads trial 3" in text or "cannot be told apart" in text
        mattered = text.partition("## What mattered")[2]
        assert "| learning_rate |" in mattered and "| dropout |" not in mattered
        for lines in text.split("\n\n"):
            cells = [line.count(" |") for line in lines.splitlines() if line.startswith("|")]
            assert len(set(cells)) <= 1  # tables have as many cells in each row

    def test_a_study_without_trials_has_one_too(self):
        read = study_table.read(make_study())
        assert "No trial has finished" in summary.markdown(read, importances(read), [])


class TestTheProgram:
    @pytest.mark.slow
    def test_it_reports_a_stored_study(self, tmp_path, capsys, monkeypatch):
        monkeypatch.setenv("ECG_RUNS", str(tmp_path))
        url = f"sqlite:///{tmp_path / 'studies.db'}"
        stored = optuna.create_study(study_name="a study", storage=url, direction="maximize")
        stored.set_user_attr("sweep", {"metric": {"name": "f1"}})
        stored.add_trials(mixed_study(12).trials)
        assert report.main(["a study", "--storage", url]) == 0
        printed, complaints = capsys.readouterr()
        page = tmp_path / "sweeps" / "a study" / "report" / "report.html"
        assert page.is_file() and str(page) in printed
        assert f"{stored.best_value:.4f}, of trial {stored.best_trial.number}" in printed
        assert not complaints
        assert (page.parent / "summary.md").read_text().startswith("# a study")

    def test_an_unknown_study_is_reported_plainly(self, tmp_path, capsys):
        url = f"sqlite:///{tmp_path / 'studies.db'}"
        optuna.create_study(study_name="known", storage=url)
        assert report.main(["unknown", "--storage", url]) == 2
        assert "known" in capsys.readouterr().err


@pytest.mark.slow
def test_a_thousand_trials_take_less_than_half_a_minute(tmp_path):
    study = mixed_study(1000)
    began = time.process_time()  # other programs' work is not counted
    write(study, tmp_path)
    assert time.process_time() - began < 30
    assert (tmp_path / "report.html").stat().st_size < 8e6
