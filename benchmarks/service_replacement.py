"""What do clients notice while the service's checkpoint is replaced again and again?

    python -m benchmarks.service_replacement [--replacements 30] [--clients 8]

One run starts `python -m serving` on a checkpoint folder of its own, lets clients send single
beats without a pause, and again and again puts a checkpoint with slightly other weights in the
place of the current one, as a training does that has found a better one. It prints latencies
without and with replacements, the longest ones, and how soon the replacements answered; a request
that fails, or a replacement that does not answer at all, ends the run.
"""

import argparse
import http.client
import json
import os
import shutil
import tempfile
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.service import SAMPLED_BEATS, WARM_UP_REQUESTS, Load, running, send_requests
from heartbeats import catalog
from models import checkpoints
from utils.command_line import Parser

SHIPPED = checkpoints.PRETRAINED_FOLDER / "mitbih-kaggle-light"
NAME = "mitbih-kaggle/cnn"
WHERE = f"/api/predict?model={NAME}"
# The service sees a checkpoint, loads it and compiles it, beside clients that keep it busy.
PATIENCE_S, ASKED_EVERY_S = 60.0, 0.25
# Share by which a replaced network's weights differ.
CHANGE = 1e-4
REQUESTS_AT_A_TIME = 50


def main(argv: list[str] | None = None) -> int:
    """Measure and print; the exit status."""
    args = _parse(argv)
    beats = np.asarray(catalog.load(catalog.AUTO).signals[:SAMPLED_BEATS])
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ECG_RUNS"] = folder  # for the server, which inherits it
        path = _own_checkpoint(Path(folder) / "checkpoints" / NAME)
        drafts = _drafts(path, args.replacements, Path(folder))
        with running(["-m", "serving", "--port"]) as server:
            send_requests(server.port, WHERE, beats, args.clients, WARM_UP_REQUESTS)
            _print("quiet", send_requests(server.port, WHERE, beats, args.clients, 300))
            before = server.peak_bytes
            with ThreadPoolExecutor(1) as pool:
                job = pool.submit(_replace, path, drafts, server.port, beats[:1])
                load = _send_until(job, server.port, beats, args.clients)
                waits_s = job.result()
            _print(f"during {len(drafts)} replacements", load)
            print(
                f"the new weights answered after {np.median(waits_s):.1f} s, at most "
                f"{max(waits_s):.1f}; no request failed"
            )
            print(
                f"largest memory {server.peak_bytes / 1e6:,.0f} MB ({before / 1e6:,.0f} MB before)"
            )
    return 0


def _own_checkpoint(target: Path) -> Path:
    """A copy of the shipped light CNN; the path of its JSON."""
    shutil.copytree(SHIPPED, target.parent, ignore=shutil.ignore_patterns(".*"))
    return target.with_name(f"{target.name}.json")


def _drafts(path: Path, replacements: int, folder: Path) -> list[Path]:
    """Files of slightly other weights, made beforehand: clients and this program share a core."""
    network = checkpoints.read(path).load()
    first, drafts = network.get_weights(), []
    for number in range(1, replacements + 1):
        network.set_weights([weights * (1 + number * CHANGE) for weights in first])
        drafts.append(folder / f"draft-{number}.keras")
        network.save(drafts[-1])
    return drafts


def _replace(path: Path, drafts: list[Path], port: int, beat: np.ndarray) -> list[float]:
    """Put checkpoints in each other's place; the seconds until each of them answered."""
    waits_s = []
    for draft in drafts:
        facts = checkpoints.read(path).facts
        checkpoints.offer(path.parent, facts, lambda *_scores: True, partial(shutil.copy, draft))
        began = time.perf_counter()
        digest = checkpoints.read(path).facts.weights_digest
        while not digest.startswith(_answering(port, beat)):
            if time.perf_counter() - began > PATIENCE_S:
                raise RuntimeError(f"the old weights still answer after {PATIENCE_S:.0f} s")
            time.sleep(ASKED_EVERY_S)
        waits_s.append(time.perf_counter() - began)
    return waits_s


def _send_until(job: Future, port: int, beats: np.ndarray, clients: int) -> Load:
    """The latencies of clients until a job is done."""
    loads, started = [], time.perf_counter()
    while not job.done():
        loads.append(send_requests(port, WHERE, beats, clients, REQUESTS_AT_A_TIME))
    latencies = np.concatenate([load.latencies_ms for load in loads])
    return Load(latencies, time.perf_counter() - started)


def _answering(port: int, beat: np.ndarray) -> str:
    """The beginning of the digest of the weights that answer just now."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    body = json.dumps({"beats": beat.round(6).tolist()})
    connection.request("POST", WHERE, body, {"Content-Type": "application/json"})
    return json.load(connection.getresponse())["weights"]


def _print(name: str, load: Load) -> None:
    slowest = np.sort(load.latencies_ms)[-3:]
    print(
        f"{name}: {len(load.latencies_ms):,} single beats: p50 {load.percentile(50):.1f} ms, p99 "
        f"{load.percentile(99):.1f} ms, the longest {', '.join(f'{one:.0f}' for one in slowest)} "
        "ms",
        flush=True,
    )


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_argument("--replacements", type=int, default=30, help="default: %(default)s")
    parser.add_argument("--clients", type=int, default=8, help="default: %(default)s")
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
