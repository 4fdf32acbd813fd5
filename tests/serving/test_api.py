"""The API of the real service, with the shipped checkpoints."""

import io
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pandas as pd
import pytest

from ecg.synthetic.record import generate_record
from heartbeats import synthetic
from heartbeats.csv_beats import beats_file
from models import checkpoints
from models.predictor import predict
from serving import examples
from serving.schemas import Models, Predictions, RecordAnalysis, TypicalBeats
from serving.service import FILES_AT_ONCE

pytestmark = pytest.mark.slow  # the service that all of these ask takes seconds to start

CNN = "mitbih-kaggle/cnn"


@pytest.fixture(scope="module")
def beats():
    return synthetic.load(3, beats=300, patients=8)


def csv_of(beats, labels=True, **how) -> bytes:
    columns = [beats.signals] + ([beats.labels] if labels else [])
    text = io.StringIO()
    np.savetxt(text, np.column_stack(columns), delimiter=",", **how)
    return text.getvalue().encode()


def sent(client, content, name="beats.csv", **params) -> httpx.Response:
    return client.post("/api/predict", files={"file": (name, content)}, params=params)


def probabilities(answer: dict) -> np.ndarray:
    names = answer["class_names"]
    return np.array([[one["probabilities"][n] for n in names] for one in answer["predictions"]])


def test_csv_json_body_and_notebook_give_the_same(client, beats):
    form = sent(client, csv_of(beats), model=CNN)
    raw = client.post(
        "/api/v1/predict",
        content=csv_of(beats, labels=False),
        params={"model": CNN},
        headers={"Content-Type": "text/csv"},
    )
    as_json = client.post(
        "/api/predict",
        params={"model": CNN},
        json={"beats": beats.signals.tolist(), "labels": beats.labels.tolist()},
    )
    model = checkpoints.read(checkpoints.PRETRAINED_FOLDER / f"{CNN}.json").load()
    here = predict(model, beats.signals)
    for answer in (form, raw, as_json):
        assert answer.status_code == 200, answer.text
        Predictions.model_validate_json(answer.content)
        np.testing.assert_allclose(probabilities(answer.json()), here, atol=2e-6)
        assert [one["label"] for one in answer.json()["predictions"]] == here.argmax(1).tolist()
    assert raw.json()["scores"] is None
    assert form.json()["scores"] == as_json.json()["scores"]


def test_many_files_at_once_take_turns(service, beats, monkeypatch):
    working, most = [], []
    read = beats_file.parts

    def watched(*given, **how):
        working.append(1)
        most.append(len(working))
        yield from read(*given, **how)
        working.pop()

    monkeypatch.setattr(beats_file, "parts", watched)
    content = csv_of(beats)

    def ask(_number: int) -> dict:
        with httpx.Client(base_url=service, timeout=60) as own:
            return sent(own, content).json()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(16)))
    assert all(one["predictions"] == answers[0]["predictions"] for one in answers)
    assert len(most) == 16 and max(most) <= FILES_AT_ONCE


def test_one_beat_alone_gets_the_same_as_in_a_crowd(client, beats):
    crowd = client.post("/api/predict", json={"beats": beats.signals.tolist()}).json()
    alone = client.post("/api/predict", json={"beats": beats.signals[7:8].tolist()}).json()
    np.testing.assert_allclose(probabilities(alone)[0], probabilities(crowd)[7], atol=2e-6)


def test_an_answer_says_all_that_was_asked(client, beats):
    answer = sent(client, csv_of(beats)).json()
    first = answer["predictions"][0]
    assert answer["api_version"] == "1" and answer["count"] == len(beats)
    assert first["row"] == 1 and first["class"] == answer["class_names"][first["label"]]
    assert first["probability"] == pytest.approx(max(first["probabilities"].values()))
    assert first["true_label"] == beats.labels[0]
    assert isinstance(first["uncertain"], bool)
    assert first["out_of_distribution"] == (first["ood_score"] > 1)
    counts = answer["summary"]["classes"]
    assert sum(counts.values()) == len(beats)
    assert np.array(answer["scores"]["confusion"]).sum() == len(beats)
    typical = client.get("/api/typical_beats").json()
    TypicalBeats.model_validate(typical)
    assert first["nearest_typical"] < len(typical["beats"])


