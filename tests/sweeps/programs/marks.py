"""Writes down when it begins and ends, and goes wrong as `--how` says. Knows no W&B.

    python marks.py --how=ok --marks=FILE --pause=0.1 --x=3

Each line of FILE is: begin or end, x, the W&B run id, the process. `once-...` goes wrong the first
time that this run id, or else this x, is begun.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def main(argv: list[str]) -> int:
    """Run once."""
    given = dict(word.removeprefix("--").split("=", 1) for word in argv)
    how, pause = given.get("how", "ok"), float(given.get("pause", 0))
    file, x = Path(given["marks"]), given.get("x", how)
    again = file.exists() and f"begin {x} " in file.read_text()
    mark(file, "begin", x)
    if how.startswith("once-"):
        how = "ok" if again else how.removeprefix("once-")
    goes_wrong(how, pause)
    time.sleep(pause)
    mark(file, "end", x)
    return 0


def mark(file: Path, what: str, x: str) -> None:
    """Append a line, whole even where two do so at once."""
    line = f"{what} {x} {os.environ['WANDB_RUN_ID']} {os.getpid()}\n"
    with file.open("ab", buffering=0) as stream:
        stream.write(line.encode())


def goes_wrong(how: str, pause: float) -> None:
    """What a program may do to the agent."""
    if how == "fails":
        print("first words", flush=True)
        sys.exit("the last word")
    elif how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == "killed-late":
        time.sleep(pause)
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == "parent-killed":
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(1000)
    elif how == "hangs":
        time.sleep(1000)
    elif how == "ignores":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(1000)
    elif how == "prints":
        for _ in range(20):
            print("x" * 2**20, flush=True)
        print("y" * 2**20, file=sys.stderr)
        sys.exit(1)
    elif how == "leaves":
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
    else:
        assert how.startswith("ok"), how


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
