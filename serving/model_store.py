"""Which checkpoints there are, the loaded ones, and their exchange when a file is replaced."""

import logging
import threading
from dataclasses import dataclass
from pathlib import Path

from evaluation.metrics import DIRECTIONS
from heartbeats import catalog
from models import checkpoints
from models.checkpoints import Checkpoint
from models.predictor import CLASSIFIER, Predictor, kind_of
from serving.settings import ServiceSettings
from utils.errors import InputError
from utils.paths import runs_folder

TRAINED_HERE, PRETRAINED = "trained here", "pretrained"
# What answers where nothing was trained here: a third of the large CNN's work for nearly its
# scores, so that a big file is predicted while one waits.
SHIPPED = ("mitbih-kaggle-light/cnn", "mitbih-kaggle/cnn")
# Beats of people are what an upload holds, unless it says otherwise.
DATA, MONITOR = "mitbih", "val_macro_f1"
# Facts without which a checkpoint cannot be offered.
NEEDED = ("class_names", "samples", "sampling_hz", "scaling", "data", "protocol")
ANOMALY_MEANINGS = {
    "normal": "like the normal beats that it was trained on",
    "anomalous": "unlike the normal beats that it was trained on",
}

log = logging.getLogger("beatsweep.models")


class UnknownModel(InputError):
    """There is no checkpoint of this id; answered with 404."""


@dataclass(frozen=True)
class Entry:
    """A checkpoint that can be asked for, and where it came from."""

    checkpoint: Checkpoint
    origin: str


class ModelStore:
    """Finds checkpoints, loads those that are asked for, and takes up those that were replaced.

    Safe to use from several threads. A loaded model answers until its successor is ready, so no
    request fails while a file is exchanged.
    """

    def __init__(self, settings: ServiceSettings):
        self._settings = settings
        self._folders = (
            (runs_folder() / "checkpoints", TRAINED_HERE),
            (checkpoints.PRETRAINED_FOLDER, PRETRAINED),
        )
        self._entries: dict[str, Entry] = {}
        self._loaded: dict[str, Predictor] = {}  # the one used last stands at the end
        self._lock = threading.Lock()
        self._loading = threading.Lock()  # one network at a time is built
        self._stopped = threading.Event()
        self._refused: dict[str, str] = {}  # id -> digest of weights that could not be loaded
        self._watcher = threading.Thread(target=self._watch, name="model-store", daemon=True)

    def start(self) -> None:
        """Load the default model, and watch the folders from now on.

        Raises:
            InputError: there is no usable checkpoint.
        """
        self._scan()
        while self.loaded(name := self.default_id()) is None:
            self._try_to_load(name, self.entries()[name].checkpoint)
        self._watcher.start()

    def stop(self) -> None:
        self._stopped.set()

    def entries(self) -> dict[str, Entry]:
        """Id -> entry of every checkpoint that can be used, those trained here first."""
        with self._lock:
            return dict(self._entries)

    def default_id(self) -> str:
        """The best classifier trained here on MIT-BIH, else a pretrained one.

        Raises:
            InputError: there is no classifier at all.
        """
        with self._lock:
            # Where a replacement could not be loaded, the one before it still answers.
            entries = {
                name: entry
                for name, entry in self._entries.items()
                if name in self._loaded
                or self._refused.get(name) != entry.checkpoint.facts.weights_digest
            }
        here = [name for name, entry in entries.items() if _is_candidate(entry)]
        if here:
            return max(here, key=lambda name: _rank(entries[name]))
        for name in SHIPPED:
            if name in entries:
                return name
        raise InputError("no usable classifier was found; train one: python main.py")

    def get(self, model_id: str = "") -> Predictor:
        """The model of this id, loaded if need be; the default one where the id is empty.

        Raises:
            UnknownModel: there is none of this id.
            InputError: its files are damaged.
        """
        standing = self.loaded(model_id)
        if standing is not None:
            return standing
        name = model_id or self.default_id()
        entry = self.entries().get(name)
        if entry is None:
            known = ", ".join(self.entries())
            raise UnknownModel(f"there is no model {name!r}; one of {known} expected")
        try:
            return self._load(name, entry.checkpoint)
        except InputError:
            self._scan()  # its weights may have been exchanged since the last look
            now = self.entries().get(name)
            if now is None or _same_weights(now.checkpoint, entry.checkpoint):
                raise
            return self._load(name, now.checkpoint)

    def loaded(self, model_id: str = "") -> Predictor | None:
        """The model of this id where it is in memory; takes no time."""
        name = model_id or self.default_id()
        with self._lock:
            if name not in self._loaded:
                return None
            self._loaded[name] = self._loaded.pop(name)
            return self._loaded[name]

    def _load(self, name: str, checkpoint: Checkpoint) -> Predictor:
        with self._loading:
            with self._lock:
                standing = self._loaded.get(name)
            if standing is not None and _same_weights(standing.checkpoint, checkpoint):
                return standing
            served = load(checkpoint)
            with self._lock:
                self._loaded.pop(name, None)
                self._loaded[name] = served
                self._forget_old()
            log.info("model %s loaded, weights %s", name, checkpoint.facts.weights_digest[:8])
            return served

    def _forget_old(self) -> None:
        while len(self._loaded) > self._settings.models_in_memory:
            del self._loaded[next(iter(self._loaded))]

    def _watch(self) -> None:
        while not self._stopped.wait(self._settings.refresh_s):
            try:
                self._refresh()
            except Exception:  # e.g. a folder that cannot be read just now
                log.exception("the checkpoint folders could not be looked at; trying again")

    def _refresh(self) -> None:
        """Take up what was replaced or added; the old one stays where that cannot be loaded."""
        self._scan()
        entries = self.entries()
        with self._lock:
            loaded = dict(self._loaded)
        stale = [
            name
            for name, served in loaded.items()
            if name in entries and not _same_weights(served.checkpoint, entries[name].checkpoint)
        ]
        for name in dict.fromkeys([*stale, *self._new_default(loaded)]):
            if name in entries:  # others may have looked meanwhile, and found more
                self._try_to_load(name, entries[name].checkpoint)

    def _new_default(self, loaded: dict[str, Predictor]) -> list[str]:
        """The default, where it is another one now: whoever asks next should not wait for it."""
        try:
            name = self.default_id()
        except InputError:
            return []
        return [] if name in loaded else [name]

    def _try_to_load(self, name: str, checkpoint: Checkpoint) -> None:
        digest = checkpoint.facts.weights_digest
        if self._refused.get(name) == digest:
            return  # told once, not once a second
        try:
            self._load(name, checkpoint)
            self._refused.pop(name, None)
        except Exception as error:  # Keras raises all kinds; none may end the watch or the start
            log.warning("model %s cannot be loaded and is passed over: %s", name, error)
            self._refused[name] = digest

    def _scan(self) -> None:
        found: dict[str, Entry] = {}
        for folder, origin in self._folders:
            for path in sorted(folder.glob("*/*.json")):
                checkpoint = _usable(path)
                if checkpoint is not None and checkpoint.id not in found:
                    found[checkpoint.id] = Entry(checkpoint, origin)
        with self._lock:
            self._entries = found


