"""What a network must beat: scikit-learn's classifiers on the same beats and hand-made features.

Each is fitted to the training beats of the protocol, scored on its validation beats, and then
predicts the test beats that `eval.py` hands over. Nothing is tuned here: see `BASELINES`.
"""

import dataclasses
import datetime
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from evaluation.assessment import Assessment
from evaluation.metrics import score
from heartbeats import splits
from heartbeats.beat_set import BeatSet
from heartbeats.features import FEATURES, features
from models.facts import UNKNOWN, CheckpointFacts
from training.settings import TrainingSettings
from utils.errors import InputError
from utils.files import write_json
from utils.paths import runs_folder
from utils.versions import commit, versions

# Networks train on the beats that these draw, unless told otherwise; so do the baselines.
DEFAULTS = TrainingSettings()
# Beyond this, training beats are drawn by class, so that minutes suffice on two cores.
MOST_TRAINING_BEATS = 100_000


def _logistic_regression(seed: int) -> ClassifierMixin:
    """Capped: on MIT-BIH by patient it converges after 340, and scores the same within 0.01."""
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=100, random_state=seed))


def _random_forest(seed: int) -> ClassifierMixin:
    return RandomForestClassifier(100, n_jobs=-1, random_state=seed)


def _gradient_boosting(seed: int) -> ClassifierMixin:
    """Its own early stopping would draw beats at random, and so mix patients."""
    return HistGradientBoostingClassifier(max_iter=100, early_stopping=False, random_state=seed)


# Name -> maker. Settings are scikit-learn's own wherever these functions do not say why not, and
# no class is weighted: the networks' loss weights none either.
BASELINES: dict[str, Callable[[int], ClassifierMixin]] = {
    "logistic": _logistic_regression,
    "forest": _random_forest,
    "boosting": _gradient_boosting,
}


@dataclass(frozen=True, kw_only=True)
class BaselineFacts(CheckpointFacts):
    """What the JSON of a baseline says, under the names that checkpoints use.

    Attributes:
        baseline: tells it from a checkpoint.
        method: the class of the classifier.
        features: names of the hand-made features, in their order.
        fit_seconds: seconds that the fit took.
    """

    baseline: bool = True
    method: str = UNKNOWN
    features: tuple[str, ...] = ()
    fit_seconds: float = float("nan")


@dataclass(frozen=True)
class Material:
    """Inputs (beats, samples + features) and labels to fit and to choose by; never a test beat."""

    train_inputs: np.ndarray
    train_labels: np.ndarray
    validation_inputs: np.ndarray
    validation_labels: np.ndarray


def assess(
    beats: BeatSet,
    test: BeatSet,
    protocol: str,
    *,
    seed: int = DEFAULTS.seed,
    say: Callable[[str], object] = print,
) -> list[Assessment]:
    """Fit every baseline and predict the test beats.

    What each was made of and how it validated goes to
    ``runs/baselines/DATA-PROTOCOL/NAME.json``. The fitted classifiers are not kept: they are
    pickles, which run code when they are loaded, and are made again in minutes.

    Args:
        beats: a whole data set, as the catalog gives it.
        test: its test beats under `protocol`; read only once all is fitted.
        protocol: how to split.
        seed: of the classifiers that draw; the split is that of the training programs' defaults.
        say: is told how it goes, a line for each baseline.

    Returns:
        one for each of `BASELINES`.

    Raises:
        InputError: the data set has no such protocol, or its training beats have one class only.
    """
    material = prepare(beats, protocol)
    common = _facts(material, beats, protocol, seed)
    fitted = [_fit(name, material, common, say) for name in BASELINES]
    test_inputs = inputs(test.signals, test.sampling_hz)
    folder = runs_folder() / "baselines" / f"{beats.name}-{protocol}"
    return [_assessment(folder, model, facts, test, test_inputs) for model, facts in fitted]


