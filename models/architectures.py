"""What shapes each network. A module `models.NAME` builds it; nothing here needs Keras."""

from dataclasses import dataclass
from typing import ClassVar

from utils.settings import option


@dataclass(frozen=True)
class CnnArchitecture:
    """What shapes a CNN. `plain` with three stages is the classic Conv-BN-ReLU-pool stack."""

    GROUP: ClassVar[str] = "network"

    block: str = option("residual", "kind of block", choices=("plain", "residual"))
    stages: int = option(4, "stages; the signal is halved after each", low=1, high=6)
    blocks: int = option(1, "blocks in each stage", low=1, high=6)
    width: int = option(48, "channels of the first stage", low=4, high=512)
    width_growth: float = option(1.5, "channels of a stage over the one before", low=0.5, high=2)
    stem_kernel: int = option(7, "kernel of the first convolution, samples", low=1, high=31)
    stem_stride: int = option(2, "samples between outputs of the first convolution", low=1, high=4)
    kernel: int = option(5, "kernel of the other convolutions, samples", low=1, high=31)
    pooling: str = option("max", "how a stage halves", choices=("max", "average", "stride"))
    squeeze_excite: bool = option(True, "reweight channels after each residual block")
    dropout: float = option(0.1, "share dropped after each stage", low=0, high=0.9)
    dropout_kind: str = option(
        "spatial", "drop whole channels or single values", choices=("spatial", "element")
    )
    summary: str = option(
        "average_max",
        "from a sequence to one vector",
        choices=("flatten", "average", "max", "average_max"),
    )
    dense_units: int = option(64, "units of the dense layer before the output; 0: none", high=1024)
    dense_dropout: float = option(0.2, "share dropped before the output", low=0, high=0.9)


@dataclass(frozen=True)
class RnnArchitecture:
    """What shapes an RNN. `patch` 1 feeds single samples, which is many times slower."""

    GROUP: ClassVar[str] = "network"

    cell: str = option("gru", "kind of recurrent layer", choices=("gru", "lstm"))
    layers: int = option(2, "recurrent layers", low=1, high=4)
    width: int = option(96, "units of the first recurrent layer, each way", low=4, high=512)
    width_growth: float = option(1.0, "units of a layer over the one before", low=0.25, high=2)
    bidirectional: bool = option(True, "read the beat both ways")
    patch: int = option(8, "samples that make one step", low=1, high=64)
    patch_overlap: bool = option(False, "show each step the next patch as well")
    embedding: int = option(0, "units of a dense layer on each patch; 0: none", high=512)
    dropout: float = option(0.1, "share of channels dropped after each layer", low=0, high=0.9)
    summary: str = option(
        "average_max",
        "from a sequence to one vector",
        choices=("flatten", "average", "max", "average_max", "last"),
    )
    dense_units: int = option(64, "units of the dense layer before the output; 0: none", high=1024)
    dense_dropout: float = option(0.2, "share dropped before the output", low=0, high=0.9)


@dataclass(frozen=True)
class CnnLstmArchitecture(CnnArchitecture):
    """What shapes a CNN-LSTM: the options of the CNN, and those of what follows it."""

    GROUP: ClassVar[str] = "network"

    stages: int = option(3, "stages; the signal is halved after each", low=1, high=6)
    cell: str = option("lstm", "kind of recurrent layer", choices=("lstm", "gru"))
    recurrent_layers: int = option(1, "recurrent layers", low=1, high=3)
    recurrent_width: int = option(64, "units of a recurrent layer, each way", low=4, high=512)
    bidirectional: bool = option(True, "read the sequence both ways")
    summary: str = option(
        "average_max",
        "from a sequence to one vector",
        choices=("flatten", "average", "max", "average_max", "last"),
    )
    feature_units: int = option(
        0, "units that read the beat's features, a second input; 0: no such input", high=512
    )


@dataclass(frozen=True)
class LstmAutoencoderArchitecture:
    """What shapes the autoencoder. `patch` 1 feeds single samples, which is many times slower."""

    GROUP: ClassVar[str] = "network"

    units: int = option(64, "units of each LSTM, each way", low=2, high=512)
    latent_size: int = option(
        2, "numbers in the code between encoder and decoder", low=1, high=256
    )
    bidirectional: bool = option(False, "read and write the beat both ways")
    patch: int = option(7, "samples that make one step", low=1, high=64)
    folds: int = option(
        3, "nets side by side, each trained without one part of the normal beats", low=2, high=20
    )
