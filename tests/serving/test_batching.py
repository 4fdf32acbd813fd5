import threading

import pytest

from models.predictor import Predictions
from serving.batching import BATCH_BEATS, BatchQueue, Stopped
from tests.serving.fakes import FakeModel, beats_of


@pytest.fixture
def queue():
    one = BatchQueue()
    one.start()
    yield one
    one.stop()


class Slow(FakeModel):
    """Waits for leave before its first batch, so that others gather."""

    def __init__(self):
        super().__init__()
        self.may_go = threading.Event()

    def predict(self, signals):
        self.may_go.wait(10)
        return super().predict(signals)


def labels(predictions: Predictions) -> list[int]:
    return predictions.labels.tolist()


def test_everyone_gets_the_answer_to_their_own_beats(queue):
    model = FakeModel()
    asked = [[k % 5, (k + 1) % 5] for k in range(50)]
    futures = [queue.submit(model, beats_of(*one)) for one in asked]
    assert [labels(future.result(10)) for future in futures] == asked


def test_requests_that_wait_together_go_in_one_batch(queue):
    model = Slow()
    first = queue.submit(model, beats_of(0))
    others = [queue.submit(model, beats_of(k % 5)) for k in range(8)]
    model.may_go.set()
    for future in [first, *others]:
        future.result(10)
    assert sum(model.batches) == 9 and len(model.batches) <= 3


def test_a_large_request_is_taken_in_parts(queue):
    model = FakeModel()
    asked = [k % 5 for k in range(2 * BATCH_BEATS + 3)]
    assert labels(queue.submit(model, beats_of(*asked)).result(10)) == asked
    assert model.batches == [BATCH_BEATS, BATCH_BEATS, 3]


def test_a_single_beat_need_not_wait_for_a_file(queue):
    model = Slow()
    blocker = queue.submit(model, beats_of(0))
    done: list[str] = []
    file = [queue.submit(model, beats_of(1), in_file=True) for _ in range(5)]
    for future in file:
        future.add_done_callback(lambda _: done.append("file"))
    single = queue.submit(model, beats_of(2))
    single.add_done_callback(lambda _: done.append("single"))
    model.may_go.set()
    for future in [blocker, single, *file]:
        future.result(10)
    assert done.index("single") <= 1  # of the file at most one part went before it


def test_models_are_not_mixed_in_a_batch(queue):
    first, second = Slow(), FakeModel()
    blocker = queue.submit(first, beats_of(0))
    futures = [queue.submit(model, beats_of(1)) for model in (first, second, first)]
    first.may_go.set()
    for future in [blocker, *futures]:
        future.result(10)
    assert sum(first.batches) == 3 and second.batches == [1]


def test_a_failing_model_fails_its_own_requests_alone(queue):
    class Broken(FakeModel):
        def predict(self, signals):
            raise ValueError("no such kernel")

    with pytest.raises(ValueError, match="no such kernel"):
        queue.submit(Broken(), beats_of(1)).result(10)
    assert labels(queue.submit(FakeModel(), beats_of(3)).result(10)) == [3]


def test_what_was_cancelled_is_not_computed(queue):
    model = Slow()
    blocker = queue.submit(model, beats_of(0))
    left = queue.submit(model, beats_of(1, 1, 1), in_file=True)
    assert left.cancel()
    model.may_go.set()
    blocker.result(10)
    queue.submit(model, beats_of(2)).result(10)
    assert sum(model.batches) == 2


def test_stopping_finishes_what_was_submitted():
    queue = BatchQueue()
    queue.start()
    model = Slow()
    futures = [queue.submit(model, beats_of(k)) for k in range(3)]
    model.may_go.set()
    queue.stop()
    assert [labels(future.result(0)) for future in futures] == [[0], [1], [2]]
    with pytest.raises(Stopped):
        queue.submit(model, beats_of(1))
