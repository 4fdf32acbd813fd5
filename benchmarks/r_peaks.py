"""How well are R peaks found, compared with XQRS and NeuroKit2 on the same recordings?

    python -m benchmarks.r_peaks [--database mitdb] [--no-noise] [--without XQRS NeuroKit2]

MIT-BIH: channel 0 of all 48 records from their first sample on, ventricular flutter of record 207
left out, as usual. Marks and peaks are paired one to one (ecg/scoring.py). With noise: baseline
wander and muscle noise of the Noise Stress Test Database at 12 and 6 dB, which is defined as
there. Our constants were tuned on the DS1 records and on the first half of the noise records; the
second half is used here.

LUDB was not used to tune them: lead II, and all twelve leads, between the first and the last beat
that is annotated. XQRS and NeuroKit2 read one lead.

The peers: pip install -r benchmarks/requirements-recordings.txt
"""

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

from benchmarks.neurokit import load as load_neurokit
from ecg.detect import r_peaks
from ecg.noise import NSTDB_LEADS, NSTDB_RECORDS, at_snr, qrs_power, unit_power
from ecg.record import read_adc, read_annotations, read_leads
from ecg.scoring import Matches, match, pool
from heartbeats import mitdb
from heartbeats.mitdb import CLASS_OF_SYMBOL
from utils.command_line import Parser
from utils.errors import InputError, exit_plainly
from utils.paths import data_folder

# All twelve leads of LUDB; beats are compared on the first.
LUDB_LEADS = ("ii", "i", "iii", "avr", "avl", "avf", "v1", "v2", "v3", "v4", "v5", "v6")
LUDB_RECORDS = [str(number) for number in range(1, 201)]
FLUTTER_BEGINS, FLUTTER_ENDS = "[", "]"
NOISE_SEED = 2024
WIDE_MS, NARROW_MS = 150, 50
NOISES = (("wander", 12), ("wander", 6), ("muscle", 12), ("muscle", 6))
PACED = [record for record in mitdb.RECORDS if record not in mitdb.DS1 + mitdb.DS2]
GROUPS = {"all": mitdb.RECORDS, "DS1": mitdb.DS1, "DS2": mitdb.DS2, "paced": PACED}
# (samples, leads) and samples per second -> (beats,) samples
Detector = Callable[[np.ndarray, float], np.ndarray]


# --- Recordings and their beats ------------------------------------------------------------------


@dataclass(frozen=True)
class Reference:
    """A recording and its beats.

    Attributes:
        name: of the record.
        signal_mv: (samples, leads) float64.
        sampling_hz: samples per second.
        r_peaks: (beats,) ascending samples, those that count.
        excluded: (segments, 2) first and last samples of what does not count.
    """

    name: str
    signal_mv: np.ndarray
    sampling_hz: float
    r_peaks: np.ndarray
    excluded: np.ndarray

    def counting(self, marks: np.ndarray) -> np.ndarray:
        """The marks outside of the excluded segments."""
        first, last = self.excluded.T
        inside = (marks[:, np.newaxis] >= first) & (marks[:, np.newaxis] <= last)
        return marks[~inside.any(axis=1)]


def read_mitdb(path: Path, leads: int = 1) -> Reference:
    """The MIT-BIH record at `path`: its first leads, ventricular flutter excluded."""
    names = [read_adc(path, channel).lead for channel in range(leads)]
    read = read_leads(path, names)
    marks = read_annotations(path, "atr")
    is_beat = np.array([symbol in CLASS_OF_SYMBOL for symbol in marks.symbols])
    flutter = np.column_stack(
        [marks.samples[marks.symbols == symbol] for symbol in (FLUTTER_BEGINS, FLUTTER_ENDS)]
    )
    whole = Reference(path.name, read.signal_mv, read.sampling_hz, marks.samples, flutter)
    return replace(whole, r_peaks=whole.counting(marks.samples[is_beat]))


def read_ludb(path: Path, leads: int = 1) -> Reference:
    """The LUDB record at `path`, lead II first; only what lies between annotated beats counts.

    The QRS complexes of each lead are annotated, but those at either end.
    """
    read = read_leads(path, LUDB_LEADS[:leads])
    marks = read_annotations(path, LUDB_LEADS[0])
    r_peaks = marks.samples[marks.symbols == "N"]
    slack = round(0.15 * read.sampling_hz)
    samples = len(read.signal_mv)
    ends = [(0, r_peaks[0] - slack - 1), (r_peaks[-1] + slack + 1, samples)]
    return Reference(path.name, read.signal_mv, read.sampling_hz, r_peaks, np.array(ends))