def prepare(beats: BeatSet, protocol: str) -> Material:
    """The inputs to fit and to validate on, from the beats that networks train on by default."""
    train, validation = splits.development(
        beats, protocol, seed=DEFAULTS.split_seed, validation_share=DEFAULTS.validation_share
    )
    if len(train) > MOST_TRAINING_BEATS:
        train = splits.subsample(beats, train, MOST_TRAINING_BEATS, seed=DEFAULTS.split_seed)
    if len(np.unique(beats.labels[train])) < 2:
        raise InputError(f"the training beats of {beats.name} have one class; baselines need two")
    return Material(
        inputs(beats.signals[train], beats.sampling_hz),
        np.asarray(beats.labels[train], int),
        inputs(beats.signals[validation], beats.sampling_hz),
        np.asarray(beats.labels[validation], int),
    )


def inputs(signals: np.ndarray, sampling_hz: float) -> np.ndarray:
    """(beats, samples + features) float32: each beat with its features behind it."""
    return np.hstack([signals, features(signals, sampling_hz)])


def _fit(
    name: str, material: Material, common: BaselineFacts, say: Callable[[str], object]
) -> tuple[ClassifierMixin, BaselineFacts]:
    """A fitted baseline and what its JSON says."""
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the cap on iterations is meant
        model = BASELINES[name](common.seed or 0).fit(material.train_inputs, material.train_labels)
    seconds = time.perf_counter() - started
    predicted = model.predict(material.validation_inputs)
    macro_f1 = score(material.validation_labels, predicted, common.class_names).macro_f1
    say(
        f"{name}: fitted to {len(material.train_labels):,} beats in {seconds:.0f} s, "
        f"validation macro-F1 {macro_f1:.4f}"
    )
    return model, dataclasses.replace(
        common,
        architecture=name,
        method=_method(model),
        score=macro_f1,
        fit_seconds=round(seconds, 1),
        settings=_settings(model),
    )


def _facts(material: Material, beats: BeatSet, protocol: str, seed: int) -> BaselineFacts:
    """What is true of every baseline; its name, method, settings and score are still to come."""
    return BaselineFacts(
        architecture=UNKNOWN,
        data=beats.name,
        fingerprint=beats.fingerprint,
        protocol=protocol,
        class_names=tuple(beats.class_names),
        sampling_hz=beats.sampling_hz,
        samples=beats.signals.shape[1],
        features=tuple(FEATURES),
        monitor="val_macro_f1",
        seed=seed,
        split_seed=DEFAULTS.split_seed,
        training_beats=len(material.train_labels),
        validation_beats=len(material.validation_labels),
        versions=versions(),
        commit=commit(),
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )


def _method(model: ClassifierMixin) -> str:
    """The class of the classifier, behind whatever scales its inputs."""
    return type(model[-1] if isinstance(model, Pipeline) else model).__name__


def _settings(model: ClassifierMixin) -> dict[str, Any]:
    """Those of scikit-learn's settings that are plain values."""
    plain = (bool, int, float, str)
    return {key: value for key, value in model.get_params().items() if isinstance(value, plain)}


def _assessment(
    folder: Path,
    model: ClassifierMixin,
    facts: BaselineFacts,
    test: BeatSet,
    test_inputs: np.ndarray,
) -> Assessment:
    path = folder / f"{facts.architecture}.json"
    write_json(path, facts.to_json())
    return Assessment(
        facts.architecture,
        path,
        facts,
        test.name,
        test.fingerprint,
        facts.protocol,
        test.class_names,
        labels=np.asarray(test.labels, int),
        probabilities=probabilities(model, test_inputs, len(test.class_names)),
        records=test.records,
        patients=test.patients,
        times_s=test.times_s,
        is_baseline=True,
    )


def probabilities(model: ClassifierMixin, rows: np.ndarray, classes: int) -> np.ndarray:
    """(beats, classes) float; 0 for a class that no training beat had."""
    table = np.zeros((len(rows), classes))
    table[:, model.classes_] = model.predict_proba(rows)
    return table
