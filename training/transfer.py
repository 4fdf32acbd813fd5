"""The name by which W&B runs know `experiments.transfer`."""

from experiments.transfer.program import main

__all__ = ["main"]

if __name__ == "__main__":
    raise SystemExit(main())
