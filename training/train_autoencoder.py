"""The name by which sweep files and W&B runs know `experiments.anomaly_detection`."""

from experiments.anomaly_detection.train import check_sweep, main, sweep_facts

__all__ = ["check_sweep", "main", "sweep_facts"]

if __name__ == "__main__":
    raise SystemExit(main())
