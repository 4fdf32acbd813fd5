"""The lines of a training's progress, by a clock that is driven by hand."""

import io

import pytest

from training import progress
from training.progress import Progress, duration


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    return now


def epochs(shown: Progress, clock: list, *scores: float, seconds: float = 12) -> None:
    shown.set_params({"steps": 4})
    for epoch, score in enumerate(scores):
        shown.on_epoch_begin(epoch)
        for batch in range(4):
            clock[0] += seconds / 4
            shown.on_train_batch_end(batch, {"loss": 0.1234})
        shown.on_epoch_end(epoch, {"loss": 0.1234, shown.metric: score})


def test_away_from_a_terminal_there_is_one_plain_line_for_each_epoch(clock):
    out = io.StringIO()
    shown = Progress("cnn (network 2 of 3)", "val_macro_f1", 8, out)
    epochs(shown, clock, 0.5, 0.9, 0.9154, 0.9116)
    assert out.getvalue().splitlines()[-2:] == [
        "cnn (network 2 of 3), epoch 3 of 8: loss 0.123, validation macro-F1 0.915 (the best), "
        "12 s, about 60 s left",
        "cnn (network 2 of 3), epoch 4 of 8: loss 0.123, validation macro-F1 0.912 "
        "(best 0.915 in epoch 3), 12 s, about 48 s left",
    ]
    assert len(out.getvalue().splitlines()) == 4


def test_a_terminal_shows_how_far_the_epoch_is_and_then_the_same_line(clock, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    out = Terminal()
    epochs(Progress("rnn", "val_loss", 1, out), clock, 0.0123, seconds=40)
    bar, line = out.getvalue().split(progress.CLEAR_LINE)[-2:]
    assert bar == "rnn, epoch 1 of 1: [========================] 4 of 4 batches, loss 0.123"
    assert line == "rnn, epoch 1 of 1: loss 0.123, validation loss 0.0123 (the best), 40 s\n"


def test_the_best_of_before_an_interruption_is_known(clock):
    out = io.StringIO()
    shown = Progress("cnn", "val_loss", 3, out)
    shown.replay([{"epoch": 1, "val_loss": 0.2}, {"epoch": 2, "val_loss": 0.3}])
    shown.on_epoch_begin(2)
    shown.on_epoch_end(2, {"loss": 0.5, "val_loss": 0.4})
    assert "validation loss 0.400 (best 0.200 in epoch 1)" in out.getvalue()


def test_a_failed_epoch_is_left_to_the_last_word(clock):
    out = io.StringIO()
    shown = Progress("cnn", "val_loss", 3, out)
    shown.on_epoch_end(0, {"loss": float("nan"), "val_loss": 0.4})
    assert out.getvalue() == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 s"), (9.96, "10 s"), (99, "99 s"), (150, "2 min"), (7800, "2 h 10 min")],
)
def test_durations_are_read_at_a_glance(seconds, words):
    assert duration(seconds) == words