def test_rows_count_beats_and_errors_name_lines(client, beats):
    header = "a," * 187 + "label\n\n"
    text = header + csv_of(beats.select(np.arange(3))).decode()
    answer = sent(client, text.encode()).json()
    assert [one["row"] for one in answer["predictions"]] == [1, 2, 3]
    refused(sent(client, (text + "1,2\n").encode()), 422, "row 6")


def test_noise_is_out_of_distribution_and_beats_are_not(client, beats):
    rng = np.random.default_rng(0)
    noise = client.post("/api/predict", json={"beats": rng.random((50, 187)).tolist()}).json()
    assert noise["summary"]["out_of_distribution"] == 50
    real = client.get("/api/typical_beats").json()["beats"]
    own = client.post("/api/predict", json={"beats": [one["signal"] for one in real]}).json()
    assert own["summary"]["out_of_distribution"] <= len(real) // 4


def test_a_zip_of_one_csv_file_is_read(client, beats):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("some/mitbih_test.csv", csv_of(beats))
    answer = sent(client, packed.getvalue(), "archive.zip")
    assert answer.status_code == 200 and answer.json()["count"] == len(beats)


def test_models_are_listed_and_chosen(client, beats):
    listed = client.get("/api/models").json()
    Models.model_validate(listed)
    found = {one["id"]: one for one in listed["models"]}
    assert listed["default"] in found and {CNN, "mitbih-kaggle/rnn"} <= set(found)
    assert found[CNN]["facts"]["settings"]["width"] == 32
    assert 0 < found[CNN]["uncertain_below"] < 1
    assert "on 8,756 beats, seed 0" in found[CNN]["how_chosen"]
    for name in (CNN, "mitbih-kaggle/rnn", "mitbih-kaggle/cnn_lstm", "mitbih-patients/cnn"):
        answer = client.post(
            "/api/predict", params={"model": name}, json={"beats": beats.signals[:2].tolist()}
        ).json()
        assert answer["model"] == name
        assert answer["weights"] == found[name]["facts"]["weights_digest"][:16]


def test_the_anomaly_detector_answers_with_scores(client):
    rng = np.random.default_rng(0)
    answer = client.post(
        "/api/predict",
        params={"model": "ecg5000-ucr/lstm_autoencoder"},
        json={"beats": rng.random((3, 140)).tolist(), "labels": [1, 0, 4]},
    ).json()
    Predictions.model_validate(answer)
    assert [one["class"] for one in answer["predictions"]] == ["anomalous"] * 3
    assert answer["predictions"][0]["anomaly_score"] > 0.13
    assert answer["predictions"][0]["probabilities"] is None
    assert np.array(answer["scores"]["confusion"]).tolist() == [[0, 1], [0, 2]]


def refused(answer: httpx.Response, status: int, *words: str) -> None:
    assert answer.status_code == status, answer.text
    assert list(answer.json()) == ["detail"]
    for word in words:
        assert word in answer.json()["detail"]


