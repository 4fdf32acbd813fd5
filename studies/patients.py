"""The command's former name; see `experiments.recorded_beats.patients`."""

from experiments.recorded_beats.patients import main

__all__ = ["main"]

if __name__ == "__main__":
    raise SystemExit(main())
