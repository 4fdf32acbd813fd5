"""The name by which sweep files and W&B runs know `experiments.cross_validation`."""

from experiments.cross_validation.program import check_sweep, main, sweep_facts

__all__ = ["check_sweep", "main", "sweep_facts"]

if __name__ == "__main__":
    raise SystemExit(main())