BEAT = [0.5] * 187


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", ["the body"]),
        (b"{", ["the body"]),
        (b'{"beats": []}', ["'beats'", "at least 1 item"]),
        (b'{"beats": [[0.5, 0.5]]}', ["beat 1", "expected 187 values", "found 2"]),
        (json.dumps({"beats": [BEAT, BEAT[:-1] + ["x"]]}), ["beat 2, value 187", "valid number"]),
        (json.dumps({"beats": [[1.5, *BEAT[1:]]]}), ["beat 1, value 1", "found 1.5"]),
        (json.dumps({"beats": [[float("nan"), *BEAT[1:]]]}), ["beat 1, value 1"]),
        (json.dumps({"beats": [BEAT], "labels": [5]}), ["label 1", "0 to 4", "found 5"]),
        (json.dumps({"beats": [BEAT], "labels": [0, 1]}), ["one label a beat"]),
        (json.dumps({"beats": [BEAT], "lables": [0]}), ["lables"]),
        (json.dumps({"beats": {"a": 1}}), ["'beats'"]),
        (b"[" * 100_000, ["the body"]),
    ],
)
def test_json_that_is_wrong_is_told_with_its_place(client, body, words):
    headers = {"Content-Type": "application/json"}
    refused(client.post("/api/predict", content=body, headers=headers), 422, *words)


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (b"", 422, ["beats.csv", "empty"]),
        (b"0.5,0.5\n", 422, ["beats.csv", "row 1", "187"]),
        (b"0.5," * 186 + b"nan\n", 422, ["row 1", "column 187"]),
        (b"0.5," * 186 + b"inf\n", 422, ["row 1", "column 187"]),
        (b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00]\x94.", 415, ["pickle"]),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 100, 415, ["PNG"]),
    ],
)
def test_files_that_are_wrong_are_told_with_their_place(client, content, status, words):
    refused(sent(client, content), status, *words)


def test_an_error_far_down_in_a_file_leaves_no_answer_half_given(client, beats):
    rows = csv_of(beats, labels=False).splitlines() * 20
    rows[5000] = b"0.5," * 186 + b"oops"
    refused(sent(client, b"\n".join(rows)), 422, "row 5001", "column 187", "oops")


def test_more_beats_than_are_taken_are_refused(client, beats):
    row = csv_of(beats.select(np.array([0])), labels=False, fmt="%.1f")
    refused(sent(client, row * 20_001), 413, "20,000")


def test_other_wrong_requests_are_told(client, beats):
    refused(sent(client, csv_of(beats), model="no/such"), 404, "no/such", CNN)
    refused(client.post("/api/predict", content=b"x"), 415, "multipart/form-data")
    refused(client.post("/api/predict", data={"file": "text"}), 415, "multipart/form-data")
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    refused(client.post("/api/predict", content=b"--y", headers=form), 400, "multipart")
    refused(client.post("/api/predict", files={"other": b"1"}), 422, "in the field file")
    refused(client.post("/api/records", content=b"x"), 415, "multipart/form-data")
    assert client.get("/api/predict").status_code == 405
    assert client.get("/nowhere").json() == {"detail": "Not Found"}


def test_a_stranger_s_host_name_is_refused(client):
    assert client.get("/healthz", headers={"Host": "evil.example"}).status_code == 400


def test_health_and_metrics(client, beats):
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").status_code == 200
    client.post("/api/predict", json={"beats": [BEAT]})
    text = client.get("/metrics").text
    assert 'beatsweep_requests_total{route="/api/predict",status="200"}' in text
    assert "beatsweep_batch_beats_bucket" in text


def test_documentation_needs_no_network(client):
    page = client.get("/docs")
    assert "https://" not in page.text.replace("https://fastapi.tiangolo.com", "")
    assert client.get("/docs/files/swagger-ui-bundle.js").status_code == 200
    schema = client.get("/openapi.json").json()
    assert {"/api/predict", "/api/records", "/api/models", "/healthz"} <= set(schema["paths"])


def test_the_examples_of_the_documentation_work(client):
    schemas = client.get("/openapi.json").json()
    body = schemas["paths"]["/api/predict"]["post"]["requestBody"]["content"]["application/json"]
    answer = client.post("/api/predict", json=body["schema"]["example"])
    assert answer.status_code == 200 and answer.json()["predictions"][0]["class"] == "N"
    shown = schemas["components"]["schemas"]["Predictions"]["example"]
    # The documentation leaves out what is null.
    assert set(shown) <= set(answer.json())
    assert set(shown["predictions"][0]) <= set(answer.json()["predictions"][0])


