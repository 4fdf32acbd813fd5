"""Train one CNN with the settings given, keep its best checkpoint, log to W&B.

    python -m training.train_cnn --data=synthetic --epochs=5

W&B sweeps launch it: see `sweeps/cnn_bayes.yaml`.
"""

from training.train_classifier import ClassifierProgram

_program = ClassifierProgram("cnn", about=__doc__)
main, check_sweep = _program.main, _program.check_sweep
sweep_facts, sweep_costs = _program.sweep_facts, _program.sweep_costs

if __name__ == "__main__":
    raise SystemExit(main())
