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
from typing import TYPE_CHECKING

from utils.command_line import Parser, existing_file, positive
from utils.errors import exit_plainly
from utils.paths import runs_folder, shown

if TYPE_CHECKING:
    from ecg.recording import Recording
    from ecg.rhythm import RhythmSettings
    from models.checkpoints import Checkpoint

# Those of `ecg.rhythm.DEFAULTS`, which needs NumPy, and the help should not; a test compares.
WINDOW_BEATS, IRREGULAR_FROM = 16, 0.5


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Analyse what was asked for and print the main figures; the exit status."""
    asked = _parse(argv)
    from ecg.reading import find_recordings, read_recording

    # Before the network is loaded, so that what cannot be read is refused at once.
    if asked.database:
        return analyse_database(asked, find_recordings(asked.database))
    recording = read_recording(asked.record, sampling_hz=asked.sampling_hz, units=asked.units)
    analyse_one(asked, recording)
    return 0


def analyse_one(asked: argparse.Namespace, recording: "Recording") -> None:
    """Analyse one recording, write its files, and print the main figures."""
    from rich.text import Text

    from recordings import classify, results, terminal
    from recordings.analysis import analyse
    from utils.console import new_console

    rhythm = _rhythm(asked)
    classifier = classify.load(_checkpoint(asked))
    analysis = analyse(recording, classifier, lead=asked.lead, settings=rhythm)
    folder = asked.to or runs_folder() / "recordings" / recording.name
    files = results.write(
        folder,
        recording,
        analysis,
        pictures=asked.pictures,
        html=asked.html,
        annotate=asked.annotate,
    )
    console = new_console()
    console.print(terminal.summary_table(analysis))
    for note in analysis.notes:
        console.print(Text(f"note: {note}", "yellow"), soft_wrap=True)
    for name in (results.PAGE, "strip.png", "beats.csv"):
        if folder / name in files:
            print(f"see {shown(folder / name)}; {len(files)} files in {shown(folder)}")
            break


def analyse_database(asked: argparse.Namespace, paths: list[Path]) -> int:
    """Analyse all recordings of a folder, rank them, and print who stands out.

    Returns:
        1 where not one recording could be analysed.
    """
    from recordings import database, database_page, patients, terminal
    from utils.console import new_console

    checkpoint = _checkpoint(asked)
    name = asked.database.resolve().name
    folder = asked.to or runs_folder() / "recordings" / name
    job = database.Job(
        checkpoint=checkpoint.path,
        lead=asked.lead,
        rhythm=_rhythm(asked),
        html=asked.html,
        annotate=asked.annotate,
        pictures=asked.pictures,
    )
    workers = asked.jobs or os.cpu_count() or 1
    console = new_console()
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


def _rhythm(asked: argparse.Namespace) -> "RhythmSettings":
    from ecg.rhythm import RhythmSettings

    return RhythmSettings(window_beats=asked.window_beats, threshold=asked.irregular_from)


def _checkpoint(asked: argparse.Namespace) -> "Checkpoint":
    from models import checkpoints
    from recordings import classify

    return checkpoints.read(asked.checkpoint) if asked.checkpoint else classify.best_checkpoint()


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "record", nargs="?", type=Path, help="a WFDB record, an EDF file, or a CSV file"
    )
    what.add_argument(
        "--database", type=Path, metavar="FOLDER", help="analyse all recordings below it"
    )
    reading = parser.add_argument_group("how the recording is read")
    reading.add_argument("--lead", default="", help="lead to measure; default: II, else the first")
    reading.add_argument(
        "--sampling-hz", type=float, metavar="HZ", help="samples per second of a CSV file"
    )
    reading.add_argument("--units", help="of a CSV file: mV, uV or V")
    analysis = parser.add_argument_group("how it is analysed")
    analysis.add_argument(
        "--window-beats",
        type=int,
        default=WINDOW_BEATS,
        metavar="N",
        help="RR intervals in a window of the rhythm; default: %(default)s",
    )
    analysis.add_argument(
        "--irregular-from",
        type=float,
        default=IRREGULAR_FROM,
        metavar="X",
        help="irregularity, 0 to 1, from which a beat is irregular; default: %(default)s",
    )
    analysis.add_argument(
        "--checkpoint",
        type=existing_file,
        metavar="JSON",
        help="classifier; default: the best CNN",
    )
    analysis.add_argument(
        "--jobs",
        type=positive,
        metavar="N",
        help="processes of --database; default: all cores",
    )
    written = parser.add_argument_group("what is written")
    written.add_argument("--html", action="store_true", help="write one self-contained page")
    written.add_argument("--annotate", action="store_true", help="write WFDB annotations")
    written.add_argument(
        "--no-pictures", dest="pictures", action="store_false", help="write no PNG files"
    )
    written.add_argument("--to", type=Path, metavar="FOLDER", help="where the results go")
    asked = parser.parse_args(argv)
    if asked.database and (asked.sampling_hz or asked.units):
        parser.error("--sampling-hz and --units belong to a CSV file, not to --database")
    return asked


if __name__ == "__main__":
    raise SystemExit(main())
