"""The service that most people write: one `model.predict` a request. `benchmarks.service` runs it.

python -m benchmarks.plain_service CHECKPOINT.json PORT
"""

import sys
from pathlib import Path

import numpy as np
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from models import checkpoints


class Beats(BaseModel):
    beats: list[list[float]]


def create_app(checkpoint: Path) -> FastAPI:
    found = checkpoints.read(checkpoint)
    model, names = found.load(), found.beat_format.class_names
    app = FastAPI()

    @app.post("/api/predict")
    def predict(given: Beats) -> dict:
        signals = np.array(given.beats, dtype=np.float32)[..., np.newaxis]
        probabilities = model.predict(signals, verbose=0)
        labels = probabilities.argmax(axis=1)
        return {
            "predictions": [
                {"label": int(label), "class": names[label], "probabilities": row.tolist()}
                for label, row in zip(labels, probabilities, strict=True)
            ]
        }

    return app


if __name__ == "__main__":
    uvicorn.run(create_app(Path(sys.argv[1])), port=int(sys.argv[2]), log_level="warning")
