"""What eval.py runs beyond the scores of checkpoints, and one-off questions: a module each."""
