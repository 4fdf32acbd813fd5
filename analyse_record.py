"""A recording analysed: beats, waves, kinds of beats, rhythm; or all recordings of a folder.

    python analyse_record.py data/mitdb/203             # WFDB record: tables, pictures, summary
    python analyse_record.py data/mitdb/203 --html      # and one self-contained page
    python analyse_record.py data/mitdb/203 --annotate  # and WFDB annotations
    python analyse_record.py night.edf --lead II
    python analyse_record.py strip.csv --sampling-hz 250 --units mV
    python analyse_record.py --database data/mitdb      # all of them, and who stands out

Results go to runs/recordings/. A database that was cut off goes on where it stopped.
"""

import argparse
import os
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ecg.reading import read_recording
from ecg.rhythm import DEFAULTS, RhythmSettings
from models import checkpoints
from models.checkpoints import Checkpoint
from recordings import classify, database, database_page, patients, results, terminal
from recordings.analysis import analyse
from utils.console import new_console
from utils.errors import exit_plainly
from utils.paths import runs_folder, shown


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Analyse what was asked for and tell it; the exit status."""
    asked = _parse(argv)
    checkpoint = (
        checkpoints.read(asked.checkpoint) if asked.checkpoint else classify.best_checkpoint()
    )
    console = new_console()
    if asked.database:
        return analyse_database(asked, checkpoint, console)
    analyse_one(asked, checkpoint, console)
    return 0


def analyse_one(asked: argparse.Namespace, checkpoint: Checkpoint, console: Console) -> None:
    """Analyse one recording, write its files, and tell the main figures."""
    recording = read_recording(asked.record, sampling_hz=asked.sampling_hz, units=asked.units)
    analysis = analyse(
        recording, classify.load(checkpoint), lead=asked.lead, settings=_rhythm(asked)
    )
    folder = asked.to or runs_folder() / "recordings" / recording.name
    files = results.write(
        folder,
        recording,
        analysis,
        pictures=asked.pictures,
        html=asked.html,
        annotate=asked.annotate,
    )
    console.print(terminal.summary_table(analysis))
    for note in analysis.notes:
        console.print(Text(f"note: {note}", "yellow"), soft_wrap=True)
    for name in (results.PAGE, "strip.png", "beats.csv"):
        if folder / name in files:
            print(f"see {shown(folder / name)}; {len(files)} files in {shown(folder)}")
            break


def analyse_database(asked: argparse.Namespace, checkpoint: Checkpoint, console: Console) -> int:
    """Analyse all recordings of a folder, rank them, and tell who stands out.

    Returns:
        1 where not one recording could be analysed.
    """
    paths = database.find(asked.database)
    name = asked.database.resolve().name
    folder = asked.to or runs_folder() / "recordings" / name
    job = database.Job(
        checkpoint.path,
        asked.lead,
        _rhythm(asked),
        asked.html,
        asked.annotate,
        asked.pictures,
    )
    workers = asked.jobs or os.cpu_count() or 1
    running = database.run(paths, asked.database, folder, job, workers)
    outcomes = list(terminal.watched(running, len(paths), console))
    table = patients.table([one.row for one in outcomes])
    files = database_page.write(folder, name, table, linked=asked.html)
    console.print(terminal.patients_table(table))
    resumed = sum(one.resumed for one in outcomes)
    if resumed:
        print(f"{resumed} of {len(paths)} recordings had been analysed before")
    print("see " + ", ".join(shown(path) for path in files))
    return 1 if table["error"].astype(bool).all() else 0


def _rhythm(asked: argparse.Namespace) -> RhythmSettings:
    return RhythmSettings(window_beats=asked.window_beats, threshold=asked.irregular_from)


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "record", nargs="?", type=Path, help="a WFDB record, an EDF file, or a CSV file"
    )
    what.add_argument(
        "--database", type=Path, metavar="FOLDER", help="analyse all recordings below it"
    )
    parser.add_argument("--lead", default="", help="lead to measure; default: II, else the first")
    parser.add_argument(
        "--sampling-hz", type=float, metavar="HZ", help="samples per second of a CSV file"
    )
    parser.add_argument("--units", help="of a CSV file: mV, uV or V")
    parser.add_argument(
        "--window-beats",
        type=int,
        default=DEFAULTS.window_beats,
        metavar="N",
        help="RR intervals in a window of the rhythm; default: %(default)s",
    )
    parser.add_argument(
        "--irregular-from",
        type=float,
        default=DEFAULTS.threshold,
        metavar="X",
        help="irregularity, 0 to 1, from which a beat is irregular; default: %(default)s",
    )
    parser.add_argument(
        "--checkpoint", type=Path, metavar="JSON", help="classifier; default: the best CNN"
    )
    parser.add_argument("--html", action="store_true", help="write one self-contained page")
    parser.add_argument("--annotate", action="store_true", help="write WFDB annotations")
    parser.add_argument(
        "--no-pictures", dest="pictures", action="store_false", help="write no PNG files"
    )
    parser.add_argument(
        "--jobs",
        type=positive_number,
        metavar="N",
        help="processes of --database; default: all cores",
    )
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="where the results go")
    asked = parser.parse_args(argv)
    if asked.database and (asked.sampling_hz or asked.units):
        parser.error("--sampling-hz and --units belong to a CSV file, not to --database")
    return asked


def positive_number(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"at least 1 expected, got {text}")
    return value


if __name__ == "__main__":
    raise SystemExit(main())