def load(checkpoint: Checkpoint) -> Predictor:
    """A checkpoint ready to answer at once.

    Raises:
        InputError: a file is damaged, or the JSON lacks what is needed to use the network.
    """
    predictor = Predictor.load(checkpoint, low_latency=True)
    predictor.warm_up()
    return predictor


def meanings_of(checkpoint: Checkpoint) -> dict[str, str]:
    """What the classes mean, where that is known."""
    if checkpoint.is_anomaly_detector:
        return dict(ANOMALY_MEANINGS)
    return dict(catalog.class_meanings(checkpoint.facts.data))


def _usable(path: Path) -> Checkpoint | None:
    """The checkpoint at `path`, or None: what is being replaced just now is there again soon."""
    try:
        checkpoint = checkpoints.read(path)
        checkpoint.require(*NEEDED, *(("threshold",) if checkpoint.is_anomaly_detector else ()))
    except Exception as error:  # whatever was put there: it must not hide the others
        log.debug("%s is left out: %s", path, error)
        return None
    return checkpoint


def _is_candidate(entry: Entry) -> bool:
    facts = entry.checkpoint.facts
    is_classifier = kind_of(entry.checkpoint) == CLASSIFIER
    return entry.origin == TRAINED_HERE and is_classifier and facts.data == DATA


def _rank(entry: Entry) -> tuple[bool, bool, float]:
    """Scores of one protocol and one monitor can be compared; `kaggle` saw the most people."""
    facts = entry.checkpoint.facts
    score = -facts.score if DIRECTIONS.get(facts.monitor) == "min" else facts.score
    return facts.protocol == "kaggle", facts.monitor == MONITOR, score


def _same_weights(one: Checkpoint, other: Checkpoint) -> bool:
    """Whether two checkpoints are one, with the same calibration beside them."""
    names = ("weights_digest", "calibration_digest")
    return all(getattr(one.facts, name) == getattr(other.facts, name) for name in names)
