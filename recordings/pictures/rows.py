"""A recording laid out in rows of equal length, one below another, on one page or several."""

from dataclasses import dataclass

import numpy as np

# Up to so many seconds of recording, rows of so many seconds.
ROW_LENGTHS_S = ((5, 5), (120, 10), (600, 30), (3600, 60), (6 * 3600, 300), (np.inf, 600))
MOST_ROWS_OF_ONE_PAGE, ROWS_A_PAGE = 72, 36
# Up to so many rows, inches for each.
ROW_INCHES = ((1, 1.5), (4, 0.9), (12, 0.62), (np.inf, 0.4))
# Above a row's trace, as a share of it.
LETTER_ROOM = 0.25


@dataclass(frozen=True)
class Rows:
    """How a recording, or a page of it, is laid out: rows of equal length, one below another."""

    length_s: float
    low_mv: float
    high_mv: float
    first: int
    count: int

    @property
    def start_s(self) -> float:
        return self.first * self.length_s

    @property
    def end_s(self) -> float:
        return (self.first + self.count) * self.length_s

    @property
    def height_mv(self) -> float:
        """From one row to the next, with room for letters above the trace."""
        return (1 + LETTER_ROOM) * (self.high_mv - self.low_mv)

    def of(self, times_s: np.ndarray) -> np.ndarray:
        return np.floor(times_s / self.length_s).astype(int)

    def zero_mv(self, row):
        """Where on the y axis a row has its 0 mV."""
        return -(row - self.first) * self.height_mv

    @property
    def row_inches(self) -> float:
        return next(inches for most, inches in ROW_INCHES if self.count <= most)

    def reached(self, start_s: float, end_s: float) -> range:
        """The page's rows that a span of time reaches into."""
        last = min(int(np.ceil(end_s / self.length_s)), self.first + self.count)
        return range(max(int(start_s // self.length_s), self.first), last)

    def box(self, row: int, start_s: float, end_s: float) -> list[tuple[float, float]]:
        """The corners of the part of a span of time that lies in a row."""
        left = max(start_s - row * self.length_s, 0)
        right = min(end_s - row * self.length_s, self.length_s)
        low, high = self.zero_mv(row) + self.low_mv, self.zero_mv(row) + self.high_mv
        return [(left, low), (right, low), (right, high), (left, high)]


def lay_out(duration_s: float, low_mv: float, high_mv: float) -> list[Rows]:
    """The pages of a recording: short ones have short rows, so that each beat has room.

    Args:
        duration_s: of the recording.
        low_mv, high_mv: what each row shows.
    """
    length_s = next(length for most, length in ROW_LENGTHS_S if duration_s <= most)
    total = max(int(np.ceil(duration_s / length_s - 1e-9)), 1)
    a_page = total if total <= MOST_ROWS_OF_ONE_PAGE else ROWS_A_PAGE
    return [
        Rows(length_s, low_mv, high_mv, first, min(a_page, total - first))
        for first in range(0, total, a_page)
    ]
