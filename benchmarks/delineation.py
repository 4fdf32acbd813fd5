"""How near to the annotators' marks are ours, and NeuroKit2's, on LUDB?

    OMP_NUM_THREADS=1 python -m benchmarks.delineation [--records 1-200] [--without-neurokit]

Both are given the R peaks that `ecg.detect` finds in the lead. A mark is found where one lies
within 150 ms of the annotators'; each has at most one partner. The annotators left the ends of
the recordings alone, so what is found counts as wrong only between a lead's first and last mark.

"Lead II" is scored against the marks of lead II. For "nearest lead", as in Martinez JP et al., A
wavelet-based ECG delineator, IEEE Trans Biomed Eng 51(4):570-581 (2004), each wave marked in lead
II is looked up in all twelve, each lead against its own marks, and the least error of each mark
counts: it says what a perfect choice of leads would give. "Cleanest lead" is chosen once per
record by the signal alone, before anything is compared: where the beats, QRS left out, are most
alike.

Our network's weights were fitted on the odd records: the even ones are the test. The limit is
twice the standard deviation that the CSE working party tolerates (Eur Heart J 6:815-825, 1985).
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
from rich.progress import track
from rich.table import Table

from benchmarks.delineation_scores import Tally, likeness, score_lead, score_nearest
from benchmarks.neurokit import load as load_neurokit
from ecg.delineate import Waves, waves
from ecg.detect import r_peaks
from ecg.files import ludb
from ecg.scoring import Matches, pool
from utils.console import new_console
from utils.errors import InputError, exit_plainly
from utils.paths import data_folder

NAMES = [f"{wave} {part}" for wave in ("P", "QRS", "T") for part in ("onset", "peak", "end")]
# Twice what the CSE working party tolerates, ms.
LIMIT_SD_MS = {0: 20.4, 2: 25.4, 3: 13.0, 5: 23.2, 8: 61.2}
Delineator = Callable[[np.ndarray, float, np.ndarray], Waves]


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", default="1-200", help="such as 1-20,34,100-110")
    parser.add_argument("--without-neurokit", action="store_true")
    asked = parser.parse_args(argv)
    ways = _ways(asked.without_neurokit)
    tallies = {name: Tally() for name in ways}
    for record in track(_numbers(asked.records), description="LUDB"):
        _score_record(record, ways, tallies)
    console = new_console(130)
    for half, wanted in (("even records (test)", (0,)), ("all records", (0, 1))):
        for scope in ("lead II", "nearest lead", "cleanest lead"):
            console.print(_table(f"{scope}, {half}", scope, wanted, tallies))
    times = ", ".join(f"{name} {tally.seconds:.1f} s" for name, tally in tallies.items())
    console.print(f"Time for all twelve leads: {times}")
    if len(tallies) == 2:
        ours, theirs = (tally.seconds for tally in tallies.values())
        console.print(f"NeuroKit2 takes {theirs / ours:.0f} times as long.")
    return 0


def _ways(without_neurokit: bool) -> dict[str, Delineator]:
    if without_neurokit:
        return {"ours": waves}
    neurokit2 = load_neurokit("--without-neurokit")

    def neurokit(signal_mv: np.ndarray, sampling_hz: float, peaks: np.ndarray) -> Waves:
        rate = int(sampling_hz)
        clean = neurokit2.ecg_clean(signal_mv, sampling_rate=rate)
        found = neurokit2.ecg_delineate(clean, peaks, sampling_rate=rate, method="dwt")[1]
        return _from_neurokit(found, peaks)

    return {"ours": waves, "NeuroKit2 dwt": neurokit}


def _from_neurokit(found: dict[str, list], peaks: np.ndarray) -> Waves:
    """Its lists as columns of marks; they need not be of one length, nor belong together."""
    kinds = ("Onsets", "Peaks", "Offsets")
    p, qrs, t = ([found.get(f"ECG_{wave}_{kind}", peaks) for kind in kinds] for wave in "PRT")
    return Waves(*(_columns(wave) for wave in (p, [qrs[0], peaks, qrs[2]], t)))


def _columns(lists: list) -> np.ndarray:
    marks = np.full((max(map(len, lists)), 3), -1, np.int64)
    for column, values in enumerate(lists):
        numbers = np.array(values, np.float64)
        marks[: len(numbers), column] = np.where(np.isfinite(numbers), numbers, -1)
    return marks


def _numbers(text: str) -> list[int]:
    try:
        parts = [[int(end) for end in part.split("-")] for part in text.split(",")]
    except ValueError as error:
        raise InputError(f"--records: numbers such as 1-20,34 expected, got {text!r}") from error
    chosen = sorted({record for part in parts for record in range(part[0], part[-1] + 1)})
    if not set(chosen) <= set(ludb.RECORDS):
        raise InputError(f"--records: 1 to 200 expected, got {text!r}")
    return chosen


def _score_record(record: int, ways: dict[str, Delineator], tallies: dict[str, Tally]) -> None:
    leads = ludb.load(data_folder(), record)
    peaks = {name: r_peaks(lead.signal_mv, ludb.SAMPLING_HZ) for name, lead in leads.items()}
    cleanest = max(leads, key=lambda name: likeness(leads[name].signal_mv, peaks[name]))
    for way, mark in ways.items():
        tally, found = tallies[way], {}
        for name, lead in leads.items():
            begin = time.perf_counter()
            found[name] = mark(lead.signal_mv, ludb.SAMPLING_HZ, peaks[name])
            tally.seconds += time.perf_counter() - begin
        tally.add("lead II", record, score_lead(leads["ii"], found["ii"]))
        tally.add("cleanest lead", record, score_lead(leads[cleanest], found[cleanest]))
        tally.add("nearest lead", record, score_nearest(leads, found))


def _table(title: str, scope: str, wanted: tuple[int, ...], tallies: dict[str, Tally]) -> Table:
    table = Table(title=title)
    for header in ("mark", "marked", *_headers(tallies), "limit SD"):
        table.add_column(header, justify="left" if header == "mark" else "right")
    for mark, name in enumerate(NAMES):
        pooled = [_pooled(tally, scope, wanted, mark) for tally in tallies.values()]
        limit = f"{LIMIT_SD_MS[mark]:.1f}" if mark in LIMIT_SD_MS else "-"
        cells = [cell for score in pooled for cell in _cells(score)]
        table.add_row(name, str(pooled[0].truths), *cells, limit)
    return table


def _headers(tallies: dict[str, Tally]) -> list[str]:
    return [
        f"{way}\n{column}" for way in tallies for column in ("Se %", "PPV %", "mean ms", "SD ms")
    ]


def _pooled(tally: Tally, scope: str, wanted: tuple[int, ...], mark: int) -> Matches:
    records = tally.by_scope.get(scope, {})
    return pool(matches[mark] for record, matches in records.items() if record % 2 in wanted)


def _cells(score: Matches) -> list[str]:
    if not score.pairs:
        return ["-"] * 4
    errors_ms = score.offsets * 1000 / ludb.SAMPLING_HZ
    ppv = f"{100 * score.ppv:.2f}" if score.founds else "-"
    mean, deviation = f"{errors_ms.mean():+.1f}", f"{errors_ms.std():.1f}"
    return [f"{100 * score.sensitivity:.2f}", ppv, mean, deviation]


if __name__ == "__main__":
    raise SystemExit(main())
