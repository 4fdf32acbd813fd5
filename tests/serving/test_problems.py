"""Which status an error gets, and what is told of it."""

import errno

import pytest

from heartbeats.csv_beats.beats_file import TooManyBeats
from serving.model_store import UnknownModel
from serving.problems import status_and_detail
from serving.records import Busy
from serving.settings import TooLarge, UnsupportedUpload
from utils.errors import InputError


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UnknownModel("a"), 404),
        (TooLarge("a"), 413),
        (TooManyBeats("a"), 413),
        (UnsupportedUpload("a"), 415),
        (InputError("a"), 422),
        (Busy("a"), 503),
    ],
)
def test_what_a_sender_can_mend_is_told_as_it_is(error, status):
    assert status_and_detail(error) == (status, "a")


def test_a_full_disk_is_told_without_its_paths():
    status, sentence = status_and_detail(
        OSError(errno.ENOSPC, "No space left on device", "/tmp/secret")
    )
    assert status == 507
    assert "No space left" in sentence and "TMPDIR" in sentence and "secret" not in sentence


@pytest.mark.parametrize("error", [KeyError("secret"), OSError(errno.EIO, "secret")])
def test_what_nobody_foresaw_is_not_told(error):
    status, sentence = status_and_detail(error)
    assert status == 500 and "secret" not in sentence
