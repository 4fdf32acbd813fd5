import os

import pytest

from utils.quiet import without_lines


def test_lines_that_begin_so_are_dropped_and_the_rest_is_shown(capfd):
    with without_lines("I0000", "WARNING: All"):
        os.write(2, b"I0000 note\nWARNING: All of it\nE0000 error\n")
    os.write(2, b"I0000 later\n")
    assert capfd.readouterr().err == "E0000 error\nI0000 later\n"


def test_an_exception_shows_everything(capfd):
    with pytest.raises(ImportError), without_lines("I0000"):
        os.write(2, b"I0000 note\n")
        raise ImportError
    assert capfd.readouterr().err == "I0000 note\n"
