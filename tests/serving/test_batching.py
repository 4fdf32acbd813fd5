import threading

import numpy as np
import pytest

from serving.batching import BATCH_BEATS, Predictor, Stopped
from serving.served_model import Outputs
from tests.serving.fakes import FakeModel, beats_of


@pytest.fixture
def predictor():
    one = Predictor()
    one.start()
    yield one
    one.stop()


class Slow(FakeModel):
    """Waits for leave before its first batch, so that others gather."""

    def __init__(self):
        super().__init__()
        self.may_go = threading.Event()

    def run(self, signals):
        self.may_go.wait(10)
        return super().run(signals)


def labels(outputs: Outputs) -> list[int]:
    assert outputs.probabilities is not None
    return outputs.probabilities.argmax(axis=1).tolist()


def test_everyone_gets_the_answer_to_their_own_beats(predictor):
    model = FakeModel()
    asked = [[k % 5, (k + 1) % 5] for k in range(50)]
    futures = [predictor.submit(model, beats_of(*one)) for one in asked]
    assert [labels(future.result(10)) for future in futures] == asked


def test_requests_that_wait_together_go_in_one_batch(predictor):
    model = Slow()
    first = predictor.submit(model, beats_of(0))
    others = [predictor.submit(model, beats_of(k % 5)) for k in range(8)]
    model.may_go.set()
    for future in [first, *others]:
        future.result(10)
    assert sum(model.batches) == 9 and len(model.batches) <= 3


def test_a_large_request_is_taken_in_parts(predictor):
    model = FakeModel()
    asked = [k % 5 for k in range(2 * BATCH_BEATS + 3)]
    assert labels(predictor.submit(model, beats_of(*asked)).result(10)) == asked
    assert model.batches == [BATCH_BEATS, BATCH_BEATS, 3]


def test_a_single_beat_need_not_wait_for_a_file(predictor):
    model = Slow()
    blocker = predictor.submit(model, beats_of(0))
    done: list[str] = []
    file = [predictor.submit(model, beats_of(1), in_file=True) for _ in range(5)]
    for future in file:
        future.add_done_callback(lambda _: done.append("file"))
    single = predictor.submit(model, beats_of(2))
    single.add_done_callback(lambda _: done.append("single"))
    model.may_go.set()
    for future in [blocker, single, *file]:
        future.result(10)
    assert done.index("single") <= 1  # of the file at most one part went before it


def test_models_are_not_mixed_in_a_batch(predictor):
    first, second = Slow(), FakeModel()
    blocker = predictor.submit(first, beats_of(0))
    futures = [predictor.submit(model, beats_of(1)) for model in (first, second, first)]
    first.may_go.set()
    for future in [blocker, *futures]:
        future.result(10)
    assert sum(first.batches) == 3 and second.batches == [1]


def test_a_failing_model_fails_its_own_requests_alone(predictor):
    class Broken(FakeModel):
        def run(self, signals):
            raise ValueError("no such kernel")

    with pytest.raises(ValueError, match="no such kernel"):
        predictor.submit(Broken(), beats_of(1)).result(10)
    assert labels(predictor.submit(FakeModel(), beats_of(3)).result(10)) == [3]


def test_what_was_cancelled_is_not_computed(predictor):
    model = Slow()
    blocker = predictor.submit(model, beats_of(0))
    left = predictor.submit(model, beats_of(1, 1, 1), in_file=True)
    assert left.cancel()
    model.may_go.set()
    blocker.result(10)
    predictor.submit(model, beats_of(2)).result(10)
    assert sum(model.batches) == 2


def test_stopping_finishes_what_was_submitted():
    predictor = Predictor()
    predictor.start()
    model = Slow()
    futures = [predictor.submit(model, beats_of(k)) for k in range(3)]
    model.may_go.set()
    predictor.stop()
    assert [labels(future.result(0)) for future in futures] == [[0], [1], [2]]
    with pytest.raises(Stopped):
        predictor.submit(model, beats_of(1))


def test_parts_join_to_the_whole():
    whole = Outputs(np.arange(10.0).reshape(5, 2), np.arange(5.0))
    joined = Outputs.joined([whole.part(slice(0, 2)), whole.part(slice(2, 5))])
    np.testing.assert_array_equal(joined.probabilities, whole.probabilities)
    np.testing.assert_array_equal(joined.ood_score, whole.ood_score)
    assert joined.anomaly_score is None
