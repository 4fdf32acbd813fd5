"""How long do 48 raw MIT-BIH records take to become beats, and the cached beats to load?

python -m benchmarks.data_loading
"""

import statistics
import tempfile
import time
from pathlib import Path

from heartbeats import mitdb
from heartbeats.cache import cached
from utils.errors import InputError, exit_plainly
from utils.paths import data_folder


def seconds_to_load(cache: Path, records: Path) -> float:
    """One load through the cache in `cache`, first page of every array touched."""
    started = time.perf_counter()
    beats = cached(cache, "mitbih", mitdb.source_files(records), lambda: mitdb.load(records))
    beats.signals[0].sum()
    return time.perf_counter() - started


@exit_plainly
def main() -> int:
    """Print both times; the exit status."""
    records = mitdb.find_folder(data_folder())
    if records is None:
        raise InputError("no MIT-BIH records; fetch them: `python -m heartbeats.download mitdb`")
    with tempfile.TemporaryDirectory() as folder:
        first = seconds_to_load(Path(folder), records)
        later = [seconds_to_load(Path(folder), records) for _ in range(10)]
    print(f"48 raw records to 109,446 cached beats   {first:7.2f} s   (goal: under 10 s)")
    print(
        f"cached beats, median of 10 loads         {statistics.median(later) * 1e3:7.1f} ms  "
        f"(goal: under 50 ms; slowest {max(later) * 1e3:.1f} ms)"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
