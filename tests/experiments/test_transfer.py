"""Transfer experiments: which labels are used, that nothing leaks, that an experiment goes on."""

import dataclasses
import json
from pathlib import Path

import keras
import numpy as np
import pytest

from experiments.transfer import cells, program, transfer
from experiments.transfer.cells import Bench, Stopped, Trainer, run_cell
from experiments.transfer.results import Cell, CellResult, CellStore
from experiments.transfer.settings import TransferSettings
from heartbeats import catalog, splits
from heartbeats.beat_set import BeatSet
from models import cnn
from models.checkpoints import Checkpoint
from models.cnn import CnnArchitecture
from models.facts import CheckpointFacts
from training import run
from training.settings import CnnSettings
from training.tracked_run import StopRequest
from utils.errors import InputError
from utils.result_file import Identity

SHAPE = {"width": 4, "stages": 1, "dense_units": 0, "stem_stride": 4, "summary": "flatten"}


def bumps(name: str, patients: int, classes: tuple[str, ...], seed: int = 0) -> BeatSet:
    """One class a patient, 12 beats each, told apart by where a bump stands."""
    rng = np.random.default_rng(seed)
    owners = np.repeat(np.arange(patients), 12)
    labels = (owners % len(classes)).astype(np.uint8)
    places = 30 + 35 * labels[:, None] + rng.normal(0, 8, (len(owners), 1))
    signals = np.exp(-(((np.arange(187) - places) / 6) ** 2)).astype(np.float32)
    names = np.array([f"{name}-{owner:03d}" for owner in owners])
    return BeatSet(
        name,
        signals,
        labels,
        classes,
        120.0,
        fingerprint=f"of-{name}-{seed}",
        official_test=np.arange(len(owners)) % 5 == 0,
        records=names,
        patients=names,
    )


def target() -> BeatSet:
    return bumps("ptb", 40, ("normal", "abnormal"))


def the_bench(steps: int = 4, stop: StopRequest | None = None) -> Bench:
    keras.utils.set_random_seed(0)
    source = cnn.build(CnnArchitecture(**SHAPE), 187, 5)
    settings = CnnSettings(**SHAPE, batch_size=8)
    beats = target()
    train, validation = splits.development(beats, "patients", seed=0)
    return Bench(
        source, beats.select(train), beats.select(validation), True, steps, settings, stop
    )


@pytest.fixture(scope="module")
def bench():
    return the_bench()


@pytest.fixture(scope="module")
def test_part():
    beats = target()
    return beats.select(splits.held_out(beats, "patients"))


def test_fractions_are_whole_patients_nested_and_of_every_class():
    beats = target()
    parts = [
        cells.draw(beats, fraction, by_patient=True, seed=3) for fraction in (0.01, 0.1, 0.25, 1.0)
    ]
    assert [part.units for part in parts] == [2, 4, 10, 40]
    for smaller, larger in zip(parts, parts[1:], strict=False):
        assert set(smaller.positions) < set(larger.positions)
    for part in parts:
        chosen = beats.select(part.positions)
        assert len(np.unique(chosen.patients)) == part.units and len(chosen) == 12 * part.units
        assert abs(chosen.class_counts()[0] - chosen.class_counts()[1]) <= 12
    other = cells.draw(beats, 0.1, by_patient=True, seed=4)
    assert set(other.positions) != set(parts[1].positions)


def test_a_rare_class_of_a_patient_with_others_is_in_every_fraction():
    beats = bumps("mitbih", 30, ("N", "V", "Q"))
    beats.labels[beats.labels == 2] = 0
    beats.labels[5 * 12] = 2  # a single beat of Q, in a patient of N
    for seed in range(5):
        part = cells.draw(beats, 0.01, by_patient=True, seed=seed)
        assert set(beats.labels[part.positions]) == {0, 1, 2} and part.units <= 3


def test_fractions_of_beats_keep_the_classes_shares():
    beats = bumps("ptb", 40, ("normal", "abnormal"))
    beats.labels[:] = np.arange(len(beats)) % 4 == 0
    part = cells.draw(beats, 0.1, by_patient=False, seed=0)
    assert part.units == len(part.positions) == 48 and part.of_units == 480
    assert beats.labels[part.positions].mean() == pytest.approx(0.25, abs=0.03)


def test_one_class_cannot_be_drawn_from():
    beats = target()
    with pytest.raises(InputError, match="two classes at least; found: normal"):
        cells.draw(beats.select(beats.labels == 0), 0.1, by_patient=True, seed=0)


