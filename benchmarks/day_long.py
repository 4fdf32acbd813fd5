"""How long do 24 hours of one lead take, from the signal to wave marks, on one core?

    python -m benchmarks.day_long [--without XQRS NeuroKit2] [--peer-hours 2]

The day is channel 0 of all 48 MIT-BIH records, one after the other, at 360 Hz. Each contender runs
in a process of its own, bound to one core, whose largest memory is read at its end; the signal is
in memory before the clock starts. Ours finds R peaks and delineates P, QRS and T. XQRS finds R
peaks only. NeuroKit2 cleans, finds R peaks and delineates by its "dwt". The peers get the first
hours of the same day, and their time is scaled to 24 hours. "24 h" is by the clock on the wall;
"24 h, core" is what the core spent on it, which other programs on the machine do not lengthen.

The peers: pip install -r benchmarks/requirements-recordings.txt
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable

import numpy as np

from benchmarks.neurokit import load as load_neurokit
from ecg.record import read_adc
from heartbeats import mitdb
from utils.command_line import Parser
from utils.errors import InputError, exit_plainly
from utils.paths import data_folder

DAY_HOURS, HOURS_OF_RECORD = 24.0, 0.5
ADC_PER_MV = 200.0
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
GOAL_S, GOAL_MB = 60, 1000

# (samples,) and samples per second -> what was done, and how long each part of it took
Contender = Callable[[np.ndarray, float], dict[str, float]]


def ours(signal_mv: np.ndarray, sampling_hz: float) -> dict[str, float]:
    """R peaks, then the waves of all beats."""
    from ecg.delineate import waves
    from ecg.detect import r_peaks

    started = time.perf_counter()
    beats = r_peaks(signal_mv, sampling_hz)
    detected = time.perf_counter()
    waves(signal_mv, sampling_hz, beats)
    done = time.perf_counter()
    return {"beats": len(beats), "detection": detected - started, "waves": done - detected}


def xqrs(signal_mv: np.ndarray, sampling_hz: float) -> dict[str, float]:
    """R peaks."""
    from wfdb.processing import xqrs_detect

    started = time.perf_counter()
    beats = xqrs_detect(signal_mv.astype(float), fs=sampling_hz, verbose=False)
    return {"beats": len(beats), "detection": time.perf_counter() - started}


def neurokit(signal_mv: np.ndarray, sampling_hz: float) -> dict[str, float]:
    """Cleaning and R peaks, then the waves of all beats."""
    neurokit2 = load_neurokit("--without NeuroKit2")
    warnings.simplefilter("ignore")
    rate, started = int(sampling_hz), time.perf_counter()
    clean = neurokit2.ecg_clean(signal_mv.astype(float), sampling_rate=rate)
    beats = neurokit2.ecg_findpeaks(clean, sampling_rate=rate)["ECG_R_Peaks"]
    detected = time.perf_counter()
    neurokit2.ecg_delineate(clean, beats, sampling_rate=rate, method="dwt")
    done = time.perf_counter()
    return {"beats": len(beats), "detection": detected - started, "waves": done - detected}


CONTENDERS: dict[str, Contender] = {"ours": ours, "XQRS": xqrs, "NeuroKit2": neurokit}


def day(hours: float) -> np.ndarray:
    """(samples,) float32 millivolts at 360 Hz."""
    folder = mitdb.find_folder(data_folder())
    if folder is None:
        raise InputError("no MIT-BIH records; fetch them: `python -m heartbeats.download mitdb`")
    records = mitdb.RECORDS[: max(1, round(hours / HOURS_OF_RECORD))]
    parts = [
        ((read_adc(folder / record, 0).adc - mitdb.ADC_ZERO) / ADC_PER_MV).astype(np.float32)
        for record in records
    ]
    return np.concatenate(parts)


def run_here(name: str, hours: float) -> dict[str, float]:
    """Run a contender in this process, bound to one core where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
    signal_mv = day(hours)
    before_s = time.process_time()
    done = CONTENDERS[name](signal_mv, float(mitdb.RECORD_HZ))
    core_s = time.process_time() - before_s
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    mb = largest / (1e6 if sys.platform == "darwin" else 1e3)
    hours = len(signal_mv) / mitdb.RECORD_HZ / 3600
    return {**done, "core": core_s, "hours": hours, "mb": mb}


def run_apart(name: str, hours: float) -> dict[str, float]:
    """Run a contender in a new process; what it prints last is its result."""
    command = [sys.executable, "-m", "benchmarks.day_long", "--only", name, "--hours", str(hours)]
    environment = {**os.environ, **ONE_THREAD}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise InputError(f"{name} failed; its output is above")
    return json.loads(done.stdout.splitlines()[-1])


def print_table(results: dict[str, dict[str, float]]) -> None:
    """One line for each contender; ours comes first."""
    print(
        f"{'':<10} {'hours':>6} {'beats':>8} {'R peaks':>9} {'waves':>9} {'24 h':>9} "
        f"{'24 h, core':>10} {'MB':>6}"
    )
    ours_s = _core_seconds_a_day(results["ours"])
    for name, one in results.items():
        waves = f"{one['waves']:8.1f}s" if "waves" in one else f"{'-':>9}"
        a_day_s = (one["detection"] + one.get("waves", 0)) * DAY_HOURS / one["hours"]
        core_s = _core_seconds_a_day(one)
        print(
            f"{name:<10} {one['hours']:6.2f} {one['beats']:8,.0f} {one['detection']:8.1f}s {waves}"
            f" {a_day_s:8.1f}s {core_s:9.1f}s {one['mb']:6.0f}   {core_s / ours_s:.1f} x ours"
        )
    print(f"(goal: 24 h in under {GOAL_S} s and {GOAL_MB} MB)")


def _core_seconds_a_day(result: dict[str, float]) -> float:
    return result["core"] * DAY_HOURS / result["hours"]


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Print the table; the exit status."""
    parser = Parser(__doc__)
    parser.add_argument("--without", nargs="+", choices=["XQRS", "NeuroKit2"], default=[])
    parser.add_argument("--hours", type=float, default=DAY_HOURS, help="of the day, for ours")
    parser.add_argument("--peer-hours", type=float, default=2.0, help="for the peers")
    parser.add_argument("--only", choices=sorted(CONTENDERS), help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.only:
        print(json.dumps(run_here(args.only, args.hours)))
        return 0
    results = {
        name: run_apart(name, args.hours if name == "ours" else args.peer_hours)
        for name in CONTENDERS
        if name not in args.without
    }
    print_table(results)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