def test_a_recording_is_analysed(client):
    files = {"files": ("recording.zip", examples.recording_zip())}
    answer = client.post("/api/records", files=files)
    assert answer.status_code == 200, answer.text
    found = RecordAnalysis.model_validate_json(answer.content)
    assert found.name == "synthetic" and found.lead == "II" and found.duration_s == 180
    assert len(found.beats) > 120 and found.summary["beats"] == len(found.beats)
    assert found.beats[0].class_ in "NSVFQ"
    page = client.post("/api/records", files=files, params={"format": "html"})
    assert page.status_code == 200 and page.text.startswith("<!doctype html>")
    assert "attachment" in page.headers["content-disposition"]
    wrong = client.post("/api/records", files=files, params={"lead": "V9"})
    refused(wrong, 422, "V9", "II")


def test_beats_and_recordings_are_not_mixed_up(client, beats):
    zipped = {"file": ("recording.zip", examples.recording_zip())}
    refused(client.post("/api/predict", files=zipped), 422, "/api/records")


def test_eval_py_gives_the_same(client, beats, tmp_path, monkeypatch):
    import eval as eval_program

    monkeypatch.setenv("ECG_RUNS", str(tmp_path))
    path = tmp_path / "own.csv"
    path.write_bytes(csv_of(beats))
    to = tmp_path / "predictions.csv"
    json_file = checkpoints.PRETRAINED_FOLDER / f"{CNN}.json"
    words = ["--predict", str(path), "--checkpoint", str(json_file), "--to", str(to)]
    assert eval_program.main(words) == 0
    table = pd.read_csv(to)
    answer = sent(client, path.read_bytes(), model=CNN).json()
    own = table[[f"p_{name}" for name in answer["class_names"]]].to_numpy()
    np.testing.assert_allclose(own, probabilities(answer), atol=2e-6)
    assert table["row"].tolist() == [one["row"] for one in answer["predictions"]]
    assert beats_file.read(path, 187, 5).labels is not None


@pytest.mark.parametrize("codec", ["punycode", "undefined", "idna", "utf-7", "no-such"])
def test_clients_choose_no_codec_of_pythons(client, beats, codec):
    edge = "charset"
    body = (
        f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="ä.csv"\r\n\r\n'
    ).encode() + b"1,2\r\n--charset--\r\n"
    kind = f"multipart/form-data; charset={codec}; boundary={edge}"
    answer = client.post("/api/predict", content=body, headers={"Content-Type": kind})
    assert answer.status_code == 422 and "ä.csv" in answer.json()["detail"]


def test_a_report_has_a_name_that_fits_a_header(client):
    files = {"files": ("心電.zip", renamed_recording())}
    answer = client.post("/api/records", files=files, params={"format": "html"}, timeout=120)
    assert answer.status_code == 200, answer.text
    named = answer.headers["content-disposition"]
    assert named.startswith("attachment; filename=") and named.endswith('.html"')


def renamed_recording() -> bytes:
    """The example recording, as a CSV file with a name that is no Latin one."""
    made = generate_record(np.random.default_rng(0), 20.0, 250.0)
    rows = [f"{k / 250:.3f};{value:.3f}" for k, value in enumerate(np.ravel(made.signal_mv))]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("心電.csv", "time_s;II_mV\n" + "\n".join(rows))
    return packed.getvalue()


def test_a_large_json_is_answered_as_its_beats_alone(client, beats):
    signals = np.resize(beats.signals, (1000, beats.signals.shape[1])).round(3)
    labels = np.resize(beats.labels, 1000).tolist()
    large = client.post("/api/predict", json={"beats": signals.tolist(), "labels": labels}).json()
    last = client.post("/api/predict", json={"beats": signals[-1:].tolist()}).json()
    assert large["count"] == 1000 and large["scores"] is not None
    assert [one["row"] for one in large["predictions"]] == list(range(1, 1001))
    assert large["predictions"][-1]["true_label"] == labels[-1]
    np.testing.assert_allclose(probabilities(large)[-1], probabilities(last)[0], atol=2e-6)


def test_the_first_fault_of_many_is_told_alone(client):
    beats = [[9] * 187 for _ in range(1000)]
    answer = client.post("/api/predict", json={"beats": beats, "k" * 1000: 1})
    assert answer.status_code == 422 and len(answer.content) < 200
