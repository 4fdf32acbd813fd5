"""The network that a transfer study starts from: a checkpoint that is there, or one made now."""

import dataclasses

from heartbeats import splits
from heartbeats.beat_set import BeatSet
from models import checkpoints
from models.checkpoints import Checkpoint
from training import architectures, program
from training.settings import TrainingSettings, from_mapping
from utils.errors import InputError


def find_or_train(
    data: str, protocol: str, arch: str, *, epochs: int, tracking: str
) -> Checkpoint:
    """The best checkpoint of `arch` on `data`; where there is none, one is trained and kept.

    Args:
        data: the source data set; it need not be here if a checkpoint of it is.
        protocol: how the source is split; empty for the first that has a checkpoint, else the
            data set's customary one.
        arch: an architecture's name.
        epochs: of the training, where there is one.
        tracking: of the training, where there is one.

    Raises:
        InputError: a name is unknown, or there is neither checkpoint nor data.
    """
    kind = architectures.find(arch)
    for one in [protocol] if protocol else splits.PROTOCOLS:
        if found := checkpoints.best(data, one, arch):
            return found
    settings = dataclasses.replace(
        architectures.best_settings(arch, data),
        data=data,
        protocol=protocol,
        epochs=epochs,
        tracking=tracking,
    )
    print(f"no {arch} was trained on {data} yet: training one for {epochs} epochs")
    outcome = program.run(arch, kind.build, settings, group=f"transfer-source-{data}", verbose=2)
    made = checkpoints.best(outcome.data, outcome.protocol, arch)
    if outcome.result.stopped or made is None:
        raise InputError(
            f"the training of the source network ended early: {outcome.result.ended_by}; "
            f"finish one with `python -m training.train_{arch} --data={data}`"
        )
    return made


def settings_of(source: Checkpoint) -> TrainingSettings:
    """How the source was trained, as far as today's settings know the names."""
    kind = architectures.find(source.architecture).settings
    known = {field.name for field in dataclasses.fields(kind)}
    stored = source.facts.get("settings", {})
    return from_mapping(
        kind, {name: stored[name] for name in known & set(stored)}, source.path.name
    )


def check_fits(source: Checkpoint, target: BeatSet) -> None:
    """Raise InputError unless the source network takes beats like the target's."""
    wanted = {"samples": target.signals.shape[1], "sampling_hz": target.sampling_hz}
    for name, value in wanted.items():
        if source.facts.get(name) != value:
            raise InputError(
                f"the network of {source.path} takes beats of {name} {source.facts.get(name)}, "
                f"those of '{target.name}' have {name} {value}; choose another source or target"
            )
    if source.facts.get("fingerprint") == target.fingerprint:
        raise InputError(
            f"source and target are the same data, '{target.name}'; transfer needs two data sets"
        )


def customary_protocol(target: BeatSet) -> str:
    """By patient where patients are known, else the first that the data set allows."""
    allowed = splits.allowed(target)
    return "patients" if "patients" in allowed else allowed[0]
