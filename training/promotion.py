"""From a candidate to the checkpoint in use.

A training keeps its weights as a candidate: a trial in its sweep's folder, any other run in one of
its own. What evaluation, the service and recordings use lies in `runs/checkpoints`, or is shipped,
and changes by promotion alone: at the end of a training where the candidate is better by more than
noise on the very beats that chose what stands, or by hand, with `beatsweep promote`.
"""

import datetime
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from evaluation.metrics import better_by
from evaluation.significance import Interval
from models import checkpoints
from models.checkpoints import Checkpoint
from models.facts import CheckpointFacts
from training.resume import FOLDER_VARIABLE
from utils.errors import InputError
from utils.paths import runs_folder, shown
from utils.result_file import Identity

# Where a sweep's agent wants the candidates of its trials; `wandb agent` names the sweep alone.
CANDIDATES_VARIABLE, SWEEP_VARIABLE = "SWEEP_CANDIDATES_DIR", "WANDB_SWEEP_ID"


@dataclass(frozen=True)
class Place:
    """Where a run keeps its candidate.

    Attributes:
        folder: of the JSON and the weights.
        is_shared: whether it is the place of a whole sweep, where the best trial's stays.
    """

    folder: Path
    is_shared: bool = False


def place_of(facts: CheckpointFacts, identity: Identity, own: Path | None = None) -> Place:
    """Where the candidate of a run goes.

    Args:
        facts: what the checkpoint says of the training.
        identity: of the training: the same settings on the same data have the same folder.
        own: the folder that the caller wants; not for trials of a sweep.
    """
    data = f"{facts.data}-{facts.protocol}"
    if folder := os.environ.get(CANDIDATES_VARIABLE):
        return Place(Path(folder) / data, is_shared=True)
    if sweep := os.environ.get(SWEEP_VARIABLE):
        return Place(runs_folder() / "sweeps" / sweep / "checkpoints" / data, is_shared=True)
    name = f"{facts.architecture}-{identity.digest}"
    return Place(own or runs_folder() / "trainings" / data / name)


def in_a_sweep() -> bool:
    """Whether this process runs a trial, of a local sweep or of one on W&B."""
    return any(
        os.environ.get(name) for name in (FOLDER_VARIABLE, CANDIDATES_VARIABLE, SWEEP_VARIABLE)
    )


@dataclass(frozen=True)
class Promotion:
    """How it went with a candidate.

    Attributes:
        is_taken: whether it is in use now.
        reason: why, or why not; the end of a sentence.
        candidate: where it stays in either case.
    """

    is_taken: bool
    reason: str
    candidate: Path

    @property
    def sentence(self) -> str:
        """For the end of a run."""
        if self.is_taken:
            return f"in use from now on, because {self.reason}"
        return (
            f"kept in {shown(self.candidate)}, but not put into use: {self.reason}. To use it all "
            f"the same: beatsweep promote {shown(self.candidate)}"
        )


# The gain of a candidate over what stands, on the beats that chose both.
Gain = Callable[[Checkpoint, Checkpoint], Interval]


def consider(candidate: Checkpoint, direction: str, gain: Gain) -> Promotion:
    """Promote a candidate if nothing stands there, or if it is better by more than noise.

    Args:
        candidate: with its score.
        direction: of scores, ``max`` or ``min``.
        gain: measures how much better the candidate is than what stands, positive for better; it
            is called where the candidate scored better on the same beats, and raises InputError
            where the two cannot be compared after all.
    """
    facts = candidate.facts
    standing = checkpoints.best(facts.data, facts.protocol, facts.architecture)
    taken, reason = _verdict(candidate, standing, direction, gain)
    if taken:
        promote(candidate, reason)
    return Promotion(taken, reason, candidate.path)


def promote(candidate: Checkpoint, reason: str) -> Checkpoint:
    """Put a candidate into use, whatever stands there; the checkpoint in use.

    Args:
        candidate: its files stay.
        reason: is kept with it.
    """
    now = datetime.datetime.now(datetime.UTC).isoformat()
    promoted = {"from": str(candidate.path), "at": now, "because": reason}
    facts = replace(candidate.facts, promoted=promoted)
    folder = checkpoints.folder_of(facts.data, facts.protocol)
    return checkpoints.put(replace(candidate, facts=facts), folder)


def _verdict(
    candidate: Checkpoint, standing: Checkpoint | None, direction: str, gain: Gain
) -> tuple[bool, str]:
    if standing is None:
        return True, "nothing stood in its place"
    mine, other = candidate.facts, standing.facts
    name = f"the {mine.architecture} in use, {shown(standing.path)},"
    if mine.monitor != other.monitor:
        return False, f"{name} was chosen by {other.monitor} and not by {mine.monitor}"
    if difference := mine.chosen_on.differs_from(other.chosen_on):
        return False, f"{name} was chosen on {difference}, so the scores cannot be compared"
    if not better_by(direction, mine.score, other.score):
        return False, f"{name} has a {mine.monitor} of {other.score:.4f} on the same beats"
    try:
        found = gain(candidate, standing)
    except InputError as problem:
        return False, f"{name} cannot be compared with it: {problem}"
    told = (
        f"better by {found.value:.4f} {mine.monitor} (95 % interval {found.low:.4f} to "
        f"{found.high:.4f}) than {name.rstrip(',')} on the same beats"
    )
    if found.low > 0:
        return True, f"it is {told}"
    return False, f"it is {told}, which may be noise"
