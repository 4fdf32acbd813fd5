"""The command's former name; see `experiments.recorded_beats.record_beats`."""

from experiments.recorded_beats.record_beats import main

__all__ = ["main"]

if __name__ == "__main__":
    raise SystemExit(main())
