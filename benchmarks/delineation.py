"""How close to the annotators' marks are ours, and NeuroKit2's, on LUDB?

    OMP_NUM_THREADS=1 python -m benchmarks.delineation [--records 1-200] [--without-neurokit]

Both are given the R peaks that `ecg.detect` finds in the lead. A mark is found where one lies
within 150 ms of the annotators'; each has at most one partner. The annotators left out the ends of
the recordings, so what is found counts as wrong only between a lead's first and last mark.

"Lead II" is scored against the marks of lead II. For "nearest lead", as in Martinez JP et al., A
wavelet-based ECG delineator, IEEE Trans Biomed Eng 51(4):570-581 (2004), each wave marked in lead
II is looked up in all twelve, each lead against its own marks, and the least error of each mark
counts: it says what a perfect choice of leads would give. "Cleanest lead" is chosen once per
record by the signal alone, before anything is compared: where the beats, QRS left out, are most
alike.

Our network's weights were fitted on the odd records: the even ones are the test. The limit is
twice the standard deviation that the CSE working party tolerates (Eur Heart J 6:815-825, 1985).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from rich.progress import track
from rich.table import Table

from benchmarks.neurokit import load as load_neurokit
from ecg.delineate import Waves, waves
from ecg.detect import r_peaks
from ecg.files import ludb
from ecg.scoring import Matches, match, pool
from utils.command_line import Parser
from utils.console import new_console
from utils.errors import InputError, exit_plainly
from utils.paths import data_folder

TOLERANCE = 0.15 * ludb.SAMPLING_HZ
WAVES = ("p", "qrs", "t")
MARKS = tuple((wave, part) for wave in range(3) for part in range(3))
# Around the R peak, s: where P and T are, for the choice of the cleanest lead.
WITHOUT_QRS_S = ((-0.25, -0.06), (0.1, 0.4))


NAMES = [f"{wave} {part}" for wave in ("P", "QRS", "T") for part in ("onset", "peak", "end")]
# Twice what the CSE working party tolerates, ms.
LIMIT_SD_MS = {0: 20.4, 2: 25.4, 3: 13.0, 5: 23.2, 8: 61.2}
Delineator = Callable[[np.ndarray, float, np.ndarray], Waves]


# --- Scores --------------------------------------------------------------------------------------


@dataclass
class Tally:
    """Scores of one way to mark waves: per scope of leads, the matches of each mark by record."""

    by_scope: dict[str, dict[int, list[Matches]]] = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, scope: str, record: int, matches: list[Matches]) -> None:
        """Keep what was found of one record."""
        self.by_scope.setdefault(scope, {})[record] = matches


def likeness(signal_mv: np.ndarray, peaks: np.ndarray) -> float:
    """Power of the mean beat over that of what differs from it, without the QRS."""
    columns = np.concatenate(
        [
            np.arange(*np.rint(np.array(ends) * ludb.SAMPLING_HZ).astype(int))
            for ends in WITHOUT_QRS_S
        ]
    )
    samples = peaks[:, None] + columns
    inside = (samples.min(axis=1) >= 0) & (samples.max(axis=1) < len(signal_mv))
    if inside.sum() < 2:
        return 0.0
    beats = signal_mv[samples[inside]]
    beats = beats - beats.mean(axis=1, keepdims=True)
    mean = np.median(beats, axis=0)
    return float(np.mean(mean**2) / (np.mean((beats - mean) ** 2) + 1e-9))


def score_lead(truth: ludb.MarkedLead, found: Waves) -> list[Matches]:
    """Each of the nine marks against those of the same lead."""
    marked = np.concatenate([getattr(truth, wave).ravel() for wave in WAVES])
    marked = marked[marked >= 0]
    scope = (marked.min(), marked.max()) if len(marked) else (0, -1)
    return [_score_mark(*_pair(truth, found, mark), scope) for mark in MARKS]


def _pair(
    truth: ludb.MarkedLead, found: Waves, mark: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    wave, part = mark
    columns = (getattr(marks, WAVES[wave])[:, part] for marks in (truth, found))
    true, ours = (np.sort(column[column >= 0]) for column in columns)
    return true, ours


def _score_mark(truth: np.ndarray, found: np.ndarray, scope: tuple[int, int]) -> Matches:
    matches = match(truth, found, TOLERANCE)
    invented = found[matches.invented]
    outside = np.sum((invented < scope[0]) | (invented > scope[1]))
    return Matches(
        matches.truth,
        matches.found,
        matches.offsets,
        matches.truths,
        matches.founds - int(outside),
    )


def score_nearest(leads: dict[str, ludb.MarkedLead], found: dict[str, Waves]) -> list[Matches]:
    """For each wave marked in lead II, the least error of each mark over all leads."""
    scores = []
    for wave, part in MARKS:
        waves_of_ii = getattr(leads["ii"], WAVES[wave])
        waves_of_ii = waves_of_ii[waves_of_ii[:, part] >= 0]
        offsets = np.stack(
            [
                _offsets(waves_of_ii[:, 1], lead, found[name], wave, part)
                for name, lead in leads.items()
            ]
        )
        best = np.where(np.isfinite(offsets), np.abs(offsets), np.inf).argmin(axis=0)
        least = offsets[best, np.arange(len(waves_of_ii))]
        hit = np.flatnonzero(np.isfinite(least))
        # What is invented belongs to a lead, so there is no PPV of the nearest one.
        scores.append(Matches(hit, hit, least[hit], len(waves_of_ii), 0))
    return scores


def _offsets(
    peaks: np.ndarray, lead: ludb.MarkedLead, found: Waves, wave: int, part: int
) -> np.ndarray:
    """(waves,) found minus true in this lead, of those waves near the peaks; NaN where missed."""
    offsets = np.full(len(peaks), np.nan)
    marked = getattr(lead, WAVES[wave])
    marked = marked[marked[:, part] >= 0]
    true, ours = _pair(lead, found, (wave, part))
    hits = match(true, ours, TOLERANCE)
    of_marked = np.full(len(marked), np.nan)
    of_marked[hits.truth] = hits.offsets
    same = match(peaks, marked[:, 1], TOLERANCE)
    offsets[same.truth] = of_marked[same.found]
    return offsets


# --- Program and tables --------------------------------------------------------------------------


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Print the tables."""
    parser = Parser(__doc__)
    parser.add_argument("--records", default="1-200", help="such as 1-20,34,100-110")
    parser.add_argument("--without-neurokit", action="store_true")
    args = parser.parse_args(argv)
    ways = _ways(args.without_neurokit)
    tallies = {name: Tally() for name in ways}
    for record in track(_numbers(args.records), description="LUDB"):
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