def test_repeating_is_even():
    rows = cells.repeat(np.array([3, 5, 9]), 10, seed=0)
    counts = [int((rows == one).sum()) for one in (3, 5, 9)]
    assert len(rows) == 10 and sorted(counts) == [3, 3, 4]


@pytest.mark.slow
def test_a_training_repeats_whatever_was_trained_before(bench, test_part):
    cell, other = Cell("whole", 0.1, 0), Cell("whole", 1.0, 1)
    alone = run_cell(Trainer(bench, "whole", 0.01), cell, test_part)[1]
    trainer = Trainer(bench, "whole", 0.01)
    run_cell(trainer, other, test_part)
    assert np.allclose(run_cell(trainer, cell, test_part)[1], alone, atol=1e-6)


@pytest.mark.slow
def test_only_the_drawn_labels_and_no_test_label_have_a_say(bench, test_part):
    cell = Cell("scratch", 0.1, 0)
    part = cells.draw(bench.train, 0.1, by_patient=True, seed=0)
    rest = np.setdiff1d(np.arange(len(bench.train)), part.positions)
    plain = run_cell(Trainer(bench, "scratch", 0.01), cell, test_part)[1]
    spoilt_signals = np.array(bench.train.signals)
    spoilt_signals[rest] = 0.5
    spoilt = dataclasses.replace(
        bench,
        train=dataclasses.replace(bench.train, signals=spoilt_signals),
        validation=bench.validation.select(np.arange(1)),
    )
    wrong_test = dataclasses.replace(test_part, labels=1 - test_part.labels)
    result, probabilities = run_cell(Trainer(spoilt, "scratch", 0.01), cell, wrong_test)
    assert np.allclose(probabilities, plain, atol=1e-6)
    assert result.units == part.units and result.beats == len(part.positions)


@pytest.mark.slow
def test_frozen_weights_stay_through_training(bench, test_part):
    trainer = Trainer(bench, "frozen", 0.01)
    run_cell(trainer, Cell("frozen", 1.0, 0), test_part)
    first = next(layer for layer in trainer.model.layers if layer.weights)
    for mine, theirs in zip(
        first.get_weights(), bench.source.get_layer(first.name).get_weights(), strict=True
    ):
        assert np.array_equal(mine, theirs)


@pytest.mark.slow
def test_a_stop_and_a_loss_that_is_not_finite_end_the_training(bench):
    stop = StopRequest()
    stop.request("asked to stop")
    stopped = dataclasses.replace(bench, stop=stop)
    part = cells.draw(bench.train, 1.0, by_patient=True, seed=0)
    with pytest.raises(Stopped, match="asked to stop"):
        Trainer(stopped, "scratch", 0.01).train(part, 0)
    signals = np.full_like(bench.train.signals, np.nan)
    broken = dataclasses.replace(bench, train=dataclasses.replace(bench.train, signals=signals))
    with pytest.raises(InputError, match="smaller than 0.01"):
        Trainer(broken, "scratch", 0.01).train(part, 0)


def test_settings_that_make_no_sense_are_refused():
    assert TransferSettings(percents="100, 1").fractions() == [0.01, 1.0]
    for percents in ("", "0", "101", "ten", "5,,10"):
        with pytest.raises(InputError, match="--percents takes"):
            TransferSettings(percents=percents).fractions()
    assert TransferSettings(modes="whole,scratch").mode_names() == ["scratch", "whole"]
    with pytest.raises(InputError, match="unknown mode 'half'"):
        TransferSettings(modes="scratch,half").mode_names()


@pytest.mark.slow
def test_a_store_keeps_results_and_refuses_another_experiment(tmp_path, bench, test_part, capsys):
    store, cell = CellStore(tmp_path, Identity({"steps": 4})), Cell("frozen", 0.05, 0)
    assert store.read(cell) is None
    result, probabilities = run_cell(Trainer(bench, "frozen", 0.01), cell, test_part)
    store.write(cell, result, probabilities)
    again = CellStore(tmp_path, Identity({"steps": 4}))
    kept, kept_probabilities = again.read(cell)
    assert kept == result and isinstance(kept, CellResult)
    assert np.array_equal(kept_probabilities, probabilities)
    with pytest.raises(InputError, match=r"another experiment \(it is of other steps\)"):
        CellStore(tmp_path, Identity({"steps": 5}))
    (tmp_path / "cells" / f"{cell.name}.result").write_text("{")
    assert again.read(cell) is None
    assert f"it is damaged; {cell.name} is trained again" in capsys.readouterr().out
    (tmp_path / "identity.json").write_text("{")
    with pytest.raises(InputError, match="damaged"):
        CellStore(tmp_path, Identity({"steps": 4}))


