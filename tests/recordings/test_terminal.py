"""What the terminal shows of recordings, whatever stands in files' texts."""

import io

import pytest
from rich.console import Console

from recordings import patients, terminal
from recordings.database import Outcome

ERROR = "its channels: RESP [NU], II [mV]; pass --units"


@pytest.mark.parametrize("is_terminal", [False, True])
def test_units_in_brackets_are_no_markup(is_terminal):
    screen = io.StringIO()
    console = Console(file=screen, width=120, force_terminal=is_terminal)
    outcome = Outcome("one", patients.failed("one", ERROR))
    assert list(terminal.watched([outcome], 1, console)) == [outcome]
    console.print(terminal.patients_table(patients.table([outcome.row])))
    assert screen.getvalue().count("[NU]") == 2
    assert "1 could not be analysed" in screen.getvalue()