def at_rate(reference: Reference, sampling_hz: float) -> Reference:
    """The same recording as if it had been taken at another rate."""
    ratio = Fraction(sampling_hz / reference.sampling_hz).limit_denominator(1000)
    signal = resample_poly(
        reference.signal_mv, ratio.numerator, ratio.denominator, axis=0, padtype="line"
    )
    r_peaks = np.rint(reference.r_peaks * float(ratio)).astype(np.int64)
    excluded = np.rint(reference.excluded * float(ratio)).astype(np.int64)
    return Reference(reference.name, signal, sampling_hz, r_peaks, excluded)


def read_noise(folder: Path, kind: str) -> list[np.ndarray]:
    """The leads of a record of noise, 360 Hz: its second half, since the first is for tuning.

    Args:
        folder: holds the records of the MIT-BIH Noise Stress Test Database.
        kind: "muscle" or "wander".
    """
    path = folder / NSTDB_RECORDS[kind]
    if not path.with_suffix(".hea").is_file():
        raise InputError(
            f"{path}.hea is missing; fetch the noise records bw and ma of "
            "https://physionet.org/content/nstdb/ into it, or leave noise out with --no-noise"
        )
    leads = [read_adc(path, channel).adc for channel in range(NSTDB_LEADS)]
    return [lead[len(lead) // 2 :] for lead in leads]


def with_noise(
    reference: Reference, kind: str, leads: list[np.ndarray], snr_db: float
) -> Reference:
    """Noise added to the first lead, the same for all levels; it repeats where it is too short.

    0 dB: within one second the noise has the power of a sine whose height, from peak to peak, is
    that of the QRS complexes, as in the Noise Stress Test Database.
    """
    kinds = sorted(NSTDB_RECORDS)
    rng = np.random.default_rng([NOISE_SEED, kinds.index(kind), int(reference.name)])
    lead = leads[rng.integers(len(leads))]
    clean = reference.signal_mv[:, 0]
    samples = rng.integers(len(lead)) + np.arange(len(clean))
    noise = unit_power(np.take(lead, samples, mode="wrap").astype(float), reference.sampling_hz)
    power = qrs_power(clean, reference.r_peaks, reference.sampling_hz)
    noisy = at_snr(clean, noise, snr_db, power)
    return replace(reference, signal_mv=noisy[:, np.newaxis])


# --- Detectors -----------------------------------------------------------------------------------


def xqrs(signal_mv: np.ndarray, sampling_hz: float) -> np.ndarray:
    """The detector of wfdb, on the first lead."""
    from wfdb.processing import xqrs_detect

    found = xqrs_detect(signal_mv[:, 0], fs=sampling_hz, verbose=False)
    return np.asarray(found, np.int64)


def neurokit(signal_mv: np.ndarray, sampling_hz: float) -> np.ndarray:
    """NeuroKit2's default cleaning and detector, on the first lead."""
    neurokit2 = load_neurokit("--without NeuroKit2")
    rate = int(sampling_hz)
    clean = neurokit2.ecg_clean(signal_mv[:, 0], sampling_rate=rate)
    found = neurokit2.ecg_findpeaks(clean, sampling_rate=rate)["ECG_R_Peaks"]
    return np.asarray(found, np.int64)


DETECTORS: dict[str, Detector] = {"ours": r_peaks, "XQRS": xqrs, "NeuroKit2": neurokit}


# --- Scores and tables ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Score:
    """One detector on one recording: offsets of `wide` are in milliseconds."""

    wide: Matches
    narrow: Matches


def score(reference: Reference, found: np.ndarray) -> Score:
    """Compare peaks with the reference at both tolerances."""
    to_ms = 1000 / reference.sampling_hz
    truth, peaks = reference.r_peaks * to_ms, reference.counting(found) * to_ms
    return Score(match(truth, peaks, WIDE_MS), match(truth, peaks, NARROW_MS))


def row(scores: dict[str, Score]) -> str:
    """The figures of some recordings: pooled, the mean of their F1, and the worst of them."""
    wide = pool(one.wide for one in scores.values())
    narrow = pool(one.narrow for one in scores.values())
    mean_f1 = np.mean([one.wide.f1 for one in scores.values()])
    worst = sorted(scores, key=lambda name: scores[name].wide.f1)[:3]
    listed = " ".join(f"{name}:{100 * scores[name].wide.f1:.1f}" for name in worst)
    return (
        f"{len(scores):4d} {wide.truths:7,} {100 * wide.sensitivity:7.2f} {100 * wide.ppv:7.2f} "
        f"{100 * wide.f1:7.2f} {100 * mean_f1:7.2f} {100 * narrow.f1:8.2f} "
        f"{np.median(np.abs(wide.offsets)):7.1f}   {listed}"
    )


HEADER = (
    f"{'detector':<10} {'records':<7} {'n':>4} {'beats':>7} {'Se':>7} {'PPV':>7} {'F1':>7} "
    f"{'mean F1':>7} {'F1@50ms':>8} {'|ms|':>7}   worst by F1"
)


def print_table(
    title: str,
    references: Callable[[], Iterator[Reference]],
    detectors: dict[str, Detector],
    groups: dict[str, list[str]],
) -> None:
    """Run all detectors on all references; one line for each detector and group."""
    print(f"\n{title}\n{HEADER}", flush=True)
    scores: dict[str, dict[str, Score]] = {name: {} for name in detectors}
    seconds = dict.fromkeys(detectors, 0.0)
    for reference in references():
        for name, detect in detectors.items():
            started = time.perf_counter()
            found = detect(reference.signal_mv, reference.sampling_hz)
            seconds[name] += time.perf_counter() - started
            scores[name][reference.name] = score(reference, found)
    for name, of_records in scores.items():
        for group, members in groups.items():
            wanted = {record: one for record, one in of_records.items() if record in members}
            if wanted:
                print(f"{name:<10} {group:<7} {row(wanted)}", flush=True)
    print("seconds: " + ", ".join(f"{name} {spent:.1f}" for name, spent in seconds.items()))


def tables_of_mitdb(args: argparse.Namespace, detectors: dict[str, Detector]) -> None:
    """The records as they are, and with each noise."""
    folder = mitdb.find_folder(data_folder())
    if folder is None:
        raise InputError("no MIT-BIH records; fetch them: `python -m heartbeats.download mitdb`")
    wanted = args.records or mitdb.RECORDS

    def clean(leads: int = 1) -> Iterator[Reference]:
        for record in wanted:
            yield _at_wanted_rate(read_mitdb(folder / record, leads), args)

    def noisy(kind: str, snr_db: float) -> Iterator[Reference]:
        leads = read_noise(data_folder() / "nstdb", kind)
        for record in wanted:
            reference = with_noise(read_mitdb(folder / record), kind, leads, snr_db)
            yield _at_wanted_rate(reference, args)

    print_table("MIT-BIH, channel 0", clean, detectors, GROUPS)
    ours = {"ours": detectors["ours"]} if "ours" in detectors else {}
    print_table("MIT-BIH, both channels", partial(clean, 2), ours, GROUPS)
    for kind, snr_db in NOISES if args.noise else ():
        print_table(
            f"MIT-BIH, channel 0 with {kind} at {snr_db} dB",
            partial(noisy, kind, snr_db),
            detectors,
            GROUPS,
        )


def tables_of_ludb(args: argparse.Namespace, detectors: dict[str, Detector]) -> None:
    """Lead II, and all leads together."""
    folder = data_folder() / "ludb" / "data"
    if not folder.is_dir():
        raise InputError(f"{folder} is missing: https://physionet.org/content/ludb/ goes there")

    def references(leads: int) -> Iterator[Reference]:
        for record in args.records or LUDB_RECORDS:
            yield _at_wanted_rate(read_ludb(folder / record, leads), args)

    groups = {"all": LUDB_RECORDS}
    print_table("LUDB, lead II", partial(references, 1), detectors, groups)
    ours = {"ours": detectors["ours"]} if "ours" in detectors else {}
    print_table("LUDB, all leads", partial(references, len(LUDB_LEADS)), ours, groups)


def _at_wanted_rate(reference: Reference, args: argparse.Namespace) -> Reference:
    rate = args.sampling_hz
    return reference if rate is None else at_rate(reference, rate)


TABLES = {"mitdb": tables_of_mitdb, "ludb": tables_of_ludb}


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Print the tables; the exit status."""
    parser = Parser(__doc__)
    parser.add_argument("--database", choices=sorted(TABLES), default="mitdb")
    parser.add_argument("--without", nargs="+", choices=sorted(DETECTORS), default=[])
    parser.add_argument("--noise", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--sampling-hz", type=float, help="resample all recordings to this rate")
    parser.add_argument("--records", nargs="+", help="only these")
    args = parser.parse_args(argv)
    warnings.simplefilter("ignore")  # the peers warn in each recording
    detectors = {name: run for name, run in DETECTORS.items() if name not in args.without}
    TABLES[args.database](args, detectors)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
