"""Requests and responses of the API, typed and with examples."""

from math import exp
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, FailFast, Field

API_VERSION: Literal["1"] = "1"
Value = Annotated[float, Field(ge=0, le=1.0001, allow_inf_nan=False)]

# R peak, T wave, P wave and the next R peak of an invented beat at 120 Hz: place, width, height.
WAVES = ((0, 1.5, 1.0), (35, 7.0, 0.25), (77, 4.0, 0.12), (97, 1.5, 1.0))
EXAMPLE_SAMPLES, EXAMPLE_END = 187, 115
EXAMPLE_BEAT: list[Any] = [
    round(sum(high * exp(-(((i - at) / wide) ** 2)) for at, wide, high in WAVES), 3)
    if i < EXAMPLE_END
    else 0.0
    for i in range(EXAMPLE_SAMPLES)
]
EXAMPLE_ANSWER: dict[str, Any] = {
    "api_version": "1",
    "model": "mitbih-kaggle-light/cnn",
    "weights": "e1ba3764617dfed6",
    "class_names": ["N", "S", "V", "F", "Q"],
    "count": 1,
    "predictions": [
        {
            "row": 1,
            "label": 0,
            "class": "N",
            "probability": 0.997,
            "probabilities": {"N": 0.997, "S": 0.002, "V": 0.001, "F": 0.0, "Q": 0.0},
            "uncertain": False,
            "ood_score": 0.31,
            "out_of_distribution": False,
            "nearest_typical": 2,
            "anomaly_score": None,
            "true_label": None,
        }
    ],
    "summary": {
        "classes": {"N": 1, "S": 0, "V": 0, "F": 0, "Q": 0},
        "uncertain": 0,
        "out_of_distribution": 0,
    },
    "scores": None,
    "notes": [],
}


class Answer(BaseModel):
    """Fields of every response."""

    api_version: Literal["1"] = API_VERSION


class Problem(BaseModel):
    """Why a request was not answered: what was expected, what came, the way out."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"detail": "beats.csv, row 7: expected 187 values, found 3"}}
    )
    detail: str


class BeatsToPredict(BaseModel):
    """Beats, each scaled by its own minimum and maximum to [0, 1], zeros behind its end."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"beats": [EXAMPLE_BEAT], "labels": [0]}},
    )
    # Only the first fault is reported; a list of millions would fill the memory.
    beats: Annotated[list[Annotated[list[Value], FailFast()]], FailFast()] = Field(
        min_length=1, description="one list a beat, as many values as the model's `samples`"
    )
    labels: list[Annotated[int, Field(ge=0, le=255)]] | None = Field(
        default=None,
        fail_fast=True,
        description="the true labels, if known; the answer then holds scores",
    )


class BeatPrediction(BaseModel):
    """One beat. What the model cannot give is null."""

    model_config = ConfigDict(populate_by_name=True)
    row: int = Field(description="the beat's number in the file or list, from 1")
    label: int = Field(description="index of the predicted class; 0 to 4 for AAMI's N S V F Q")
    class_: str = Field(alias="class", description="name of the predicted class")
    probability: float | None = Field(description="of the predicted class")
    probabilities: dict[str, float] | None = Field(description="of every class, by its name")
    uncertain: bool | None = Field(description="probability below the model's `uncertain_below`")
    ood_score: float | None = Field(description="unlikeness to training beats; limit is 1")
    out_of_distribution: bool | None = Field(description="whether `ood_score` is above 1")
    nearest_typical: int | None = Field(description="index into the model's `typical_beats`")
    anomaly_score: float | None = Field(description="of an anomaly detector")
    true_label: int | None = Field(description="the label that came with the beat")


class Counts(BaseModel):
    """How many beats."""

    classes: dict[str, int]
    uncertain: int | None
    out_of_distribution: int | None


class ClassScore(BaseModel):
    """Scores of one class; `support` is its number of beats."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int


class Scores(BaseModel):
    """Scores of the predictions against the labels that were sent."""

    accuracy: float
    macro_f1: float
    classes: list[ClassScore]
    confusion: list[list[int]] = Field(description="rows are the true classes")


class Predictions(Answer):
    """The predictions of a model."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE_ANSWER})
    model: str
    weights: str = Field(description="digest of the weights, its first 16 digits")
    class_names: list[str]
    count: int
    predictions: list[BeatPrediction]
    summary: Counts
    scores: Scores | None
    notes: list[str] = Field(description="what must be read before any number")


class TypicalBeat(BaseModel):
    """A representative beat of its class."""

    label: int
    class_: str = Field(alias="class")
    signal: list[float]


class TypicalBeats(Answer):
    """The typical beats of a model; none where none are stored with its checkpoint."""

    model: str
    beats: list[TypicalBeat]


class ModelFacts(BaseModel):
    """One checkpoint."""

    id: str
    kind: Literal["classifier", "anomaly_detector"]
    origin: Literal["trained here", "pretrained"]
    architecture: str
    data: str
    protocol: str
    class_names: list[str]
    class_meanings: dict[str, str]
    samples: int
    sampling_hz: float
    scaling: str
    monitor: str | None
    score: float
    how_chosen: str = Field(description="what gave the score, and why the model is in use")
    parameters: int | None
    uncertain_below: float | None
    facts: dict[str, Any] = Field(description="the checkpoint's JSON, whole")


class Models(Answer):
    """All checkpoints; `default` answers where a request names none."""

    default: str
    models: list[ModelFacts]


class Span(BaseModel):
    """A segment of a recording."""

    start_s: float
    end_s: float


class Unusable(Span):
    """A segment that cannot be used."""

    reason: str


class Episode(Span):
    """A pause, a fast or slow run, bigeminy, a run of ectopic beats."""

    kind: str
    beats: int
    detail: str


class RecordedBeat(BaseModel):
    """One beat of a recording; `analyse_record.py` writes the same columns."""

    model_config = ConfigDict(extra="allow")
    sample: int
    time_s: float
    rr_s: float | None
    class_: str = Field(alias="class")
    label: int
    probability: float
    probabilities: dict[str, float]
    quality: float
    usable: bool
    unknown: bool


class RecordAnalysis(Answer):
    """What was found in a recording."""

    model: str
    name: str
    duration_s: float
    sampling_hz: float
    leads: list[str]
    lead: str = Field(description="the lead that waves were measured and beats classified in")
    summary: dict[str, Any]
    notes: list[str]
    beats: list[RecordedBeat]
    windows: list[dict[str, Any]] = Field(description="windows of the rhythm")
    irregular: list[Span]
    episodes: list[Episode]
    unusable: list[Unusable]
    provenance: dict[str, Any]


class Health(BaseModel):
    """Whether the service lives, or is ready."""

    status: Literal["ok", "starting"]