@pytest.mark.slow
def test_an_experiment_of_earlier_versions_goes_on(tmp_path, bench, test_part):
    """It has JSON files for trainings and learning rates, and archives of probabilities."""
    cell = Cell("frozen", 0.05, 0)
    result, probabilities = run_cell(Trainer(bench, "frozen", 0.01), cell, test_part)
    (tmp_path / "cells").mkdir()
    (tmp_path / "rates").mkdir()
    (tmp_path / "identity.json").write_text('{"steps": 4}')
    (tmp_path / "rates" / "frozen.json").write_text('{"0.0003": [0.5, 0.75], "0.001": [1, 0]}')
    text = json.dumps(dataclasses.asdict(result))
    (tmp_path / "cells" / "frozen-5-percent-seed-0.json").write_text(text)
    archive = tmp_path / "cells" / "frozen-5-percent-seed-0.npz"
    np.savez_compressed(archive, probabilities=probabilities)
    store = CellStore(tmp_path, Identity({"steps": 4}))
    assert store.read(cell)[0] == result and np.array_equal(store.read(cell)[1], probabilities)
    rates = store.scores_of_rates("frozen", lambda: pytest.fail("they are known"))
    assert rates == {0.0003: [0.5, 0.75], 0.001: [1, 0]}
    archive.unlink()
    assert store.read(cell) is None


@pytest.fixture
def data_sets(monkeypatch, tmp_path):
    """Source `mitbih` and target `ptb`, invented, in a runs folder of the test's own."""
    monkeypatch.setenv("ECG_RUNS", str(tmp_path))
    monkeypatch.setattr("models.checkpoints.PRETRAINED_FOLDER", tmp_path / "none")
    known = {"mitbih": bumps("mitbih", 40, tuple("NSVFQ"), seed=1), "ptb": target()}
    monkeypatch.setattr(catalog, "load", lambda name: known[name])
    monkeypatch.setattr(catalog, "find", lambda name: known[name])
    settings = CnnSettings(**SHAPE, batch_size=32)
    monkeypatch.setattr("training.architectures.best_settings", lambda *_names: settings)
    return known


def test_what_does_not_fit_is_told(data_sets):
    beats = data_sets["ptb"]
    facts = CheckpointFacts(
        architecture="cnn",
        samples=187,
        sampling_hz=120.0,
        fingerprint=data_sets["mitbih"].fingerprint,
    )
    made = Checkpoint(Path("cnn.json"), facts)
    transfer.check_fits(made, beats)
    with pytest.raises(InputError, match="beats of samples 187"):
        transfer.check_fits(made, dataclasses.replace(beats, signals=beats.signals[:, :140]))
    with pytest.raises(InputError, match="the same data"):
        transfer.check_fits(made, data_sets["mitbih"])
    data_sets["ptb"] = beats.select(beats.labels == 1)
    with pytest.raises(InputError, match="whole part of 'ptb' .* found: abnormal"):
        transfer.run(TransferSettings(target="ptb", tracking="silent"))


def test_patients_are_preferred_where_they_are_known():
    beats = target()
    assert transfer.customary_protocol(beats) == "patients"
    unknown = dataclasses.replace(beats, patients=None, records=None)
    assert transfer.customary_protocol(unknown) != "patients"


@pytest.mark.slow
def test_a_whole_experiment_goes_on_where_it_was(data_sets, monkeypatch, capsys):
    monkeypatch.setattr("experiments.transfer.cells.LEARNING_RATES", (0.003, 0.03))
    flags = [
        "--source=mitbih",
        "--target=ptb",
        "--percents=10,100",
        "--steps=12",
        "--source_epochs=1",
        "--tracking=silent",
    ]
    assert program.main([*flags, "--seeds=1", "--modes=scratch"]) == 0
    first = capsys.readouterr().out
    assert (
        "training one for 1 epochs" in first
        and "scratch, 100 % of the labels, seed 0 (network 2 of 2): 24 patients" in first
    )
    monkeypatch.setattr(run, "train", None)  # the source is there now
    assert program.main([*flags, "--seeds=2", "--modes=scratch,whole"]) == 0
    second = capsys.readouterr().out
    assert "whole, 100 % of the labels, seed 1 (network 8 of 8)" in second
    assert "network 1 of 8" not in second
    assert "rate of whole" in second and "rate of scratch" not in second
    assert "whole minus scratch at 10 %" in second and "report.html" in second
